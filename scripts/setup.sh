#!/usr/bin/env bash
# Makes this checkout ready, and does nothing where it already is.
#
#   scripts/setup.sh run     what the `legato` command needs
#   scripts/setup.sh test    that, and what tests and linters need
set -euo pipefail
cd "$(dirname "$0")/.."
level=${1:-run}

is_new_enough() {
    "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    echo "legato: Python 3.11 or newer is needed and none was found (PYTHON=/path/to/it make ...)" >&2
    return 1
}

# The stamp of a finished .venv is its pip: `venv` leaves a Python behind even where it fails.
if [ -x .venv/bin/pip ] && is_new_enough .venv/bin/python; then
    scripts/system_packages.sh "$level" .venv/bin/python
else
    python=$(find_python)
    scripts/system_packages.sh "$level" "$python"
    if ! "$python" -c 'import ensurepip' 2>/dev/null || ! "$python" -m venv --clear .venv; then
        echo "legato: stopped: $python cannot make a virtual environment" >&2
        exit 1
    fi
fi
exec .venv/bin/python scripts/install.py "$level"
