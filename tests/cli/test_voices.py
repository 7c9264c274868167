from __future__ import annotations

import json
from collections.abc import Callable

Fail = Callable[..., tuple[int, str]]
Run = Callable[..., tuple[int, str, str]]


def test_voices_are_listed_with_their_languages(legato: Run) -> None:
    code, out, err = legato("voices", "--language", "de-AT")
    assert (code, err) == (0, "")
    assert out.startswith("de ")
    assert "German" in out


def test_json_is_one_line_that_names_each_voice_once(legato: Run) -> None:
    code, out, _ = legato("voices", "--json")
    assert code == 0
    assert out.count("\n") == 1
    row = json.loads(out)
    assert row["engine"] == "espeak"
    ids = [voice["id"] for voice in row["voices"]]
    assert "en-us" in ids
    assert len(ids) == len(set(ids)) > 100
    assert set(row["voices"][0]) == {"id", "name", "languages", "gender"}


def test_what_is_unknown_is_said(fail: Fail) -> None:
    code, line = fail("voices", "--engine", "gramophone")
    assert code == 2
    assert "gramophone" in line
    assert "espeak" in line
    code, line = fail("voices", "--language", "klingon")
    assert code == 2
    assert "klingon" in line
