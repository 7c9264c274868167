from __future__ import annotations

from itertools import pairwise

from legato.bench.crowd import Crowd, quantile
from legato.bench.websocket_listener import VirtualPlayer
from legato.server.websocket_messages import AudioFrame

RATE_HZ = 1_000


def frame(start: int, samples: int) -> AudioFrame:
    return AudioFrame("pcm_s16le", start, samples, b"")


def test_it_plays_what_has_come_at_the_pace_of_a_sound_card() -> None:
    player = VirtualPlayer(RATE_HZ)
    assert player.advance(5.0) == 0
    player.add(frame(0, 500), 10.0)
    player.add(frame(500, 500), 10.125)
    assert player.advance(10.25) == 250
    assert player.next_report_s() == 0.25
    assert player.advance(10.875) == 875
    assert player.next_report_s() == 0.125
    assert player.advance(20.0) == 1_000
    assert (player.silences, player.broken) == (0, 0)  # after the end silence is no gap


def test_silence_that_content_follows_is_a_gap_of_its_length() -> None:
    player = VirtualPlayer(RATE_HZ)
    player.add(frame(0, 500), 10.0)
    player.add(frame(500, 500), 10.7)
    assert (player.silences, player.silent, player.longest_silence) == (1, 200, 200)
    assert player.advance(10.8) == 600
    player.add(frame(1_000, 500), 11.25)
    assert (player.silences, player.silent, player.longest_silence) == (2, 250, 200)


def test_what_is_lost_or_repeated_is_counted() -> None:
    player = VirtualPlayer(RATE_HZ)
    player.add(frame(0, 500), 1.0)
    player.add(frame(510, 500), 1.1)
    player.add(frame(1_000, 500), 1.2)
    assert player.broken == 20


def test_what_is_discarded_is_neither_heard_nor_missed() -> None:
    player = VirtualPlayer(RATE_HZ)
    player.add(frame(0, 1_000), 1.0)
    assert player.advance(1.25) == 250
    player.discard(250, 4_000)
    player.add(frame(4_000, 500), 1.5)
    assert (player.broken, player.silences) == (0, 0)
    assert player.advance(1.75) == 4_250


def test_a_crowd_comes_as_people_do_and_each_hears_until_all_have_been_there() -> None:
    crowd = Crowd(50, 10.0, 20.0, {})
    arrivals_s = crowd.arrivals_s()
    assert arrivals_s == sorted(arrivals_s)
    assert round(arrivals_s[-1], 6) == 10.0
    gaps_s = [after - before for before, after in pairwise(arrivals_s)]
    assert max(gaps_s) > 4 * min(gaps_s)
    first, last = (sum(map(len, crowd.text(n, arrivals_s[n]))) for n in (0, 49))
    assert first > 1.3 * last


def test_quantiles_are_values_that_were_measured() -> None:
    assert quantile([], 0.99) is None
    assert quantile([1.0], 0.99) == 1.0
    values = [float(value) for value in range(1, 101)]
    assert [quantile(values, share) for share in (0.01, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]
