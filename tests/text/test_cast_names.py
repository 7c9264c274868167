from __future__ import annotations

import pytest

from legato.text.cast_names import CastNames, Found
from tests.text.casts import CAST, MIRA, TOM

NAMES = CastNames(CAST)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mira and Tom", [MIRA, TOM]),
        ("MIRA", [MIRA]),
        ("mira", []),
        ("Miranda, Tomtom, xTom", []),
        ("Tom's and Mira’s", [TOM, MIRA]),
        ("The innkeeper met the\u00a0innkeeper", [MIRA, MIRA]),
        ("The Innkeeper", []),
        ("Narrator", []),
    ],
)
def test_names_in_prose(text: str, found: list[object]) -> None:
    assert [each.role for each in NAMES.within(text)] == found


@pytest.mark.parametrize(
    ("text", "role"),
    [("Mira ", MIRA), ("Mirax", None), ("the innkeeper,", MIRA), ("the inn ", None), ("", None)],
)
def test_a_name_at_a_place(text: str, role: object) -> None:
    found = NAMES.at("x " + text, 2, final=True)
    assert (found.role if isinstance(found, Found) else found) is role


@pytest.mark.parametrize("text", ["", "M", "Mir", "Mira", "the innkeepe", "the innkeeper"])
def test_a_name_may_be_half_there(text: str) -> None:
    assert NAMES.at(text, 0, final=False) == "wait"


@pytest.mark.parametrize(
    ("line", "role", "mood", "spoken"),
    [
        ("Mira: No.", "mira", "", "No."),
        ("mira : No.", "mira", "", "No."),
        ("**TOM**: No.", "Tom", "", "No."),
        ("__Tom:__ No.", "Tom", "", "No."),
        ("Tom (angry):\n  No.", "Tom", "angry", "No."),
        ('Tom:"No."', "Tom", "", '"No."'),
        ("Tom：No.", "Tom", "", "No."),
        ("Guard 2: No.", "Guard 2", "", "No."),
        ("Narrator:", "", "", ""),
    ],
)
def test_names_in_front_of_lines(line: str, role: str, mood: str, spoken: str) -> None:
    named = NAMES.at_line_start(line, 0, final=True)
    assert named is not None
    assert named != "wait"
    assert (named.role.name, named.mood, line[named.text :]) == (role, mood, spoken)


@pytest.mark.parametrize("line", ["Tom said: No.", "Tomas: No.", "Tom:no", "Tom", "Anna: No.", "*"])
def test_other_lines(line: str) -> None:
    assert NAMES.at_line_start(line, 0, final=True) is None


@pytest.mark.parametrize("line", ["T", "**To", "Tom", "Tom (an", "Tom (angry)", "Tom:", "Tom: \n"])
def test_a_line_may_be_half_there(line: str) -> None:
    assert NAMES.at_line_start(line, 0, final=False) == "wait"


def test_letters_that_only_look_alike_are_no_name() -> None:
    assert NAMES.at_line_start("m\u0130ra: No.", 0, final=True) is None
    assert CastNames(CAST.__class__()).within("Mira") == []
