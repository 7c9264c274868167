from __future__ import annotations

from dataclasses import replace

import pytest

from legato.synthesis.track import Track, TrackSettings
from legato.synthesis.tracks import Tracks
from legato.types import AudioBlock, Job
from tests.fakes import make_chunk, scripted_pcm

RATE = 24_000
CHUNK = replace(make_chunk("The owl woke."), pause_before_s=0.0)
LEAD_S = 1.5


def given(count: int = 3) -> tuple[Tracks, list[Track]]:
    """Tracks of as many chunks, all in the engine, of utterances 0, 1, ..."""
    tracks = Tracks(TrackSettings(RATE, RATE))
    for number in range(count):
        chunk = replace(CHUNK, ordinal=tracks.next_ordinal)
        tracks.begin(chunk, number).job = Job(10 + number, chunk, 0)
    return tracks, list(tracks)


def begun(track: Track) -> float:
    """Half of its audio comes; its seconds."""
    assert track.job is not None
    pcm = scripted_pcm(track.chunk, 0.0)
    return track.take(AudioBlock(track.job.job_id, 0, pcm[: pcm.size // 2]))


def made(track: Track) -> None:
    begun(track)
    track.finish()


def test_they_are_numbered_in_story_order() -> None:
    tracks, (first, second, third) = given()
    assert [track.chunk.ordinal for track in tracks] == [0, 1, 2]
    assert tracks.next_ordinal == 3
    assert tracks.head is first
    tracks.end()
    assert tracks.head is second
    assert third in tracks
    assert first not in tracks
    assert len(tracks) == 2
    assert (tracks.has(0), tracks.has(1)) == (False, True)
    tracks.end()
    tracks.end()
    assert tracks.head is None
    assert tracks.next_ordinal == 3


def test_what_is_split_moves_those_behind_it_up() -> None:
    tracks, (first, second, third) = given()
    pieces = [replace(second.chunk, spoken=spoken) for spoken in ("The owl", "woke.")]
    new = tracks.split(second, pieces)
    assert [track.chunk.spoken for track in tracks] == [
        CHUNK.spoken,
        "The owl",
        "woke.",
        third.chunk.spoken,
    ]
    assert [track.chunk.ordinal for track in tracks] == [0, 1, 2, 3]
    assert new == list(tracks)[1:]
    assert [track.utterance for track in tracks] == [0, 1, 1, 2]
    assert tracks.retakes() == new[:2]
    assert tracks.in_flight() == [first, third]
    assert tracks.next_ordinal == 4


def test_what_the_engine_has() -> None:
    tracks, (first, second, third) = given()
    assert not tracks.all_made()
    made(first)
    second.retry()
    assert tracks.in_flight() == [third]
    assert tracks.retakes() == [second]
    assert not tracks.restarting()
    second.restarts = 1
    assert tracks.restarting()
    for track in (second, third):
        track.finish()
    assert tracks.all_made()
    assert not tracks.restarting()


def test_what_is_ready_counts_up_to_the_first_gap() -> None:
    tracks, (first, second, third) = given()
    made(first)
    begun(second)
    made(third)
    assert tracks.contiguous_s() == pytest.approx(first.ready_s + second.ready_s)
    assert tracks.unpushed_s() == pytest.approx(sum(t.duration_s for t in tracks))
    assert tracks.unmade_s() == pytest.approx(second.duration_s - second.made_s)


def test_a_job_is_due_when_the_listener_comes_to_its_first_missing_sample() -> None:
    tracks, (first, second, _) = given()
    made(first)
    begun(second)
    assert tracks.slack_s(LEAD_S) == {
        11: pytest.approx(LEAD_S + first.made_s + second.made_s),
        12: pytest.approx(LEAD_S + first.made_s + second.duration_s),
    }
