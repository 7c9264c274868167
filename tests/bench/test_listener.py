"""Scenes through the paced null output: what the bench does where there is no sound server."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import pytest

from legato.bench.gap import hear, scenes, table
from legato.bench.listener import Scene, as_tokens
from legato.bench.stage import perform
from legato.bench.story import story
from legato.errors import OutputError


@pytest.mark.parametrize("seconds", [1, 5, 12, 30, 60, 300])
def test_a_story_is_about_as_long_as_asked_for(seconds: int) -> None:
    characters = len(story(seconds))
    assert abs(characters / 17.4 - seconds) < 4.5
    assert story(seconds).endswith((".", '"'))


def test_longer_stories_begin_with_shorter_ones() -> None:
    assert story(60).startswith(story(20))


def test_the_longest_chunk_is_within_espeaks_limit() -> None:
    (whole,) = (scene for scene in scenes(60.0) if not scene.split)
    assert len(whole.text) <= 1_000
    assert whole.text in {scene.text for scene in scenes(60.0) if scene.split}


def test_tokens_join_to_the_text_and_come_in_time() -> None:
    text = story(5)
    began_s = time.monotonic()
    tokens = list(as_tokens(text, 1_000.0, 0.05))
    assert "".join(tokens) == text
    assert time.monotonic() - began_s >= 0.05 + (len(tokens) - 1) / 1_000.0


@pytest.mark.parametrize(("tokens_per_s", "first_token_s"), [(0.0, 0.0), (60.0, 0.2)])
def test_the_null_output_hears_every_sample(tokens_per_s: float, first_token_s: float) -> None:
    scene = Scene("null", story(3), "null", tokens_per_s=tokens_per_s, first_token_s=first_token_s)
    row = hear(scene, None, 3.0)
    assert (row["exact"], row["gaps_heard"], row["underruns"]) == (True, 0, 0), row
    assert row["backend"] == "null"
    assert row["ttfa_heard_ms"] > 1_000 * first_token_s
    assert 1.5 < row["spoken_s"] < 6.0


def test_a_player_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    scene = Scene("long", story(30), output="null")
    command = ("legato.bench.listener", str(tmp_path / "report.json"))
    played = perform(command, asdict(scene), None, 0.2)
    assert not played.finished
    assert played.captured.size == 0


def test_a_player_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="'deaf' did not start"):
        perform(
            ("legato.bench.listener", str(tmp_path / "report.json")),
            asdict(Scene("deaf", "Hello.", output="no such output")),
            None,
            10.0,
        )


def test_a_table_shows_rivals_and_what_is_missing() -> None:
    result = {
        "seconds": 5.0,
        "scenes": [{"scene": "idle", "exact": True}],
        "rivals": [{"scene": "somebody", "exact": None}],
        "rivals_missing": ["somebody else"],
        "shell_to_first_sample_ms": 700.0,
    }
    shown = table(result)
    assert shown.row_count == 2
    assert "somebody else" in str(shown.caption)
