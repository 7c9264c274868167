"""`legato narrate` over a server that speaks the protocol, and does wrong on demand."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest

from legato.cli import models
from legato.cli.models import ModelChoice
from legato.errors import UsageError
from legato.llm.gpu_turns import GpuTurns
from legato.metrics import Metrics
from tests import commands
from tests.llm.faulty_server import Act, FaultyServer, answer, cut, silence, status

pytest.importorskip("openai")

Fail = Callable[..., tuple[int, str]]
Run = Callable[..., tuple[int, str, str]]
SHORT = "Nobody answers."
LONG = "The rain went on and on, and nobody came to the inn that night. " * 30
WAIT_S = 60.0


def options(server: FaultyServer, *more: str | Path) -> list[str | Path]:
    model = ["--narrator-model", "large", "--base-url", server.url]
    return ["narrate", *model, "--backend", "null", "-q", *more]


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# -- one answer ------------------------------------------------------------------------------


def test_one_prompt_is_answered_and_measured(legato: Run, tmp_path: Path) -> None:
    transcript, trace = tmp_path / "t.jsonl", tmp_path / "trace.jsonl"
    system = tmp_path / "system.txt"
    system.write_text("You are a game master.")
    with FaultyServer(answer(SHORT)) as server:
        files = ("--transcript", transcript, "--trace", trace, "--system", f"@{system}")
        code, out, err = legato(*options(server, "--prompt", "I knock.", "--json", *files))
    assert (code, err) == (0, "")
    row = json.loads(out)
    assert set(row) == {*Metrics.__slots__, "turns", "interrupts"}
    assert row["ttfa_prompt_ms"] >= row["ttfa_ms"] > 0
    assert (row["turns"], row["interrupts"], row["underruns"]) == (1, 0, 0)
    (turn,) = rows(transcript)
    assert (turn["prompt"], turn["heard"], turn["state"]) == ("I knock.", SHORT, "finished")
    assert "You are a game master." in json.dumps(server.requests[0]["messages"])
    kinds = [row["kind"] for row in rows(trace)]
    assert kinds[0] == "run"
    assert kinds[-1] == "metrics"
    assert {"prompt", "model", "first"} <= set(kinds)


def test_an_answer_to_a_file(legato: Run, tmp_path: Path) -> None:
    with FaultyServer(answer(SHORT)) as server:
        code, *_ = legato(*options(server, "--prompt", "I knock.", "-o", tmp_path / "a.wav"))
    assert code == 0
    assert (tmp_path / "a.wav").stat().st_size > 10_000


def test_opener_and_narrator_have_servers_and_keys_of_their_own(
    legato: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEGATO_API_KEY", "shared")
    monkeypatch.setenv("LEGATO_OPENER_API_KEY", "own")
    with FaultyServer(answer("You knock. ")) as small, FaultyServer(answer(SHORT)) as large:
        code, _, err = legato(
            *options(large, "--prompt", "I knock."),
            *("--opener-model", "small", "--opener-url", small.url),
        )
    assert (code, err) == (0, "")
    assert (small.requests[0]["model"], small.keys[0]) == ("small", "Bearer own")
    assert (large.requests[0]["model"], large.keys[0]) == ("large", "Bearer shared")


def test_what_a_server_knows_beyond_the_protocol_is_sent(
    legato: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEGATO_MODEL_EXTRA", '{"reasoning_effort": "none"}')
    with FaultyServer(answer(SHORT)) as server:
        assert legato(*options(server, "--prompt", "I knock.", "--temperature", "0.5"))[0] == 0
    assert server.requests[0]["reasoning_effort"] == "none"
    assert server.requests[0]["temperature"] == 0.5


def test_a_cast_speaks(legato: Run, tmp_path: Path) -> None:
    cast, trace = tmp_path / "cast.toml", tmp_path / "trace.jsonl"
    cast.write_text("[voices.mira]\nvoice = 'en-us+f3'\n")
    with FaultyServer(answer("Mira looks up. “Come in,” ", "she says.")) as server:
        more = ("--prompt", "I knock.", "--cast", cast, "--trace", trace)
        assert legato(*options(server, *more))[0] == 0
    chunks = [row["detail"] for row in rows(trace) if row["kind"] == "chunk"]
    assert [(each["speaker"], each["spoken"]) for each in chunks] == [
        ("", "Mira looks up."),
        ("mira", "“Come in,”"),
        ("", "she says."),
    ]


def test_one_model_goes_on_where_the_other_fails(legato: Run) -> None:
    with FaultyServer(status(401)) as small, FaultyServer(answer(SHORT)) as large:
        code, _, err = legato(
            *(each for each in options(large, "--prompt", "I knock.") if each != "-q"),
            *("--opener-model", "small", "--opener-url", small.url),
        )
    assert code == 0
    assert "legato: the opener failed: " in err


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (status(401), "key"),
        (status(404, {"message": "model 'large' not found"}), "large"),
        (answer(), "empty answer"),
        (answer(" ", "\n"), "white space"),
        (answer("<think>Who knows?</think>"), "no answer"),
    ],
)
def test_a_model_that_gives_no_answer_is_one_line(fail: Fail, act: Act, says: str) -> None:
    with FaultyServer(act) as server:
        code, line = fail(*options(server, "--prompt", "I knock."))
    assert code == 1
    assert says in line


def test_an_answer_that_breaks_off_ends_with_its_last_whole_phrase(
    fail: Fail, tmp_path: Path
) -> None:
    transcript = tmp_path / "t.jsonl"
    text = "It rained all day, and nobody came. Then the door "
    with FaultyServer(answer(text, cut)) as server:
        code, line = fail(*options(server, "--prompt", "hi", "--transcript", transcript))
    assert code == 1
    assert "broke off" in line
    (turn,) = rows(transcript)
    assert (turn["heard"].strip(), turn["state"]) == (
        "It rained all day, and nobody came.",
        "failed",
    )


def test_a_server_that_is_not_there(fail: Fail) -> None:
    with FaultyServer(answer(SHORT)) as server:
        url = server.url
    code, line = fail(
        *("narrate", "--narrator-model", "m", "--base-url", url, "--backend", "null", "-q"),
        *("--prompt", "I knock."),
    )
    assert code == 1
    assert url in line


# -- bad usage -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--prompt", "hi"), "name a language model: --narrator-model"),
        (("--narrator-model", "m", "--prompt", " "), "the prompt is empty"),
        (("--narrator-model", "m", "--prompt", "hi"), "name a server (--base-url"),
        (("--narrator-model", "m", "--base-url", "localhost", "--prompt", "hi"), "begins with"),
        (("--narrator-model", "m", "--resume", "maybe", "--prompt", "hi"), "use no, prefix, vllm"),
        (("--narrator-model", "m", "--temperature", "9", "--prompt", "hi"), "between 0 and 2"),
        (("--narrator-model", "m", "--model-extra", "{", "--prompt", "hi"), "is no JSON"),
        (("--narrator-model", "m", "--model-extra", "3", "--prompt", "hi"), "a JSON object"),
        (("--narrator-model", "m", "--system", "@none.txt", "--prompt", "hi"), "cannot read none"),
        (
            ("--narrator-model", "m", "--cast", "none.toml", "--prompt", "hi"),
            "cannot read the cast",
        ),
    ],
)
def test_bad_usage(fail: Fail, arguments: tuple[str, ...], says: str) -> None:
    code, line = fail("narrate", *arguments)
    assert code == 2
    assert says in line


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[voices.mira]\nvoice = 'nobody'", "[voices.mira]: espeak has no voice 'nobody'; it has"),
        ("[voices.mira\n", "line 1: not valid TOML"),
        ("[voices.mira]\npitch = 3", 'no setting "pitch"'),
    ],
)
def test_a_bad_cast(fail: Fail, tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "cast.toml"
    path.write_text(content)
    with FaultyServer(answer(SHORT)) as server:
        code, line = fail(*options(server, "--prompt", "hi", "--cast", path))
        assert server.requests == []
    assert code == 2
    assert str(path) in line
    assert says in line


def test_a_transcript_that_cannot_be_written(fail: Fail, tmp_path: Path) -> None:
    with FaultyServer(answer(SHORT)) as server:
        code, line = fail(*options(server, "--prompt", "hi", "--transcript", tmp_path))
    assert code == 2
    assert "cannot write" in line


def test_stdin_that_is_closed(fail: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with FaultyServer(answer(SHORT)) as server:
        code, line = fail(*options(server))
    assert code == 2
    assert "stdin" in line


# -- a conversation over stdin -----------------------------------------------------------------


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[BinaryIO]:
    """The writing end of a pipe that this process reads as its stdin."""
    reading, writing = os.pipe()
    fake = SimpleNamespace(fileno=lambda: reading, isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", fake)
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        yield pipe
    os.close(reading)


def once(true: Callable[[], bool], then: Callable[[], object]) -> threading.Thread:
    """Do something as soon as it is true, on another thread."""

    def work() -> None:
        commands.wait_until(true, "what the test waits for")
        then()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_line_interrupts_and_history_is_what_was_heard(
    legato: Run, stdin: BinaryIO, tmp_path: Path
) -> None:
    transcript, trace = tmp_path / "t.jsonl", tmp_path / "trace.jsonl"
    with FaultyServer(answer(LONG), answer(SHORT)) as server:
        stdin.write(b"I knock.\n")
        more = ("--transcript", transcript, "--trace", trace, "--json")
        begun = once(
            lambda: commands.told(trace, "level") > 8,  # at most ten a second
            lambda: (stdin.write(b"I kn"), stdin.write(b"ock again.\n"), stdin.close()),
        )
        code, out, err = legato(*options(server, *more))
        begun.join(WAIT_S)
    assert (code, err) == (0, "")
    first, second = rows(transcript)
    assert first["state"] == "cut"
    assert LONG.startswith(first["heard"])
    assert (second["heard"], second["state"]) == (SHORT, "finished")
    assert first["heard"]
    told = [message["content"].strip() for message in server.requests[1]["messages"]]
    assert told[-3:] == ["I knock.", first["heard"].strip(), "I knock again."]
    assert (json.loads(out)["turns"], json.loads(out)["interrupts"]) == (2, 1)


def test_commands(legato: Run, stdin: BinaryIO, tmp_path: Path) -> None:
    transcript = tmp_path / "t.jsonl"
    stdin.write(b"/again\n/help\n/dance now\nI knock.\n/again\n\n/quit\nnever asked\n")
    with FaultyServer(answer(SHORT)) as server:
        code, _, err = legato(*options(server, "--in-turn", "--transcript", transcript))
        assert len(server.requests) == 1
    assert code == 0
    assert "nothing was said yet" in err
    assert "/again  hear the last answer again" in err
    assert "there is no command /dance: see /help" in err
    assert [(row["prompt"], row["heard"], row["state"]) for row in rows(transcript)] == [
        ("I knock.", SHORT, "finished"),
        ("", SHORT, "finished"),
    ]


def test_the_lines_of_a_file_are_answered_one_after_the_other(
    legato: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, transcript = tmp_path / "prompts.txt", tmp_path / "t.txt"
    path.write_text("I knock.\n\nI leave.")
    with path.open("rb") as file, FaultyServer(answer(SHORT)) as server:
        fake = SimpleNamespace(fileno=file.fileno, isatty=lambda: False)
        monkeypatch.setattr(sys, "stdin", fake)
        assert legato(*options(server, "--transcript", transcript))[0] == 0
    assert transcript.read_text() == f"> I knock.\n\n{SHORT}\n\n> I leave.\n\n{SHORT}\n\n"


def test_a_failure_is_told_and_the_conversation_goes_on(legato: Run, stdin: BinaryIO) -> None:
    stdin.write(b"I knock.\nI knock again.\n")
    stdin.close()
    with FaultyServer(status(401), answer(SHORT)) as server:
        code, _, err = legato(*options(server, "--in-turn"))
    assert code == 0
    assert err.count("\n") == 1
    assert "key" in err


def test_a_conversation_whose_last_answer_failed_has_failed(legato: Run, stdin: BinaryIO) -> None:
    stdin.write(b"I knock.\n")
    stdin.close()
    with FaultyServer(status(401)) as server:
        code, _, err = legato(*options(server))
    assert code == 1
    assert err.count("legato: ") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_ends_it_in_order(tmp_path: Path) -> None:
    transcript, trace = tmp_path / "t.jsonl", tmp_path / "trace.jsonl"
    with FaultyServer(answer(LONG, silence())) as server:
        more = ("--prompt", "hi", "--transcript", transcript, "--trace", trace)
        arguments = [str(each) for each in options(server, *more)]
        with commands.running(*arguments) as process:
            commands.wait_until(lambda: commands.told(trace, "first") > 0, "sound")
            process.send_signal(2)
            _, err = process.communicate(timeout=WAIT_S)
        assert server.hung_up.wait(WAIT_S)
    assert (process.returncode, err) == (130, b"")
    (turn,) = rows(transcript)
    assert turn["state"] == "cut"


# -- one GPU -----------------------------------------------------------------------------------


def choice(model: str, base_url: str = "", device: str = "auto") -> ModelChoice:
    return ModelChoice(
        opener_model="",
        narrator_model=model,
        base_url=base_url,
        opener_url="",
        narrator_url="",
        model_device=device,
    )


def test_models_and_speech_share_a_gpu_only_where_both_run_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models, "free_gpu_bytes", lambda: 80_000_000_000)
    local = choice("hf:any/model")
    assert isinstance(local.gpu_turns("xtts", ""), GpuTurns)
    assert local.gpu_turns("espeak", "") is None
    assert local.gpu_turns("xtts", "cpu") is None
    served = choice("m", "http://localhost/v1")
    assert served.gpu_turns("xtts", "") is None
    assert choice("hf:m", device="cpu").gpu_turns("xtts", "") is None
    monkeypatch.setattr(models, "free_gpu_bytes", lambda: None)
    assert local.gpu_turns("xtts", "") is None


def test_what_does_not_fit_a_gpu_is_told_before_anything_loads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models, "free_gpu_bytes", lambda: 1_000_000_000)
    with pytest.raises(UsageError, match=r"the GPU has 1\.0 GB free"):
        choice("hf:any/model").gpu_turns("xtts", "")
