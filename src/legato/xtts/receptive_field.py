"""Which samples of a layer a generator needs for given outputs: integer arithmetic, no tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Span = tuple[int, int]
"""Indices [first, last) along time."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution that keeps the length (stride 1) or a transposed one that multiplies it.

    Both are padded evenly: by (kernel - stride) / 2 on each side. A dilated or residual stack of
    convolutions counts as one whose kernel spans the stack's whole reach.
    """

    stride: int
    kernel: int

    def reads(self, span: Span, length: int) -> Span:
        """Inputs, of `length` there are, that outputs `span` are made of.

        A transposed convolution adds input i into outputs i * stride - padding + [0, kernel).
        """
        padding = (self.kernel - self.stride) // 2
        first = -((self.kernel - 1 - padding - span[0]) // self.stride)
        last = (span[1] - 1 + padding) // self.stride + 1
        return max(first, 0), min(last, length)


def read_spans(layers: Sequence[Layer], span: Span, length: int) -> list[Span]:
    """What each layer reads, in order, for outputs `span` of the last one.

    length: inputs of the first layer; what lies outside them is padding.
    """
    lengths = [length]
    for layer in layers[:-1]:
        lengths.append(lengths[-1] * layer.stride)
    spans = [span]
    for layer, inputs in zip(reversed(layers), reversed(lengths), strict=True):
        spans.append(layer.reads(spans[-1], inputs))
    return spans[:0:-1]


def context(layers: Sequence[Layer]) -> tuple[int, int]:
    """Inputs before and after one input that the outputs belonging to it depend on."""
    hop = 1
    for layer in layers:
        hop *= layer.stride
    middle = far = sum(layer.kernel for layer in layers)  # farther than any layer reaches
    first, last = read_spans(layers, (middle * hop, (middle + 1) * hop), middle + far + 1)[0]
    return middle - first, last - 1 - middle
