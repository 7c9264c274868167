"""Synthetic checkpoints, made once for the whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

from legato.xtts.synthetic import make_checkpoint

SEED = 1  # the golden files were made with it


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two GPT layers of 64 channels, all else as published (93 MB). Not to be written to."""
    return make_checkpoint(tmp_path_factory.mktemp("xtts") / "tiny", "tiny", SEED)


@pytest.fixture(scope="session")
def mini_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tiny_checkpoint` with a narrow, fast vocoder. Not to be written to."""
    return make_checkpoint(tmp_path_factory.mktemp("xtts") / "mini", "mini", SEED)
