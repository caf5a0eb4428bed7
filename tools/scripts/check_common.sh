# shellcheck shell=bash
# Shared by tools/check and its stages. A stage prints what it does; tools/check keeps that as its log, shows the lines that
# begin with "note: " and adds up the closing lines of ctest and the lines "N passed, 0 failed".
. tools/scripts/common.sh

kCacheFolder="${XDG_CACHE_HOME:-$HOME/.cache}/trireme"

note() { echo "note: $*"; }

# run_gtest FILTER COMMAND...: runs the chosen tests of a GoogleTest program, spread over the cores; fails if one fails.
# Prints "N passed, 0 failed", and leaves N in $passed.
run_gtest() {
  local filter=$1 shards shard status=0 output jobs=()
  shift
  shards=$(nproc)
  output=$(mktemp -d)
  for ((shard = 0; shard < shards; ++shard)); do
    GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$shard "$@" --gtest_filter="$filter" --gtest_brief=1 >"$output/$shard" 2>&1 &
    jobs+=($!)
  done
  for shard in "${jobs[@]}"; do wait "$shard" || status=$?; done
  passed=$(sed -nE 's/^\[  PASSED  \] ([0-9]+) tests?\.$/\1/p' "$output"/* | awk '{ sum += $1 } END { print sum + 0 }')
  if [ "$status" -ne 0 ]; then cat "$output"/*; fi
  rm -r "$output"
  echo "$passed passed, $((status != 0)) failed"
  return "$status"
}

# count_tests LOG: prints "PASSED SKIPPED FAILED" by the closing lines in a stage's log. ctest counts skipped tests as passed,
# and a GoogleTest program that it runs whole as one; with -V, the program's own line says how many tests that one was.
count_tests() {
  awk '/^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+$/ { passed += $NF - $4; failed += $4 }
       /^[0-9]+: \[  PASSED  \] [0-9]+ tests?\.$/ { passed += $5 - 1 }
       /^[0-9]+: \[  SKIPPED \] [0-9]+ tests?, / { skipped += $5 }
       /^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }
       /\(Skipped\)$/ { passed -= 1; skipped += 1 }
       END { print passed + 0, skipped + 0, failed + 0 }' "$1"
}
