from __future__ import annotations

import pytest

from legato.errors import UsageError
from legato.text.cast import Cast, Role
from tests.text.casts import CAST, MIRA, NARRATOR


@pytest.mark.parametrize("name", ["mira", "MIRA", "The Innkeeper", " the   innkeeper "])
def test_a_role_goes_by_name_and_alias(name: str) -> None:
    assert CAST.role(name) is MIRA


def test_the_narrator_has_a_name_too() -> None:
    assert CAST.role("narrator") is NARRATOR
    assert CAST.role("voice") is NARRATOR
    assert CAST.role("Anna") is None


@pytest.mark.parametrize(
    ("role", "voice"),
    [
        (Role("a", "own"), "own"),
        (Role("a"), "default"),
        (Role("a", language="en"), "default"),
        (Role("a", language="de"), ""),
        (Role("a", "own", "de"), "own"),
    ],
)
def test_the_voice_of_a_role(role: Role, voice: str) -> None:
    assert role.voice_for("default", "en") == voice


def test_the_narrators_voice_may_be_another() -> None:
    assert CAST.narrated_by("") is CAST
    cast = CAST.narrated_by("deep")
    assert cast.narrator.voice == "deep"
    assert cast.role("mira") is MIRA


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match='"tom" is taken'):
        Cast((Role("Tom"), Role("anna", aliases=("TOM",))))


@pytest.mark.parametrize(("name", "value"), [("rate", 0.2), ("rate", 4.1), ("volume", -0.1)])
def test_sounds_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"mira: {name} {value} is outside"):
        Role("mira", **{name: value})  # type: ignore[arg-type]
