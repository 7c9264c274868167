#!/usr/bin/env bash
# Speaks the story at the sound card; where there is none, writes it into a file and says where.
set -euo pipefail
cd "$(dirname "$0")/.."
legato=.venv/bin/legato
story=examples/story.txt

speak_aloud() {
    "$legato" devices --json >/dev/null 2>&1 || return 1
    "$legato" speak -f "$story"
}

status=0
speak_aloud || status=$?
# Above 128 somebody stopped it: that is no reason to begin again elsewhere.
if [ "$status" -eq 0 ] || [ "$status" -gt 128 ]; then
    exit "$status"
fi
mkdir -p out
"$legato" speak -f "$story" -o out/demo.wav
echo "legato: no sound device could play it; the story is in out/demo.wav"
