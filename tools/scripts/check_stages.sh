# shellcheck shell=bash disable=SC2034
# The stages of tools/check: a line in the table and a function each. A stage fails by its exit code.
declare -A kAbout=(
  [packages]="installs what is missing, and brings the published models"
  [style]="includes follow the arrows, and clang-format has nothing to change"
  [release]="the optimised build and all of its tests"
  [package]="the installed package, and examples/embed built with it"
  [readme]="every command of README.md"
  [instruction_sets]="the cpu's kernels on SSE4, AVX2, AVX-512 and, under qemu, NEON"
  [onednn]="the cpu's float matmul with oneDNN 3"
  [asan]="all built by clang, tests run under AddressSanitizer and UndefinedBehaviorSanitizer"
  [tsan]="the tests with threads under ThreadSanitizer"
  [fuzz]="each fuzz target for 10 s"
  [random]="random kernels for 20 s and random graphs for 40 s on all devices, the same ones each time"
  [long_random]="10,000 random graphs on all devices but OpenCL's, and 1,000 there, from the date as the seed"
  [long_fuzz]="each fuzz target for 20 min"
  [long_models]="the published models whole on vulkan:0"
  [long_conformance]="all devices at conformance level 5"
  [long_oclgrind]="every op and a token of a model on a simulator of OpenCL that reports strays and races"
  [long_interpreter]="large matmuls of every format on the interpreter"
  [long_devices]="OpenCL and Vulkan at conformance level 3 and 2, whole and with features masked off, and under a layer that checks kernels as they run"
)
kStages=(style release package readme instruction_sets onednn asan tsan fuzz random)
kLongStages=(long_models long_interpreter long_oclgrind long_devices long_conformance long_fuzz long_random)

# The programs whose tests start threads.
kThreadedTests=(hal_test validation_test kernel_build_test session_test cpu_thread_pool_test cpu_device_test opencl_device_test vulkan_device_test)

build() {
  local preset=$1
  shift
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" "$@"
}

stage_packages() {
  # shellcheck disable=SC2086
  install_packages $kProgramPackages $kTestPackages
  fetch_test_models
}

stage_style() {
  python3 tools/scripts/check_includes
  find hal backends graph compiler runtime tools tests bench examples -name '*.cpp' -o -name '*.h' |
    xargs clang-format --dry-run -Werror
  echo "1 passed, 0 failed"
}

stage_release() {
  build release
  ctest --preset release -j2 --timeout 300
}

stage_package() {
  build release
  tools/scripts/check_package build/release "$kModelFolder/$kModelFile"
  echo "1 passed, 0 failed"
}
stage_readme() { tools/scripts/check_readme; }
stage_instruction_sets() { tools/scripts/check_instruction_sets; }
stage_onednn() { tools/scripts/check_onednn; }

stage_asan() {
  build asan
  # The interpreter runs the same code for kernels of any number of lanes and for any schedule; those of 4 lanes and for
  # GPUs are left in. A format is read by the same code in every kind of matmul; the plain one is left in, of formats
  # that all know. Models on drivers mostly wait for them to compile, and each schedule is the same code for other loops.
  local left_out='*InterpreterOf8Lanes*:*InterpreterOf16Lanes*:*InterpreterOf64ItemSubgroups*:*EmulatedInterpreter*'
  left_out+=':*InterpreterConformance*matmul_g*:*InterpreterConformance*grouped_*:*MatrixTiles.Have*'
  left_out+=':*InventedFormats*/interpreter_*:*InventedFormats*/opencl_*:*InventedFormats*/vulkan_*'
  left_out+=':*SpirVOfTemplates*/ForGpus:*OpenClOfTemplates*:Tuning.EachCandidate*'
  left_out+=':*GoldenModels*_opencl:*GoldenModels*_vulkan:Accelerator.SmolLm2*:Custom.SmolLm2*'
  GTEST_FILTER="-$left_out" ctest --preset asan -V -j2 --timeout 600
}

stage_tsan() {
  build tsan --target "${kThreadedTests[@]}"
  ctest --preset tsan -V -L "^($(IFS='|'; echo "${kThreadedTests[*]}"))\$" -j2 --timeout 600
}

# fuzz SECONDS: a target that ends without a finding counts as one test.
fuzz() {
  local output=build/check/fuzz.out targets
  tests/fuzz/run_all --seconds "$1" | tee "$output"
  targets=$(grep -c '^fuzz .* ok' "$output") || die "fuzz: no target ran; see tests/fuzz/run_all"
  echo "$targets passed, 0 failed"
}

stage_fuzz() { fuzz 10; }
stage_long_fuzz() { fuzz 1200; }

# disabled_tests PROGRAM: those that take minutes.
disabled_tests() {
  local output=build/check/disabled.out
  build release --target "$(basename "$1")"
  "build/release/tests/$1" --gtest_also_run_disabled_tests --gtest_filter='*DISABLED_*' | tee "$output"
  echo "$(grep -c '^\[       OK' "$output") passed, 0 failed"
}

stage_long_models() { disabled_tests runtime/real_models_test; }
stage_long_interpreter() { disabled_tests compiler/compiler_conformance_test; }
stage_long_oclgrind() {
  build release --target trireme
  tools/scripts/check_oclgrind
  echo "3 passed, 0 failed"
}
stage_long_devices() {
  disabled_tests devices/opencl_conformance_test
  disabled_tests devices/vulkan_conformance_test
  disabled_tests devices/weight_parts_test
  disabled_tests devices/integer_dot_test
  disabled_tests devices/vulkan_layers_test
}
# PoCL takes a quarter of a second to build a kernel, and each graph has its own.
kQuickDevices=(--device reference:0 --device cpu:0 --device interpreter:0 --device interpreter:16 --device vulkan:0)

# random_programs NAME ARGUMENTS..: what it counted is a note; the rest is kept under the name.
random_programs() {
  local output=build/check/random.$1.out
  shift
  echo "note: random_programs $*"
  build/release/tests/random/random_programs "$@" | tee "$output"
  sed -n 's/^\([0-9]* \(kernels\|graphs\)\)/note: \1/p' "$output"
}

stage_random() {
  build release --target random_programs
  random_programs kernels --kind kernels --seconds 20
  random_programs graphs --kind graphs --seconds 20 "${kQuickDevices[@]}"
  random_programs opencl --kind graphs --seconds 20 --device opencl:0
  echo "3 passed, 0 failed"
}

# spread_graphs SEED COUNT ARGUMENTS..: a program a core, each with its part of the seeds.
spread_graphs() {
  local seed=$1 count=$2 cores part first job status=0 jobs=()
  shift 2
  cores=$(nproc)
  for ((part = 0; part < cores; ++part)); do
    first=$((count * part / cores))
    random_programs "$part" --kind graphs --seed $((seed + first)) --count $((count * (part + 1) / cores - first)) "$@" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || status=$?; done
  return "$status"
}

stage_long_random() {
  local seed
  seed=$(date -u +%Y%m%d)000000
  build release --target random_programs
  spread_graphs "$seed" 10000 "${kQuickDevices[@]}"
  spread_graphs "$seed" 1000 --device opencl:0
  echo "2 passed, 0 failed"
}

stage_long_conformance() {
  local report=build/check/conformance.json
  build release --target trireme
  build/release/tools/trireme conformance --device cpu:0 --level 5 --json >"$report"
  python3 -c 'import json, sys; total = json.load(sys.stdin)
print(f"""note: level {total["level"]} of {total["device"]}: {total["unsupported"]} cases unsupported
{total["passed"]} passed, {total["failed"]} failed""")' <"$report"
}
