#!/usr/bin/env bash
# Runs the Rust tests, then the loom models of the ring.
set -euo pipefail
cd "$(dirname "$0")/../rust"

if ! command -v cargo >/dev/null; then
    echo "legato: cargo was not found: Rust tests not run" >&2
    [ -z "${CI:-}" ]
    exit
fi
cargo test --locked
# Its own target folder: the flag would rebuild everything else at every change of mind.
CARGO_PROFILE_RELEASE_LTO=off RUSTFLAGS="--cfg loom" cargo test --locked --release \
    --no-default-features --lib --tests --target-dir target/loom
