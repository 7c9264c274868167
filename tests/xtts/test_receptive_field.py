from __future__ import annotations

from legato.xtts.receptive_field import Layer, context, read_spans


def reached(layers: list[Layer], start: int, length: int) -> set[int]:
    """Outputs that input `start` is added into, found by spreading it layer by layer."""
    places = {start}
    for layer in layers:
        length *= layer.stride
        padding = (layer.kernel - layer.stride) // 2
        places = {
            place * layer.stride - padding + tap for place in places for tap in range(layer.kernel)
        }
        places = {place for place in places if 0 <= place < length}
    return places


LAYERS = [Layer(1, 7), Layer(8, 16), Layer(1, 25), Layer(2, 4), Layer(1, 3)]


def test_a_span_reads_the_inputs_that_reach_it_and_no_other() -> None:
    length = 12
    outputs = [reached(LAYERS, place, length) for place in range(length)]
    for first in range(0, length * 16, 5):
        span = (first, min(first + 11, length * 16))
        wanted = [place for place in range(length) if outputs[place] & set(range(*span))]
        assert read_spans(LAYERS, span, length)[0] == (wanted[0], wanted[-1] + 1)


def test_there_is_one_span_per_layer() -> None:
    assert len(read_spans(LAYERS, (0, 16), 12)) == len(LAYERS)
    assert read_spans([Layer(1, 3)], (4, 5), 9) == [(3, 6)]


def test_context_is_what_one_input_s_outputs_read_around_it() -> None:
    assert context([Layer(1, 7)]) == (3, 3)
    assert context([Layer(8, 16)]) == (1, 1)
    assert context([Layer(1, 7), Layer(2, 4)]) == (4, 4)
