"""Slower speech as it sounds: measured on espeak's voice and on signals that are hard to it.

    PYTHONPATH=src .venv/bin/pytest -s -k figures tests/audio/test_stretch_quality.py

prints the figures behind the limits below.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest

from legato.audio.audio_buffer import OPEN_ALL, create_audio_buffer
from legato.audio.resample import ChunkResampler
from legato.synthesis.espeak import EspeakEngine
from legato.types import AudioBlock, Job, Pcm
from tests.audio.buffers import BOTH, spans
from tests.fakes import make_chunk

RATE = 48_000
FRAME = round(0.040 * RATE)
SLOWEST = 0.92
TEXT = (
    "The harbour was quiet that morning. A thin mist lay over the water, and the fishermen "
    "spoke softly, as if loud words could wake the sea."
)
VOICES = ["en-us", "en-us+f3"]


@dataclass(frozen=True)
class Slowed:
    """What was heard of `content`, and the (place in `heard`, content index, samples) of
    what was inserted.
    """

    content: Pcm
    heard: Pcm
    inserted: list[tuple[int, int, int]]

    def place(self, index: int) -> int:
        """Where content `index` is heard."""
        return index + sum(samples for _, at, samples in self.inserted if at <= index)


def slow(kind: str, content: Pcm, block: int = 480) -> Slowed:
    """Hear all of `content`, one chunk, at the slowest pace."""
    buffer = create_audio_buffer(RATE, native=kind == "rust")
    buffer.set_pace(SLOWEST)
    buffer.open_through(OPEN_ALL)
    assert buffer.push(content) == content.size
    buffer.finish()
    blocks = []
    while not buffer.drained():
        blocks.append(buffer.render(block))
    counters = buffer.counters()
    assert counters.rendered_samples == content.size
    heard = np.concatenate(blocks)[: content.size + counters.stretched_samples]
    places, total = [], 0
    for index, samples in spans(buffer.drain_events(), "stretch"):
        places.append((index + total, index, samples))
        total += samples
    kept = np.ones(heard.size, np.bool_)
    for place, _, samples in places:
        kept[place : place + samples] = False
    np.testing.assert_array_equal(heard[kept], content)
    return Slowed(content, heard, places)


@lru_cache
def speech(voice: str) -> Pcm:
    """Some seven seconds, at the rate of a live ring."""
    engine = EspeakEngine()
    engine.add(Job(0, make_chunk(TEXT, voice=voice)))
    blocks = [event.pcm for event in engine.step({}, 0.0) if isinstance(event, AudioBlock)]
    resampler = ChunkResampler(engine.info.sample_rate_hz, RATE)
    return np.concatenate([*(resampler.feed(pcm) for pcm in blocks), resampler.finish()])


@lru_cache
def slowed_speech(kind: str, voice: str) -> Slowed:
    return slow(kind, speech(voice))


# -- measures -------------------------------------------------------------------------------
def pitch_hz(pcm: Pcm, middle: int) -> float:
    """The pitch around `middle` by autocorrelation, the highest of equals; NaN where none is."""
    frame = pcm[middle - FRAME // 2 : middle + FRAME // 2 : 4]
    if np.sqrt(np.mean(frame**2)) < 0.01:
        return float("nan")
    spectrum = np.fft.rfft(frame - frame.mean(), 4 * frame.size)
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)[: frame.size] / np.arange(frame.size, 0, -1)
    likeness /= likeness[0]
    low, high = RATE // 4 // 400, RATE // 4 // 60
    best = likeness[low:high].max()
    if best < 0.6:
        return float("nan")
    at = low + int(np.argmax(likeness[low:high] > 0.9 * best))
    while likeness[at + 1] > likeness[at]:
        at += 1
    left, top, right = likeness[at - 1 : at + 2]
    return float(RATE / 4 / (at + 0.5 * (left - right) / (left - 2 * top + right)))


def pitch_ratios(slowed: Slowed) -> Pcm:
    """Pitch as heard over pitch of the content, each 10 ms that have one."""
    middles = range(FRAME, slowed.content.size - FRAME, RATE // 100)
    ratios = np.array(
        [pitch_hz(slowed.heard, slowed.place(n)) / pitch_hz(slowed.content, n) for n in middles],
        np.float32,
    )
    return ratios[~np.isnan(ratios)]


def jump_ratios(slowed: Slowed) -> list[float]:
    """The largest jump between samples in each insertion and at its edges, over the largest
    one in the two periods that it was made of.
    """
    ratios = []
    for place, index, samples in slowed.inserted:
        around = np.abs(np.diff(slowed.content[index - samples : index + samples])).max()
        inside = np.abs(np.diff(slowed.heard[place - 1 : place + samples + 1])).max()
        if around > 1e-3:
            ratios.append(float(inside / around))
    return ratios


def bands_db(frame: Pcm) -> Pcm:
    """Level in 24 mel bands up to 8 kHz; not below -50 dB, where speech has but noise."""
    power = np.abs(np.fft.rfft(frame * np.hanning(frame.size))) ** 2
    mel = np.log1p(np.fft.rfftfreq(frame.size, 1 / RATE) / 700)
    band = (mel / np.log1p(8_000 / 700) * 24).astype(int)
    in_bands = np.bincount(band[band < 24], power[band < 24], 24)
    level: Pcm = np.log10(in_bands + 1e-5).astype(np.float32) * np.float32(10)
    return level


def spectral_distances(slowed: Slowed) -> tuple[list[float], list[float]]:
    """dB between each insertion amid its neighbours and the content there; and, to compare,
    between that content and the content one period before.
    """
    far, usual, half = list[float](), list[float](), FRAME // 2
    for place, index, samples in slowed.inserted:
        there = slowed.content[index - half : index + half]
        middle = place + samples // 2
        if index - half - samples < 0 or there.size < FRAME or np.sqrt(np.mean(there**2)) < 0.01:
            continue
        bands = bands_db(there)
        for frame, distances in (
            (slowed.heard[middle - half : middle + half], far),
            (slowed.content[index - half - samples : index + half - samples], usual),
        ):
            distances.append(float(np.sqrt(np.mean((bands_db(frame) - bands) ** 2))))
    return far, usual


# -- speech ---------------------------------------------------------------------------------
@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("kind", BOTH)
def test_the_pitch_of_speech_does_not_change(kind: str, voice: str) -> None:
    ratios = pitch_ratios(slowed_speech(kind, voice))
    assert ratios.size > 200
    assert np.median(ratios) == pytest.approx(1.0, abs=0.001)
    assert np.mean(np.abs(ratios - 1) < 0.01) > 0.9


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("kind", BOTH)
def test_nothing_clicks(kind: str, voice: str) -> None:
    ratios = jump_ratios(slowed_speech(kind, voice))
    assert len(ratios) > 40
    assert max(ratios) < 1.01


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("kind", BOTH)
def test_an_insertion_sounds_like_where_it_is(kind: str, voice: str) -> None:
    far, usual = spectral_distances(slowed_speech(kind, voice))
    assert len(far) > 40
    assert np.mean(far) < np.mean(usual)


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("kind", BOTH)
def test_speech_is_nearly_as_slow_as_asked_and_no_second_is_slower(kind: str, voice: str) -> None:
    slowed = slowed_speech(kind, voice)
    after = 2 * RATE  # the pace is reached after 0.8 s of content
    late = sum(samples for _, index, samples in slowed.inserted if index >= after)
    assert 0.068 < late / (slowed.content.size - after) <= 0.08
    for begin in range(0, slowed.content.size - RATE, RATE // 20):
        within = [n for _, index, n in slowed.inserted if begin <= index < begin + RATE]
        assert sum(within) <= 0.08 * RATE


@pytest.mark.parametrize("kind", BOTH)
def test_speech_is_slowed_alike_whatever_the_size_of_blocks(kind: str) -> None:
    whole = slowed_speech(kind, "en-us")
    for block in (64, 4_800):
        assert slow(kind, whole.content, block).inserted == whole.inserted
    part = slow(kind, whole.content[: 2 * RATE], 1).inserted
    assert part == [span for span in whole.inserted if span[1] <= 2 * RATE - 720]


def test_both_buffers_choose_the_same_places() -> None:
    pytest.importorskip("legato._native", reason="the native module was not built")
    for voice in VOICES:
        assert slowed_speech("rust", voice).inserted == slowed_speech("twin", voice).inserted


@pytest.mark.parametrize("voice", VOICES)
def test_figures(voice: str) -> None:
    slowed = slowed_speech("twin", voice)
    ratios, jumps = pitch_ratios(slowed), jump_ratios(slowed)
    far, usual = spectral_distances(slowed)
    print(
        f"\n{voice}: {slowed.content.size / RATE:.1f} s, "
        f"{slowed.heard.size / slowed.content.size - 1:.2%} longer, "
        f"{len(slowed.inserted)} insertions; pitch x {np.median(ratios):.5f} (median), "
        f"{np.mean(np.abs(ratios - 1) < 0.01):.1%} of frames within 1 %; largest jump x "
        f"{max(jumps):.3f}; spectrum {np.mean(far):.2f} dB away (one period on: "
        f"{np.mean(usual):.2f} dB)"
    )
    assert len(far) == len(usual) > 0


# -- other signals --------------------------------------------------------------------------
def seconds(samples: float) -> Pcm:
    return np.arange(round(samples * RATE), dtype=np.float32) / np.float32(RATE)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("hz", [90.0, 440.0, 997.0, 5_000.0])
def test_a_tone_stays_the_tone_it_was(kind: str, hz: float) -> None:
    tone = (0.5 * np.sin(2 * np.pi * hz * np.arange(4 * RATE) / RATE)).astype(np.float32)
    slowed = slow(kind, tone)
    assert sum(samples for *_, samples in slowed.inserted) > 0.055 * tone.size
    assert max(jump_ratios(slowed)) < 1.01
    spectrum = np.abs(np.fft.rfft(slowed.heard * np.hanning(slowed.heard.size))) ** 2
    near = np.abs(np.fft.rfftfreq(slowed.heard.size, 1 / RATE) - hz) < 25
    assert spectrum[near].sum() > 0.995 * spectrum.sum()


@pytest.mark.parametrize("kind", BOTH)
def test_a_sweep_glides_on(kind: str) -> None:
    t = np.arange(4 * RATE) / RATE
    sweep = (0.5 * np.sin(2 * np.pi * (80 * t + 40 * t**2))).astype(np.float32)
    slowed = slow(kind, sweep)
    assert sum(samples for *_, samples in slowed.inserted) > 0.055 * sweep.size
    assert max(jump_ratios(slowed)) < 1.02
    assert np.abs(pitch_ratios(slowed) - 1).max() < 0.03


@pytest.mark.parametrize("kind", BOTH)
def test_noise_waits_and_the_silence_after_it_does_not(kind: str) -> None:
    noise = np.random.default_rng(4).uniform(-0.5, 0.5, 2 * RATE).astype(np.float32)
    slowed = slow(kind, np.concatenate((noise, np.zeros(2 * RATE, np.float32))))
    assert min(index for _, index, _ in slowed.inserted) > 2 * RATE
    assert sum(samples for *_, samples in slowed.inserted) > 0.06 * 2 * RATE


@pytest.mark.parametrize("kind", BOTH)
def test_no_click_is_heard_twice(kind: str) -> None:
    clicks = np.zeros(3 * RATE, np.float32)
    clicks[1_000 :: RATE // 20] = 0.9
    slowed = slow(kind, clicks)
    assert np.count_nonzero(slowed.heard) == np.count_nonzero(clicks)
    assert sum(samples for *_, samples in slowed.inserted) > 0.05 * clicks.size
