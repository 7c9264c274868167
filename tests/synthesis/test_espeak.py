import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.errors import EngineError, EngineFull, TextTooLong, UnknownVoice, UsageError
from legato.synthesis.espeak import MAX_CHARACTERS, MAX_JOBS, EspeakEngine, EspeakSettings, plain
from legato.synthesis.espeak_library import EspeakLibrary
from legato.types import LANGUAGES, AudioBlock, Job, JobDone, JobFailed, Pcm, TextChunk
from tests.fakes import make_chunk

A = "It was a dark and stormy night; the rain fell in torrents."
B = "Whose woods these are, I think I know."

GREETINGS = {
    "ar": "مرحبا بالعالم", "cs": "Dobrý den", "de": "Guten Tag", "en": "Good day",
    "es": "Buenos días", "fr": "Bonjour", "hi": "नमस्ते दुनिया", "hu": "Jó napot",
    "it": "Buongiorno", "ja": "こんにちは", "ko": "안녕하세요", "nl": "Goedendag",
    "pl": "Dzień dobry", "pt": "Bom dia", "ru": "Добрый день", "tr": "Merhaba",
    "zh-cn": "你好世界",
}  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> EspeakEngine:
    return EspeakEngine()


def speak(engine: EspeakEngine, chunk: TextChunk) -> tuple[Pcm, tuple[tuple[int, int], ...]]:
    engine.add(Job(7, chunk))
    events = engine.step({}, 0.0)
    blocks = [event for event in events if isinstance(event, AudioBlock)]
    assert isinstance(events[-1], JobDone)
    assert len(blocks) == len(events) - 1
    at = 0
    for block in blocks:
        assert (block.job_id, block.start_sample) == (7, at)
        assert block.pcm.dtype == np.float32
        at += len(block.pcm)
    pcm = np.concatenate([np.empty(0, np.float32), *(block.pcm for block in blocks)])
    return pcm, tuple(mark for block in blocks for mark in block.marks)


def seconds(engine: EspeakEngine, chunk: TextChunk) -> float:
    return len(speak(engine, chunk)[0]) / engine.info.sample_rate_hz


def test_a_chunk_becomes_blocks_of_float32_the_first_one_short(engine: EspeakEngine) -> None:
    engine.add(Job(1, make_chunk(A)))
    blocks = [event for event in engine.step({}, 0.0) if isinstance(event, AudioBlock)]
    rate = engine.info.sample_rate_hz
    assert rate == 22_050
    assert len(blocks[0].pcm) <= 0.25 * rate
    assert max(len(block.pcm) for block in blocks) == rate
    assert all(block.pcm.flags.c_contiguous for block in blocks)
    assert 0.2 < max(float(np.abs(block.pcm).max()) for block in blocks) <= 1.0


def test_the_same_chunk_gives_the_same_samples_whatever_was_said_between(
    engine: EspeakEngine,
) -> None:
    first, marks = speak(engine, make_chunk(A))
    between = (make_chunk(B), make_chunk(B, voice="de+f3", rate=2.0), make_chunk(A, rate=0.6))
    for other in between:
        speak(engine, other)
        again, marks_again = speak(engine, make_chunk(A))
        np.testing.assert_array_equal(again, first)
        assert marks_again == marks


NOISY = [
    (A, "", 1.0),
    (B, "en-us+f3", 1.0),
    (A, "de+klatt4", 1.7),
    (B, "fr-fr+whisper", 0.7),
    (B, "cmn", 1.2),
]


def test_any_order_of_voices_and_rates_gives_the_same_samples(engine: EspeakEngine) -> None:
    def say_all(order: Sequence[tuple[str, str, float]]) -> dict[str, bytes]:
        return {
            voice: speak(engine, make_chunk(text, voice=voice, rate=rate))[0].tobytes()
            for text, voice, rate in order
        }

    first = say_all(NOISY)
    time.sleep(1.0 - time.time() % 1.0)  # left alone, it seeds its noise with the second
    for order in permutations(NOISY):
        assert say_all(order) == first


def test_another_process_says_the_same_samples(engine: EspeakEngine) -> None:
    script = (
        "import sys, zlib; from tests.fakes import make_chunk;"
        "from legato.synthesis.espeak import EspeakEngine; from legato.types import Job;"
        "engine = EspeakEngine(); engine.add(Job(1, make_chunk(sys.argv[1])));"
        "blocks = engine.step({}, 0.0)[:-1];"
        "sys.stdout.buffer.write(b''.join(block.pcm.tobytes() for block in blocks))"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script, A]
    environment = {"PYTHONPATH": ":".join((str(root), *sys.path))}
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    np.testing.assert_array_equal(
        np.frombuffer(done.stdout, np.float32), speak(engine, make_chunk(A))[0]
    )


def test_marks_are_at_the_words_of_the_source(engine: EspeakEngine) -> None:
    pcm, marks = speak(engine, make_chunk(A, source_start=100))
    words = {100 + A.index(word) for word in ("It", "dark", "stormy", "rain", "torrents")}
    assert words <= {source for _, source in marks}
    assert [sample for sample, _ in marks] == sorted(sample for sample, _ in marks)
    assert marks[0] == (0, 100)
    assert marks[-1][0] < len(pcm)


def test_marks_count_characters_not_bytes(engine: EspeakEngine) -> None:
    text = "Grüße, 😀 schöne Welt."
    _, marks = speak(engine, make_chunk(text, language="de"))
    assert {0, text.index("schöne"), text.index("Welt")} <= {source for _, source in marks}


def test_marks_follow_the_spoken_map(engine: EspeakEngine) -> None:
    plain_chunk = make_chunk("one two")
    chunk = replace(plain_chunk, source_start=50, source_end=90, spoken_map=((0, 50), (4, 80)))
    assert [source for _, source in speak(engine, chunk)[1]] == [50, 80]


def test_marks_lie_in_their_block(engine: EspeakEngine) -> None:
    engine.add(Job(1, make_chunk(A)))
    for block in engine.step({}, 0.0)[:-1]:
        assert isinstance(block, AudioBlock)
        for sample, _ in block.marks:
            assert block.start_sample <= sample < block.start_sample + len(block.pcm)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_voice(engine: EspeakEngine, language: str) -> None:
    pcm, _ = speak(engine, make_chunk(GREETINGS[language], language=language))
    assert len(pcm) > 0.3 * engine.info.sample_rate_hz
    assert np.abs(pcm).max() > 0.1


@pytest.mark.parametrize(
    ("voice", "same_as"),
    [
        ("", "en-us"),
        ("English (America)", "en-us"),
        ("EN-US", "en-us"),
        ("en-gb", "en"),
        ("fr", "fr-fr"),
        ("zh-cn", "cmn"),
        ("+f3", "en-us+F3"),
    ],
)
def test_a_voice_goes_by_id_name_and_language(
    engine: EspeakEngine, voice: str, same_as: str
) -> None:
    np.testing.assert_array_equal(
        speak(engine, make_chunk(B, voice=voice))[0], speak(engine, make_chunk(B, voice=same_as))[0]
    )


def test_every_listed_voice_and_variant_can_be_spoken_with(engine: EspeakEngine) -> None:
    ids = [voice.id for voice in engine.info.voices]
    assert len(ids) == len(set(ids)) > 200
    spoken = {id_: speak(engine, make_chunk("Anna 1", voice=id_))[0] for id_ in ids}
    assert {id_ for id_, pcm in spoken.items() if len(pcm) < 2_000} == set()
    assert len({pcm.tobytes() for pcm in spoken.values()}) > 180


@pytest.mark.parametrize("voice", ["nobody", "en+nobody", "+nobody", "en-us+f3+f4"])
def test_an_unknown_voice_is_refused(engine: EspeakEngine, voice: str) -> None:
    with pytest.raises(UnknownVoice):
        engine.add(Job(1, make_chunk(B, voice=voice)))


def test_a_language_without_a_voice_is_refused_and_a_region_falls_back(
    engine: EspeakEngine,
) -> None:
    with pytest.raises(UnknownVoice, match="tlh"):
        engine.add(Job(1, make_chunk(B, language="tlh")))
    assert seconds(engine, make_chunk(B, language="de-at")) > 0.5
    for code in ("DE_at", "chr"):  # of Cherokee there is one region alone
        assert seconds(engine, make_chunk(B, language=code)) > 0.5


def test_limits_are_kept(engine: EspeakEngine) -> None:
    with pytest.raises(TextTooLong):
        engine.add(Job(1, make_chunk("a" * (MAX_CHARACTERS + 1))))
    for job_id in range(MAX_JOBS):
        engine.add(Job(job_id, make_chunk(B)))
    with pytest.raises(EngineFull):
        engine.add(Job(99, make_chunk(B)))
    for job_id in range(MAX_JOBS):
        engine.cancel(job_id)
    engine.wake()
    assert engine.step({}, 60.0) == []


def test_the_most_urgent_job_is_spoken_first(engine: EspeakEngine) -> None:
    for job_id in (1, 2, 3):
        engine.add(Job(job_id, make_chunk("Hi.")))
    order = [engine.step({1: 3.0, 2: 0.5, 3: 1.0}, 0.0)[-1].job_id for _ in range(3)]
    assert order == [2, 3, 1]


def test_pace_pitch_and_volume(engine: EspeakEngine) -> None:
    usual = seconds(engine, make_chunk(A))
    assert seconds(engine, make_chunk(A, rate=1.5)) == pytest.approx(usual / 1.5, rel=0.1)
    assert seconds(engine, make_chunk(A, rate=99.0)) == seconds(
        engine, make_chunk(A, rate=450 / 175)
    )
    assert seconds(EspeakEngine(words_per_minute=262), make_chunk(A)) < usual * 0.75
    loud = np.abs(speak(engine, make_chunk(A))[0]).max()
    quiet = np.abs(speak(EspeakEngine(volume=25), make_chunk(A))[0]).max()
    assert quiet < loud * 0.5
    high = speak(EspeakEngine(pitch=99), make_chunk(A))[0]
    assert high.tobytes() != speak(engine, make_chunk(A))[0].tobytes()


@pytest.mark.parametrize(
    "options", [{"pitch": 100}, {"volume": -1}, {"words_per_minute": 79}, {"words_per_minute": 451}]
)
def test_settings_out_of_range_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="within"):
        EspeakSettings(**options)


@pytest.mark.parametrize("text", ["", " ", "\0\x01\n", "...", "—"])
def test_a_text_without_words_is_done_without_much_sound(engine: EspeakEngine, text: str) -> None:
    assert seconds(engine, make_chunk(text)) < 1.0


def test_what_espeak_takes_for_commands_is_read_as_text(engine: EspeakEngine) -> None:
    def say(text: str) -> bytes:
        return speak(engine, make_chunk(text))[0].tobytes()

    assert say("a\x0190s bee") == say("a 90s bee")
    assert say("one\0two") == say("one two")
    assert say("one \ud800 two") == say("one   two")
    phonemes = seconds(engine, make_chunk("[[h@l'oU]]"))
    assert phonemes > 2 * seconds(engine, make_chunk("hello"))
    assert say("<break time='3s'/>") != say("")


@given(st.text(max_size=60))
def test_plain_keeps_every_offset(text: str) -> None:
    cleaned = plain(text)
    assert len(cleaned) == len(text)
    assert all(new in (old, " ") for new, old in zip(cleaned, text, strict=True))
    assert not set(cleaned) & {"\0", "\x01", "\n"}
    cleaned.encode()


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40), st.sampled_from(LANGUAGES))
def test_any_text_is_spoken_with_marks_inside_it(text: str, language: str) -> None:
    pcm, marks = speak(EspeakEngine(), make_chunk(text, language=language))
    assert all(0 <= source <= len(text) and 0 <= sample <= len(pcm) for sample, source in marks)


def test_a_failing_library_fails_the_job_alone(
    engine: EspeakEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_voice_file", lambda *_: "no/such")
    engine.add(Job(5, make_chunk(B)))
    [event] = engine.step({}, 0.0)
    assert isinstance(event, JobFailed)
    assert (event.job_id, event.cause) == (5, "synthesis")
    assert "no/such" in event.reason


def test_missing_data_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("espeakng_loader.get_data_path", lambda: str(tmp_path / "gone"))
    with pytest.raises(EngineError, match="cannot read its data"):
        EspeakLibrary()


def test_the_library_tells_its_version() -> None:
    with EspeakLibrary() as library:
        assert library.version.startswith("1.5")
