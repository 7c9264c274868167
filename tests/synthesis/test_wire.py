import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from legato.synthesis.engine import EngineEvent
from legato.synthesis.wire import (
    Unpacker,
    info_header,
    job_header,
    pack,
    pack_event,
    read_event,
    read_info,
    read_job,
)
from legato.types import (
    AudioBlock,
    Boundary,
    EngineInfo,
    EngineLimits,
    Job,
    JobDone,
    JobFailed,
    TextChunk,
    Voice,
)
from tests.fakes import make_chunk

FRAMES = st.lists(
    st.tuples(st.dictionaries(st.text(max_size=8), st.text() | st.integers()), st.binary())
)


@given(FRAMES, st.data())
def test_frames_survive_any_cutting_of_the_stream(
    frames: list[tuple[dict[str, object], bytes]], data: st.DataObject
) -> None:
    stream = b"".join(pack(header, body) for header, body in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    unpacker = Unpacker()
    received = [
        frame
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for frame in unpacker.feed(stream[start:end])
    ]
    assert received == frames


def transfer(event: EngineEvent, chunk: TextChunk) -> EngineEvent:
    [(header, body)] = Unpacker().feed(pack_event(event))
    return read_event(header, body, chunk)


def test_a_block_arrives_sample_for_sample_with_its_marks_in_the_source() -> None:
    pcm = np.array([0.0, -1.0, 1e-38, 0.1, np.float32(np.pi)], np.float32)
    chunk = make_chunk("some words", source_start=40)
    block = transfer(AudioBlock(3, 100, pcm, ((101, 0), (103, 5))), chunk)
    assert isinstance(block, AudioBlock)
    assert (block.job_id, block.start_sample, block.marks) == (3, 100, ((101, 40), (103, 45)))
    assert block.pcm.tobytes() == pcm.tobytes()
    assert block.pcm.flags.c_contiguous
    assert block.pcm.flags.aligned


def test_other_events_arrive_as_they_are() -> None:
    for event in (
        JobDone(1, 0.25),
        JobDone(1, 0.25, ("a", "b")),
        JobFailed(2, "no – \ud800", "synthesis"),
    ):
        assert transfer(event, make_chunk("x")) == event


def test_the_engine_sees_the_spoken_text_as_its_source() -> None:
    chunk = TextChunk(
        7, 500, 600, "spoken", "de", "anna", 1.25, Boundary.CLAUSE, 0.25, 2.5,
        spoken_map=((0, 500), (3, 590)),
    )  # fmt: skip
    job = read_job(job_header(Job(9, chunk, seed=42)))
    assert (job.job_id, job.seed) == (9, 42)
    seen = job.chunk
    assert (seen.ordinal, seen.spoken, seen.language) == (7, "spoken", "de")
    assert (seen.voice, seen.rate, seen.boundary) == ("anna", 1.25, Boundary.CLAUSE)
    assert [seen.source_at(at) for at in range(7)] == list(range(7))


def test_an_engines_description_arrives_whole() -> None:
    info = EngineInfo(
        name="x",
        sample_rate_hz=24_000,
        max_jobs=8,
        limits=EngineLimits(250, {"ja": 71}, 27.9),
        repeatable=False,
        exact_marks=True,
        voices=(Voice("a", "Anna", ("de", "en"), "female"),),
    )
    [(header, _)] = Unpacker().feed(pack(info_header(info)))
    assert read_info(header) == info
