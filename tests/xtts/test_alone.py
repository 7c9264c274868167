"""What the XTTS model and engine need, and what they cost: each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from legato.xtts.config import XttsConfig
from legato.xtts.kv_cache import KeyValueCache

NOT_NEEDED = ("legato._native", "legato.audio", "TTS", "transformers", "torchaudio", "librosa")
SLOTS = 2
HALF_A_GB = 500_000_000

IMPORTS = f"""
import sys
sys.modules.update(dict.fromkeys({NOT_NEEDED!r}))  # importing one of them raises ImportError
from pathlib import Path
import legato.xtts
for file in Path(legato.xtts.__file__).parent.rglob("*.py"):
    parts = file.relative_to(Path(legato.xtts.__file__).parent).with_suffix("").parts
    if parts[-1] != "__init__":
        __import__(".".join(("legato.xtts", *parts)))
"""

PEAK = """
import json, sys
from pathlib import Path
from legato.xtts.engine import XttsEngine

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1_024 for line in lines if line.startswith("VmHWM"))

before = peak()
XttsEngine(model=sys.argv[1], slots=int(sys.argv[2]), threads=1, device="cpu")
print(json.dumps(peak() - before))
"""


def test_it_imports_without_the_native_module_and_the_reference() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_start_takes_the_weights_the_planned_cache_and_less_than_half_a_gb(
    tiny_checkpoint: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(tiny_checkpoint), str(SLOTS)],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    weights = (tiny_checkpoint / "model.pth").stat().st_size
    cache = SLOTS * KeyValueCache.bytes_per_slot(XttsConfig.load(tiny_checkpoint).gpt)
    assert 0 < json.loads(done.stdout) < weights + cache + HALF_A_GB
