"""The XTTS engine with a small synthetic checkpoint: blocks, batches, guard, faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from legato.errors import (
    EngineError,
    EngineFull,
    TextTooLong,
    UnknownLanguage,
    UnknownVoice,
    UsageError,
)
from legato.synthesis import engines
from legato.synthesis.engine import Engine, EngineEvent
from legato.types import AudioBlock, Job, JobDone, Pcm
from legato.xtts import loading
from legato.xtts.batch import DecodeBatch, DecodeRequest, Drawn
from legato.xtts.cached_gpt import CachedGpt
from legato.xtts.checkpoint import load_speakers
from legato.xtts.engine import XttsEngine
from legato.xtts.gpt import Gpt
from legato.xtts.guard import GuardSettings
from legato.xtts.voices import VoiceLatents, VoiceStore
from tests.fakes import make_chunk

RATE_HZ = 24_000
SENTENCES = (
    "The door opened before she could knock.",
    "Nobody had told her that the house was empty, and had been for years.",
    "Come in, said a voice.",
)
AMPLE_S = 10.0  # slack above which a chunk is kept until it is complete

Make = Callable[..., XttsEngine]


@pytest.fixture(scope="module")
def make(mini_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Makes engines; there are no own voices."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEGATO_DATA_DIR", str(tmp_path_factory.mktemp("data")))

        def _make(**options: Any) -> XttsEngine:
            return XttsEngine(**{"model": str(mini_checkpoint), "threads": 1, **options})

        yield _make


@pytest.fixture(scope="module")
def shared(make: Make) -> XttsEngine:
    """One with 16 slots. Leave it without jobs."""
    return make(slots=16)


def job(number: int, text: str = "", **chunk: Any) -> Job:
    spoken = text or SENTENCES[number % len(SENTENCES)]
    return Job(number, make_chunk(spoken, ordinal=number, **chunk), seed=number)


def collect(
    engine: XttsEngine, numbers: list[int], slack_s: float = 0.0
) -> dict[int, list[EngineEvent]]:
    """All events of these jobs, to their ends."""
    events: dict[int, list[EngineEvent]] = {number: [] for number in numbers}
    left = set(numbers)
    while left:
        for event in engine.step(dict.fromkeys(left, slack_s), 1.0):
            events[event.job_id].append(event)
            if isinstance(event, JobDone):
                left.discard(event.job_id)
    return events


def joined(events: list[EngineEvent]) -> Pcm:
    """The samples of a job's blocks, which follow one another."""
    blocks = [event for event in events if isinstance(event, AudioBlock)]
    at = 0
    for block in blocks:
        assert block.start_sample == at
        assert block.pcm.dtype == np.float32
        at += block.pcm.size
    return np.concatenate([block.pcm for block in blocks])


def speak(engine: XttsEngine, *jobs: Job, slack_s: float = 0.0) -> dict[int, Pcm]:
    for each in jobs:
        engine.add(each)
    events = collect(engine, [each.job_id for each in jobs], slack_s)
    return {number: joined(each) for number, each in events.items()}


# -- what it says ------------------------------------------------------------------------------


def test_it_tells_what_it_can_do(shared: XttsEngine) -> None:
    engine: Engine = shared
    info = engine.info
    assert (info.name, info.sample_rate_hz, info.max_jobs) == ("xtts", 24_000, 16)
    assert (info.repeatable, info.exact_marks) == (True, False)
    assert [voice.id for voice in info.voices] == [
        "Ada Synthetic",
        "Bo Synthetic",
        "Cleo Synthetic",
    ]
    assert set(info.voices[0].languages) >= {"en", "zh-cn"}
    assert info.limits.characters("en") == 250
    assert info.limits.max_audio_s == pytest.approx(27.9)


def test_a_chunk_is_the_vocoder_s_output_for_its_tokens(shared: XttsEngine) -> None:
    """Apart from the end of it, which is faded out."""
    spoken = speak(shared, job(1))[1]
    model = shared._model
    voice = model.voice("")
    batch = DecodeBatch(model.tokens, model.config.gpt, 1)
    ids = model.tokenizer.encode(SENTENCES[1], "en")
    batch.add(DecodeRequest(1, ids, voice.gpt_cond_latent, model.config.sampling, 1, 602))
    latents = []
    while len(batch):
        latents += [drawn.latent for drawn in batch.step({})]
    whole = model.vocoder.decode(torch.stack(latents), voice.speaker_embedding).cpu().numpy()
    assert spoken.size == whole.size
    fade = round(0.005 * RATE_HZ)
    np.testing.assert_allclose(spoken[:-fade], whole[:-fade], atol=1e-4)
    assert spoken[-1] == 0.0


def test_blocks_come_while_the_chunk_is_decoded_and_end_with_its_cost(shared: XttsEngine) -> None:
    shared.add(job(1))
    events = collect(shared, [1])[1]
    *blocks, done = events
    assert isinstance(done, JobDone)
    assert done.busy_s > 0.0
    assert done.notes == ()
    assert len(blocks) >= 4
    # 20 tokens less the vocoder's context of 4 and the guard's quarter of a second.
    first = blocks[0]
    assert isinstance(first, AudioBlock)
    assert 0.4 < first.pcm.size / RATE_HZ < 0.6


def test_the_first_block_comes_after_a_stated_number_of_tokens(make: Make) -> None:
    def steps(engine: XttsEngine) -> int:
        engine.add(job(1))
        count = 1
        while not engine.step({}, 1.0):
            count += 1
        return count

    assert steps(make(first_block_tokens=12)) == 12
    assert steps(make(first_block_tokens=30)) == 30


def test_samples_do_not_depend_on_how_they_are_asked_for(shared: XttsEngine) -> None:
    shared.add(job(1))
    ample = collect(shared, [1], AMPLE_S)[1]
    assert len(ample) == 2  # one block, made of the whole chunk
    some = speak(shared, job(1), slack_s=3.0)[1]
    tight = speak(shared, job(1))[1]
    # A GPU renders windows together or one by one, which is the same but for roundings.
    bound = 1e-5 if torch.cuda.is_available() else 0.0
    np.testing.assert_allclose(joined(ample), tight, atol=bound, rtol=0)
    np.testing.assert_allclose(some, tight, atol=bound, rtol=0)


def test_alone_or_among_neighbours_that_join_and_leave_it_is_the_same(shared: XttsEngine) -> None:
    jobs = [job(number) for number in range(24)]
    alone = {number: speak(shared, job(number))[number] for number in range(24)}
    together = speak(shared, *jobs[:16])
    pieces: dict[int, list[EngineEvent]] = {number: [] for number in range(24)}
    waiting, left = list(jobs), set(range(24))
    turn = 0
    while left:
        if turn % 7 == 0 and waiting and len(shared._renditions) < 16:
            shared.add(waiting.pop(0))
        turn += 1
        for event in shared.step({number: float(number % 5) for number in left}, 0.0):
            pieces[event.job_id].append(event)
            if isinstance(event, JobDone):
                left.discard(event.job_id)
    for number in range(24):
        np.testing.assert_allclose(joined(pieces[number]), alone[number], atol=1e-4)
    for number in range(16):
        np.testing.assert_allclose(together[number], alone[number], atol=1e-4)


def test_seed_voice_and_rate_make_a_difference(shared: XttsEngine) -> None:
    plain = speak(shared, job(1))[1]
    other_seed = speak(shared, Job(1, make_chunk(SENTENCES[1], ordinal=1), seed=2))[1]
    other_voice = speak(shared, job(1, voice="bo synthetic"))[1]
    fast = speak(shared, job(1, rate=1.5))[1]
    for other in (other_seed, other_voice):
        assert other.size != plain.size or not np.allclose(other, plain, atol=1e-2)
    assert fast.size == pytest.approx(plain.size / 1.5, rel=0.02)


# -- jobs ------------------------------------------------------------------------------------


def test_a_cancelled_job_is_silent_and_the_others_go_on(shared: XttsEngine) -> None:
    whole = speak(shared, job(1))[1]
    for number in (0, 1, 2):
        shared.add(job(number))
    for _ in range(15):
        assert shared.step({}, 0.0) == []
    shared.cancel(0)
    shared.cancel(99)
    events = collect(shared, [1, 2])  # any event of job 0 would be a KeyError
    np.testing.assert_allclose(joined(events[1]), whole, atol=1e-4)


def test_a_job_may_be_cancelled_in_any_state(shared: XttsEngine) -> None:
    for steps in (0, 1, 20, 21, 45):
        shared.add(job(1))
        for _ in range(steps):
            shared.step({}, 0.0)
        shared.cancel(1)
        assert shared.step({}, 0.0) == []
    shared.add(job(1, "..."))
    shared.cancel(1)
    assert shared.step({}, 0.0) == []


def test_what_cannot_be_spoken_is_refused_before_it_is_decoded(make: Make) -> None:
    engine = make(slots=1)
    with pytest.raises(UnknownVoice, match="nobody"):
        engine.add(job(1, voice="nobody"))
    with pytest.raises(UnknownLanguage, match="xx"):
        engine.add(job(1, voice="Ada Synthetic", language="xx"))
    with pytest.raises(TextTooLong):
        engine.add(job(1, "a" * 251))
    with pytest.raises(TextTooLong, match="text tokens"):
        engine.add(job(1, " ".join(["777777777"] * 25)))
    engine.add(job(1))
    with pytest.raises(EngineFull):
        engine.add(job(2))
    engine.close()
    assert engine.step({}, 0.0) == []


def test_tokens_are_drawn_as_the_options_say(make: Make) -> None:
    """At a temperature of 0 the seed is all one."""
    greedy = make(slots=1, temperature=0.0)
    one, other = (speak(greedy, replace(job(1), seed=seed))[1] for seed in (1, 2))
    np.testing.assert_array_equal(one, other)


def test_who_comes_after_two_that_ended_together_is_served(make: Make) -> None:
    engine = make(slots=2)
    same = replace(job(1), job_id=2)
    one, other = speak(engine, job(1), same).values()
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert speak(engine, job(3))[3].size


def test_a_voice_that_is_broken_is_told_to_who_asks_for_it_alone(
    mini_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fine-tune without studio voices: the first own one that loads is the default."""
    monkeypatch.setenv("LEGATO_DATA_DIR", str(tmp_path / "data"))
    model, store = tmp_path / "model", VoiceStore()
    model.mkdir()
    for path in mini_checkpoint.iterdir():
        if path.name != "speakers_xtts.pth":
            (model / path.name).symlink_to(path)
    good = next(iter(load_speakers(mini_checkpoint).values()))
    store.add("Good", good)
    store.add("Aaa", VoiceLatents(good.gpt_cond_latent[:, :32], good.speaker_embedding))
    engine = XttsEngine(model=str(model), threads=1)
    with pytest.raises(UnknownVoice, match="Aaa"):
        engine.add(job(1, voice="Aaa"))
    np.testing.assert_array_equal(speak(engine, job(1))[1], speak(engine, job(1, voice="Good"))[1])
    store.remove("Good")
    with pytest.raises(UnknownVoice, match="Aaa"):
        XttsEngine(model=str(model), threads=1).add(job(1))


@pytest.mark.parametrize("language", ["en-us", "pt-br"])
def test_a_region_is_ignored(shared: XttsEngine, language: str) -> None:
    plain = language.partition("-")[0]
    assert np.array_equal(
        speak(shared, job(1, voice="Ada Synthetic", language=language))[1],
        speak(shared, job(1, voice="Ada Synthetic", language=plain))[1],
    )


def test_a_language_is_spoken_by_the_default_voice(shared: XttsEngine) -> None:
    plain = speak(shared, job(1))[1]
    for voice in ("en", "Ada Synthetic", "ADA synthetic"):
        assert np.array_equal(speak(shared, job(1, voice=voice))[1], plain)


def test_an_own_voice_is_found_beside_the_studio_s(make: Make) -> None:
    engine = make()
    bo = engine._model.voice("Bo Synthetic")
    path = engine._model.store.add("Mine", bo)
    try:
        engine = make()
        assert [voice.id.split()[0] for voice in engine.info.voices] == [
            "Mine",
            "Ada",
            "Bo",
            "Cleo",
        ]
        mine = speak(engine, job(1, voice="mine"))[1]
        assert np.array_equal(mine, speak(engine, job(1, voice="Bo Synthetic"))[1])
    finally:
        path.unlink()


def test_text_without_a_word_is_no_sound(shared: XttsEngine) -> None:
    shared.add(job(1, "… — !"))
    assert shared.step({}, 1.0) == [JobDone(1, 0.0)]


def test_an_idle_step_waits_and_can_be_woken(shared: XttsEngine) -> None:
    threading.Timer(0.1, shared.wake).start()
    before_s = time.monotonic()
    assert shared.step({}, 30.0) == []
    assert time.monotonic() - before_s < 20.0


def test_neighbours_wait_where_they_would_make_an_urgent_chunk_late(
    shared: XttsEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[list[int]] = []
    step = shared._batch.step

    def watched(slack_s: Mapping[int, float], most: int | None = None) -> list[Drawn]:
        tokens = step(slack_s, most)
        drawn.append(sorted(each.key for each in tokens))
        return tokens

    monkeypatch.setattr(shared._batch, "step", watched)
    monkeypatch.setattr(shared._step_times, "most_within", lambda limit_s, most: min(2, most))
    for number in range(4):
        shared.add(job(number))
    shared.step({number: 3.0 + number for number in range(4)}, 0.0)
    shared.step({0: 9.0, 1: 9.0, 2: 1.9, 3: 3.0}, 0.0)
    assert drawn == [[0, 1, 2, 3], [2, 3]]
    for number in range(4):
        shared.cancel(number)


def test_reading_prefixes_says_nothing_of_how_long_a_token_takes(
    shared: XttsEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else 32 that join together make 32 look too slow, and they go on a few at a time."""
    noted: list[int] = []
    monkeypatch.setattr(shared._step_times, "note", lambda chunks, took_s: noted.append(chunks))
    for number in (0, 1):
        shared.add(job(number))
    shared.step({}, 0.0)
    assert noted == []
    shared.step({}, 0.0)
    assert noted == [2]
    for number in (0, 1):
        shared.cancel(number)


def test_long_silent_work_gives_a_sign_of_life(
    shared: XttsEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_s = time.monotonic()
    shared.add(job(1))
    assert shared.step({1: AMPLE_S}, 0.0) == []
    monkeypatch.setattr(time, "monotonic", lambda: at_s + 3.0)
    [block] = shared.step({1: AMPLE_S}, 0.0)
    assert isinstance(block, AudioBlock)
    assert (block.start_sample, block.pcm.size) == (0, 0)
    assert shared.step({1: AMPLE_S}, 0.0) == []
    shared.cancel(1)


# -- the guard ---------------------------------------------------------------------------------

STRICT = GuardSettings(overrun=1.0, grace_s=0.0)


def underestimated(estimate_s: float) -> Job:
    chunk = make_chunk(SENTENCES[1], ordinal=1)
    return Job(1, replace(chunk, estimate_s=estimate_s), seed=1)


def test_a_runaway_that_nobody_heard_is_made_again_and_then_cut(make: Make) -> None:
    """Both attempts are longer than the text is at 15 characters a second."""
    engine = make(guard=STRICT)
    short = underestimated(1.7)
    cut = speak(engine, short, slack_s=AMPLE_S)[1]
    counts = engine.guard_counts
    assert (counts.runaways, counts.retries, counts.cuts) == (2, 1, 1)
    assert cut.size / RATE_HZ == pytest.approx(len(SENTENCES[1]) / 15, abs=0.1)
    assert cut[-1] == pytest.approx(0.0, abs=1e-3)
    again = speak(engine, short, slack_s=AMPLE_S)[1]
    np.testing.assert_array_equal(again, cut)
    assert not np.array_equal(speak(engine, short)[1][:5_000], cut[:5_000])  # another attempt


def test_a_runaway_that_is_being_heard_is_cut(make: Make) -> None:
    engine = make(guard=STRICT)
    short = underestimated(1.7)
    cut = speak(engine, short)[1]
    counts = engine.guard_counts
    assert (counts.runaways, counts.retries, counts.cuts) == (1, 0, 1)
    whole = speak(make(), Job(1, make_chunk(SENTENCES[1], ordinal=1), seed=1))[1]
    certain = cut.size - round(0.2 * RATE_HZ)  # the vocoder's context ends at the cut
    np.testing.assert_allclose(cut[:certain], whole[:certain], atol=1e-4)
    assert cut[-1] == pytest.approx(0.0, abs=1e-3)


def test_numbers_are_measured_by_their_words(make: Make) -> None:
    """Written they are a third as long as spoken; the synthetic voice is slow besides."""
    engine = make()
    chunk = replace(make_chunk("3,456,789 and 1,234,567.", ordinal=1), estimate_s=4.0)
    speak(engine, Job(1, chunk, seed=1))
    assert engine.guard_counts.runaways == 0


def test_a_good_second_attempt_is_heard_whole(make: Make) -> None:
    """The first attempt draws from a wrong distribution, which makes a loop of it."""
    engine = make()
    real = engine._batch._sampler.sample
    wrong = [True]

    def sample(slots: torch.Tensor, logits: torch.Tensor, first: bool = False) -> torch.Tensor:
        return torch.full_like(slots, 7) if wrong[0] else real(slots, logits, first)

    engine._batch._sampler.sample = sample  # type: ignore[method-assign]
    engine.add(job(1))
    while not engine.guard_counts.retries:
        assert engine.step({1: AMPLE_S}, 0.0) == []
    wrong[0] = False
    events = collect(engine, [1], AMPLE_S)[1]
    second = joined(events)
    assert isinstance(events[-1], JobDone)
    assert events[-1].notes == ("repetition made again",)
    counts = engine.guard_counts
    assert (counts.repetitions, counts.retries, counts.cuts) == (1, 1, 0)
    assert second.size / RATE_HZ > 2.0


def test_a_loop_that_is_being_heard_ends_after_its_first_round(make: Make) -> None:
    engine = make(first_block_tokens=12)

    def sample(slots: torch.Tensor, logits: torch.Tensor, first: bool = False) -> torch.Tensor:
        return torch.full_like(slots, 7)

    engine._batch._sampler.sample = sample  # type: ignore[method-assign]
    cut = speak(engine, job(1))[1]
    counts = engine.guard_counts
    assert (counts.repetitions, counts.retries, counts.cuts) == (1, 0, 1)
    # 32 equal tokens are 1.5 s; what the first windows gave out of them was heard already.
    assert cut.size / RATE_HZ < 1.2


# -- making it -----------------------------------------------------------------------------------


def test_loading_tells_its_stages(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    make(slots=2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("xtts: loading ")
    assert lines[0].endswith((" for cpu", " for cuda"))
    assert "xtts: reading weights, 50%" in lines
    assert lines[-2:] == ["xtts: warming up", "xtts: ready"]


def test_who_made_it_may_hear_of_its_stages_instead(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    make(slots=2, tell=told.append)
    assert told[0].startswith("loading ")
    assert told[-1] == "ready"
    assert capsys.readouterr().err == ""


def test_memory_for_fewer_chunks_than_planned_is_told(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Small(CachedGpt):
        def __init__(self, gpt: Any, slots: int) -> None:
            if slots > 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            super().__init__(gpt, slots)

    monkeypatch.setattr(loading, "CachedGpt", Small)
    assert make(slots=8).info.max_jobs == 2
    assert "room for 2 chunks at once, not for 8" in capsys.readouterr().err


def test_no_memory_for_the_weights_is_one_line(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise RuntimeError("[enforce fail] can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(Gpt, "from_checkpoint", none_left)
    with pytest.raises(EngineError, match="not enough memory for the weights: close other"):
        make()


def test_an_installation_without_its_packages_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(engines._EXTRAS, "xtts", ("torch", "no_such_package"))
    with pytest.raises(UsageError, match=r"needs no_such_package: pip install 'legato\[xtts\]'"):
        engines.find_engine("xtts")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_bad_usage(make: Make) -> None:
    with pytest.raises(UsageError, match="no CUDA device"):
        make(device="cuda")


def test_a_folder_without_a_checkpoint_is_bad_usage(make: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no config\.json"):
        make(model=str(tmp_path))
