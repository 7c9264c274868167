import math

import numpy as np
import pytest

from legato.sim.record import Attempt, Piece
from legato.sim.takes import Take, blocks_of, like

HZ = 1_000


def test_speech_lies_where_it_was_found() -> None:
    pieces = [
        Piece(0.1, 0.1, 0.0, None),
        Piece(0.2, 0.1, 0.05, (120, 170)),
        Piece(0.3, 0.1, 0.1, (120, 255)),
        Piece(0.4, 0.1, 0.1, (120, 255)),
    ]
    blocks = blocks_of(Attempt(0.0, pieces, 0.4), HZ)
    assert [block.size for block in blocks] == [100] * 4
    voiced = np.flatnonzero(np.concatenate(blocks))
    assert voiced.tolist() == [*range(120, 171), *range(200, 256)]


def test_a_job_made_again_begins_with_what_is_known() -> None:
    known = np.array([0.5, 0.0, 0.5], np.float32)
    (block,) = blocks_of(Attempt(0.0, [Piece(0.1, 0.006, 0.006, (0, 5))], 0.1), HZ, known)
    assert block.tolist() == [0.5, 0.0, 0.5, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_another_length_takes_as_long_for_each_second(ratio: float) -> None:
    pcm = np.concatenate((np.zeros(50), np.full(900, 0.5), np.zeros(50))).astype(np.float32)
    blocks = tuple((0.2 * (n + 1), pcm[250 * n : 250 * n + 250]) for n in range(4))
    take = like(Take(blocks, 0.8), ratio)
    assert take.samples == 100 + round(900 * ratio)
    assert take.done_s == pytest.approx(take.samples * 0.8 / 1_000, abs=0.001)
    made = np.concatenate([block for _, block in take.blocks])
    voiced = np.flatnonzero(made)
    assert (voiced[0], made.size - 1 - voiced[-1]) == (50, 50)
    times_s = [at_s for at_s, _ in take.blocks]
    assert times_s == sorted(times_s)
    assert len(take.blocks) == math.ceil(take.samples / 250)


def test_what_came_in_one_piece_comes_in_one_piece() -> None:
    take = like(Take(((0.4, np.full(800, 0.5, np.float32)),), 0.4), 1.5)
    ((at_s, pcm),) = take.blocks
    assert pcm.size == 1_200
    assert at_s == pytest.approx(0.6)
