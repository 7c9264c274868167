from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from legato.errors import UsageError
from legato.text import cast_file
from legato.text.cast import Cast, Role

EXAMPLE = textwrap.dedent((cast_file.__doc__ or "").split("refused in one line.")[1])


def load(tmp_path: Path, text: str) -> Cast:
    path = tmp_path / "cast.toml"
    path.write_text(text)
    return Cast.load(path)


def test_the_example_of_the_docstring(tmp_path: Path) -> None:
    toml = EXAMPLE.split("\nRates and")[0]
    cast = load(tmp_path, toml)
    mira = cast.role("Mira")
    assert mira is not None
    assert (mira.voice, mira.rate, mira.volume) == ("en-gb+f3", 0.95, 1.2)
    assert cast.role("The  Innkeeper") is mira
    angry = mira.in_mood("Angry")
    assert angry is not None
    assert (angry.voice, angry.rate, angry.volume, angry.title) == (
        "en-gb+f3",
        1.15,
        1.5,
        "mira/angry",
    )
    assert cast.narrator.voice == "en-us"
    assert cast.unknown is not None
    assert cast.unknown.voice == "en-gb"
    assert [role.title for role in cast.everyone()] == ["", "mira", "mira/angry", "unknown"]


def test_the_example_of_the_documents(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "NARRATION.md").read_text(encoding="utf-8")
    toml = page.partition("# tavern.toml\n")[2].partition("```")[0]
    cast = load(tmp_path, toml)
    assert [role.title for role in cast.everyone()] == [
        *("", "mira", "mira/angry", "Guard", "unknown")
    ]


def test_everything_may_be_left_out(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Cast()
    assert load(tmp_path, "[voices.Tom]") == Cast((Role("Tom"),))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[voices.mira]\npich = 1", '[voices.mira]: no setting "pich"; there are voice, language'),
        ("[people.mira]", 'no setting "people"; there are narrator, unknown, voices'),
        ("[voices.mira]\nrate = 9", "[voices.mira]: rate 9 is outside 0.25 to 4"),
        ("[voices.mira]\nrate = nan", "[voices.mira]: rate nan is outside"),
        ("[voices.mira.moods.sad]\nvolume = -1", "[voices.mira.moods.sad]: volume -1 is outside"),
        ("[voices.mira]\nvolume = true", "[voices.mira]: volume must be a number"),
        ("[narrator]\nvoice = 3", "[narrator]: voice must be text in quotes"),
        ("[voices]\nmira = 3", "[voices.mira] must be a table"),
        ("voices = 3", "[voices] must be a table"),
        ("[voices.mira]\nmoods = 3", "[voices.mira]: moods must be a table"),
        ("[voices.mira]\naliases = 'Mi'", "aliases must be a list"),
        ("[voices.mira]\naliases = [3]", "aliases: 3 is no name"),
        ("[voices.mira]\naliases = ['']", "aliases: '' is no name"),
        ("[voices.mira]\naliases = ['a/b']", '"a/b" is no name: leave'),
        (f"[voices.mira]\naliases = ['{'x' * 61}']", "longer than 60 characters"),
        ("[voices.mira]\n[voices.Tom]\naliases = ['MIRA']", '[voices.Tom]: "mira" is taken'),
        ("speak_names = 1", "speak_names must be true or false"),
        ("tag_reach = 1.5", "tag_reach must be a whole number from 0 to 1000"),
        ("tag_reach = true", "tag_reach must be a whole number"),
        ("tag_reach = -1", "tag_reach must be a whole number"),
        ("[voices.mira\n", "line 1: not valid TOML"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_entry(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(UsageError) as failure:
        load(tmp_path, text)
    assert str(failure.value).startswith(str(tmp_path / "cast.toml"))
    assert says in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: cannot read the cast file: No such file"):
        Cast.load(tmp_path / "none.toml")
