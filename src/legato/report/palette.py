"""The colours of the report, and what stands beside each colour: a hatch, a shape, a word.

Colours are Okabe and Ito's (2008), which keep apart for colour-blind eyes, the neutral ones
aside. Nothing is told by colour alone: fills have an ink edge and a hatch, lines a dash.
"""

from __future__ import annotations

from dataclasses import dataclass

ORANGE, SKY, GREEN, YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
BLUE, VERMILLION, PURPLE = "#0072b2", "#d55e00", "#cc79a7"

# Drawn in the light ones; on a page they become variables that a dark scheme sets anew.
INK, MUTED, GRID, SURFACE = "#1c2126", "#56606b", "#dde2e7", "#fffffe"
DARK = {INK: "#e9ecef", MUTED: "#a9b3be", GRID: "#333b44", SURFACE: "#14181d"}
NAMES = {INK: "ink", MUTED: "muted", GRID: "grid", SURFACE: "surface"}


@dataclass(frozen=True, slots=True)
class Look:
    """How one thing is shown: fill, hatch and marker as matplotlib knows them."""

    colour: str
    hatch: str = ""
    marker: str = "o"


CAUSES = {
    "text": Look(ORANGE, "////", "s"),
    "synthesis": Look(VERMILLION, "xxxx", "^"),
    "scheduling": Look(PURPLE, "....", "D"),
    "device": Look(YELLOW, "++++", "P"),
    "restart": Look(BLUE, "\\\\\\\\", "X"),
    "user": Look(SKY, "----", "o"),
}
UNKNOWN = Look(MUTED, "||||", "*")

QUEUE, DECODE, READY = Look(SURFACE), Look(BLUE), Look(SKY, "....")
HEARD, SLOWER = Look(GREEN), Look(GREEN, "||||")
OPEN, CLOSED = Look(GREEN), Look(SKY, "////")

# What lies side by side and must not be taken for each other, whoever looks.
TOLD_APART = (
    (DECODE.colour, HEARD.colour),
    (DECODE.colour, READY.colour),
    (READY.colour, HEARD.colour),
    (OPEN.colour, CLOSED.colour),
    *(
        (one.colour, other.colour)
        for number, one in enumerate(CAUSES.values())
        for other in list(CAUSES.values())[:number]
    ),
)


def look_of(cause: str) -> Look:
    """How a silence of this cause is shown; one of a cause that is news has a look, too."""
    return CAUSES.get(cause, UNKNOWN)
