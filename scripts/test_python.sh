#!/usr/bin/env bash
# Every Python test, in two halves side by side that take about as long. Then the coverage of both
# together, which must be complete.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin

first=(tests/text tests/sim tests/xtts tests/report tests/synthesis tests/cli tests/audio)
output=$(mktemp)
run() { # NAME ARGUMENTS...: one half, its coverage in a file of its own
    COVERAGE_FILE=".coverage.$1" "$bin/pytest" --cov --cov-report= --cov-fail-under=0 \
        -p no:cacheprovider "${@:2}"
}

OMP_NUM_THREADS=1 run first "${first[@]}" >"$output" 2>&1 &
half=$!
trap 'kill "$half" 2>/dev/null || true; rm -f "$output"' EXIT

failed=0
run second "${first[@]/#/--ignore=}" || failed=$?
wait "$half" || failed=$?
printf '\n=== the first half: %s\n' "${first[*]}"
cat "$output"
((failed == 0)) || exit "$failed"

"$bin/coverage" combine --quiet .coverage.first .coverage.second
"$bin/coverage" report
