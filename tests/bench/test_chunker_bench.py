"""The chunker's benchmark: it measures what it says, with and without the rival."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from types import SimpleNamespace

import pytest

from legato.bench import chunker as bench


def rival(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for stream2sentence; gives the deltas it was fed."""
    seen: list[str] = []

    def generate_sentences(deltas: Iterable[str]) -> Iterator[str]:
        for delta in deltas:
            seen.append(delta)
            yield delta

    stand_in = SimpleNamespace(generate_sentences=generate_sentences)
    monkeypatch.setitem(sys.modules, "stream2sentence", stand_in)
    monkeypatch.setattr(metadata, "version", lambda _: "0.0")
    return seen


def test_both_get_the_same_text_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = rival(monkeypatch)
    result = bench.run(characters=2_000, rounds=1)
    text = bench.sample_text(2_000)
    assert len(text) == 2_000
    assert seen == [text, *text]
    assert result["rival"] == "stream2sentence 0.0"
    assert isinstance(result["chunks"], int)
    assert result["chunks"] > 10
    for feeding in ("at_once", "single"):
        ours, theirs = result[f"legato_{feeding}_mb_s"], result[f"rival_{feeding}_mb_s"]
        ratio = result[f"ratio_{feeding}"]
        assert isinstance(ours, float)
        assert isinstance(theirs, float)
        assert isinstance(ratio, float)
        assert min(ours, theirs, ratio) > 0.0


def test_the_rival_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stream2sentence", None)
    result = bench.run(characters=500, rounds=1)
    assert result["rival"] == "stream2sentence (not installed)"
    assert result["rival_at_once_mb_s"] is None
    assert result["ratio_single"] is None
    assert bench.table(result).row_count == 2


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_the_last_line_is_json(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rival(monkeypatch)
    result = bench.run(characters=500, rounds=1)
    monkeypatch.setattr(bench, "run", lambda: result)
    assert bench.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert json.loads(lines[-1]) == result
    assert (len(lines) == 1) == bool(arguments)
