"""Colours are computed, not judged: contrast by WCAG 2, colour-blind sight by Machado et al."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from legato.report.palette import (
    CAUSES,
    DARK,
    GREEN,
    INK,
    MUTED,
    NAMES,
    SURFACE,
    TOLD_APART,
    look_of,
)

Floats = NDArray[np.float64]

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes (2009), severity 1.0, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip
XYZ = np.array([
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
])  # fmt: skip
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(colour: str) -> Floats:
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    lights = sorted(float((XYZ @ linear(colour))[1]) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def lab(rgb: Floats) -> Floats:
    xyz = XYZ @ np.clip(rgb, 0, 1) / WHITE
    root = np.where(xyz > 216 / 24_389, np.cbrt(xyz), (24_389 / 27 * xyz + 16) / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def test_the_yardsticks_are_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert lab(linear("#ffffff")) == pytest.approx([100, 0, 0], abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_page(scheme: str) -> None:
    seen = DARK if scheme == "dark" else {colour: colour for colour in NAMES}
    assert contrast(seen[INK], seen[SURFACE]) >= 7.0  # AAA
    assert contrast(seen[MUTED], seen[SURFACE]) >= 4.5  # AA


@pytest.mark.parametrize("page", [SURFACE, DARK[SURFACE]])
def test_lines_stand_out_from_the_page(page: str) -> None:
    """Fills need not: each has an edge of ink."""
    for colour in (GREEN, "#0072b2"):
        assert contrast(colour, page) >= 3.0


@pytest.mark.parametrize("sight", SIGHT)
def test_what_must_be_told_apart_can_be(sight: str) -> None:
    """A difference of 2.3 is just noticeable; these are bars, seen apart from each other."""
    for one, other in TOLD_APART:
        seen = [lab(SIGHT[sight] @ linear(colour)) for colour in (one, other)]
        assert np.linalg.norm(seen[0] - seen[1]) >= 15, (sight, one, other)


def test_causes_differ_in_hatch_and_in_shape_too() -> None:
    looks = [*CAUSES.values(), look_of("something new")]
    assert len({look.hatch for look in looks}) == len(looks)
    assert len({look.marker for look in looks}) == len(looks)
    assert len({look.colour for look in looks}) == len(looks)


def test_every_neutral_colour_has_its_like_in_the_dark() -> None:
    assert set(DARK) == set(NAMES)
    assert len(set(NAMES.values())) == len(NAMES)
