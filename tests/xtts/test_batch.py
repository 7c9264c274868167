"""Continuous batching, with a model whose tokens show any mix-up between chunks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from legato.errors import EngineError
from legato.xtts.batch import DecodeBatch, DecodeRequest, Drawn, out_of_memory, plan_slots
from legato.xtts.config import SamplingConfig
from tests.xtts.fakes import CONFIG, STOP, FakeModel, memory_for

VOICE = torch.zeros(32, 4)
SAMPLING = SamplingConfig(temperature=1.0, top_k=16, top_p=1.0, repetition_penalty=1.0)


def request(key: int, length: int = 5, text: int = 0) -> DecodeRequest:
    return DecodeRequest(key, [length, key, text], VOICE, SAMPLING, seed=100 + key, most_tokens=37)


def run(batch: DecodeBatch, slack_s: dict[int, float] | None = None) -> dict[int, list[int]]:
    """All tokens of all chunks, by key, to the end."""
    tokens: dict[int, list[int]] = {}
    while len(batch):
        for drawn in batch.step(slack_s or {}):
            tokens.setdefault(drawn.key, []).append(drawn.token)
    return tokens


def alone(wanted: DecodeRequest) -> list[int]:
    batch = DecodeBatch(FakeModel(1), CONFIG, 1)
    batch.add(wanted)
    return run(batch)[wanted.key]


def test_a_chunk_ends_with_its_stop_token_and_has_a_latent_for_each_token() -> None:
    batch = DecodeBatch(FakeModel(), CONFIG, 4)
    batch.add(request(1, length=3))
    drawn: list[Drawn] = []
    while len(batch):
        drawn += batch.step({})
    assert [each.token == STOP for each in drawn] == [False, False, False, True]
    assert [each.stopped for each in drawn] == [False, False, False, True]
    assert [each.last for each in drawn] == [False, False, False, True]
    read = [CONFIG.start_audio, *(each.token for each in drawn[:-1])]
    assert [each.latent.tolist() for each in drawn] == [
        [3.0, step, token, 0.0] for step, token in enumerate(read)
    ]
    assert batch.step({}) == []


def test_a_chunk_ends_at_its_bound_without_a_stop_token() -> None:
    batch = DecodeBatch(FakeModel(), CONFIG, 4)
    batch.add(replace(request(1, length=30), most_tokens=4))
    drawn = [each for _ in range(4) for each in batch.step({})]
    assert [each.last for each in drawn] == [False, False, False, True]
    assert not drawn[-1].stopped
    assert not len(batch)


@given(
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=9),
    starts=st.lists(st.integers(0, 20), min_size=9, max_size=9),
    slots=st.integers(1, 5),
    parallel=st.integers(1, 5),
    compact=st.booleans(),
    early=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_whoever_else_comes_and_goes_the_tokens_are_the_same(
    lengths: list[int], starts: list[int], *, slots: int, parallel: int, compact: bool, early: bool
) -> None:
    requests = [request(key, length) for key, length in enumerate(lengths)]
    batch = DecodeBatch(FakeModel(slots, compact=compact, early=early), CONFIG, parallel)
    tokens: dict[int, list[int]] = {each.key: [] for each in requests}
    for turn in range(1_000):
        for each in requests:
            if starts[each.key] == turn:
                batch.add(each)
        slack_s = {key: float((key * 7 + turn) % 5) for key in tokens}
        for drawn in batch.step(slack_s):
            tokens[drawn.key].append(drawn.token)
        if turn > max(starts) and not len(batch):
            break
    assert tokens == {each.key: alone(each) for each in requests}


def test_sixteen_are_decoded_together() -> None:
    model = FakeModel(16)
    batch = DecodeBatch(model, CONFIG, 16)
    requests = [request(key, 5 + key) for key in range(16)]
    for each in requests:
        batch.add(each)
    assert run(batch) == {each.key: alone(each) for each in requests}
    assert [len(chunks) for chunks in model.batches[:5]] == [16] * 5
    assert len(model.batches) == 20  # as many steps as the longest has tokens, less the prefill


def test_a_step_that_was_begun_early_is_not_done_again() -> None:
    model = FakeModel(16, early=True)
    batch = DecodeBatch(model, CONFIG, 16)
    requests = [request(key, 5 + key) for key in range(16)]
    for each in requests:
        batch.add(each)
    assert run(batch) == {each.key: alone(each) for each in requests}
    assert len(model.batches) == 21  # one more, of the last chunk, whose end was not known yet


def test_the_most_urgent_take_part_and_the_others_wait() -> None:
    model = FakeModel(4)
    batch = DecodeBatch(model, CONFIG, 2)
    for key, length in ((1, 11), (2, 12), (3, 13), (4, 14)):
        batch.add(request(key, length))
    slack_s = {1: 9.0, 2: 1.0, 3: 5.0}  # nobody asks for 4 yet
    assert {each.key for each in batch.step(slack_s)} == {2, 3}
    assert {each.key for each in batch.step(slack_s)} == {2, 3}
    assert model.batches == [[12, 13]]
    slack_s[1] = 0.5  # it joins while 3 keeps its slot and its place
    assert {each.key for each in batch.step(slack_s)} == {1, 2}
    assert {each.key for each in batch.step({3: 0.0, 1: 0.1})} == {1, 3}
    assert run(batch)[4] == alone(request(4, 14))


def test_a_waiting_chunk_takes_the_first_slot_that_is_free() -> None:
    model = FakeModel(2)
    batch = DecodeBatch(model, CONFIG, 2)
    for key, length in ((1, 2), (2, 9), (3, 4)):
        batch.add(request(key, length))
    for _ in range(3):
        assert {each.key for each in batch.step({3: 0.0, 1: 1.0, 2: 2.0})} == {1, 3}
    assert {each.key for each in batch.step({3: 0.0, 1: 1.0, 2: 2.0})} == {2, 3}
    assert model.prefills == [[4, 2], [9]]


def test_cancelled_chunks_are_gone_at_the_next_step() -> None:
    model = FakeModel(2)
    batch = DecodeBatch(model, CONFIG, 2)
    for key in (1, 2, 3):
        batch.add(request(key, 9))
    batch.step({})
    batch.cancel(1)  # running
    batch.cancel(99)  # unknown
    assert {each.key for each in batch.step({})} == {2, 3}
    batch.add(request(4, 9))
    batch.cancel(4)  # waiting
    assert set(run(batch)) == {2, 3}


def test_a_slot_is_used_again_from_scratch() -> None:
    batch = DecodeBatch(FakeModel(1), CONFIG, 1)
    for key in (1, 2, 3):
        batch.add(request(key, 6))
    assert run(batch) == {key: alone(request(key, 6)) for key in (1, 2, 3)}


def test_slots_in_use_lie_together_where_that_helps() -> None:
    model = FakeModel(8, compact=True)
    batch = DecodeBatch(model, CONFIG, 8)
    lengths = [3, 12, 4, 12, 5, 6, 7, 12]
    for key, length in enumerate(lengths):
        batch.add(request(key, length))
    assert run(batch) == {key: alone(request(key, n)) for key, n in enumerate(lengths)}
    taking_part = [len(chunks) for chunks in model.batches]
    assert [slot + 1 for slot in model.highest] == taking_part


# -- memory ----------------------------------------------------------------------------------


def test_a_step_that_runs_out_of_memory_is_done_with_fewer_at_a_time() -> None:
    model = FakeModel(4)
    batch = DecodeBatch(model, CONFIG, 4)
    requests = [request(key, 8) for key in range(4)]
    for each in requests:
        batch.add(each)
    batch.step({})
    with memory_for(model, 2):
        drawn = batch.step({})
    assert {each.key for each in drawn} == {0, 1, 2, 3}
    assert batch.parallel == 2
    rest = run(batch)
    for each, second in zip(requests, sorted(drawn, key=lambda one: one.key), strict=True):
        assert [second.token, *rest[each.key]] == alone(each)[1:]
    assert all(len(chunks) <= 2 for chunks in model.batches)


def test_chunks_that_have_no_room_join_when_another_leaves() -> None:
    model = FakeModel(3)
    batch = DecodeBatch(model, CONFIG, 3)
    batch.add(request(1, 3))
    batch.step({})
    for key in (2, 3):
        batch.add(request(key, 3))
    urgency_s = {3: -1.0, 2: 0.0, 1: 1.0}
    real, model.prefill = model.prefill, _no_memory  # type: ignore[assignment, method-assign]
    assert {each.key for each in batch.step(urgency_s)} == {1}
    assert {each.key for each in batch.step(urgency_s)} == {1}
    model.prefill = real  # type: ignore[method-assign]
    assert batch.parallel == 1
    rest = run(batch)
    assert {key: rest[key] for key in (2, 3)} == {key: alone(request(key, 3)) for key in (2, 3)}


@pytest.mark.parametrize(("room", "read"), [(1, [[3], [4], [5], [6]]), (2, [[3, 4], [5, 6]])])
def test_prefixes_are_read_fewer_at_a_time_where_memory_runs_out(
    room: int, read: list[list[int]]
) -> None:
    model = FakeModel(4)
    batch = DecodeBatch(model, CONFIG, 4)
    requests = [request(key, 3 + key) for key in range(4)]
    for each in requests:
        batch.add(each)
    with memory_for(model, room):
        first = {each.key: each.token for each in batch.step({})}
    assert model.prefills == read
    rest = run(batch)
    assert {key: [first[key], *rest[key]] for key in first} == {
        each.key: alone(each) for each in requests
    }


def test_no_memory_for_one_chunk_is_an_error() -> None:
    batch = DecodeBatch(FakeModel(2), CONFIG, 2)
    batch.add(request(1))
    batch.step({})
    batch._model.decode = _no_memory  # type: ignore[assignment, method-assign]
    with pytest.raises(EngineError, match="memory runs out with one chunk"):
        batch.step({})


def test_other_failures_pass() -> None:
    batch = DecodeBatch(FakeModel(2), CONFIG, 2)
    batch.add(request(1))
    batch.step({})
    batch._model.decode = _broken  # type: ignore[assignment, method-assign]
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        batch.step({})


def test_slots_are_halved_until_they_fit() -> None:
    tried: list[int] = []

    def make(slots: int) -> int:
        tried.append(slots)
        if slots > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return slots

    assert plan_slots(make, 12) == 3
    assert tried == [12, 6, 3]
    with pytest.raises(EngineError, match="not enough memory for one chunk"):
        plan_slots(_no_memory, 4)
    with pytest.raises(RuntimeError, match="mat1"):
        plan_slots(_broken, 4)


def test_a_cpu_without_memory_is_understood() -> None:
    with pytest.raises(RuntimeError) as failed:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert out_of_memory(failed.value)


def _no_memory(*_: object) -> int:
    raise torch.OutOfMemoryError("CUDA out of memory")


def _broken(*_: object) -> int:
    raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
