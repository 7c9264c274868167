"""A session on a terminal: a line to type in below the captions; any key silences the story."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from legato.cli import INTERRUPTED
from legato.cli.session import Session

_PROMPT = "> "


def can_talk() -> bool:
    """Whether a person sits there who can type while it speaks."""
    on_terminal = all(file is not None and file.isatty() for file in (sys.stdin, sys.stderr))
    return on_terminal and find_spec("prompt_toolkit") is not None


def talk(session: Session) -> int:
    """Read lines until goodbye, Ctrl-D, or Ctrl-C while nothing is said; returns an exit code.

    All goes to stderr: stdout is for data.
    """
    from prompt_toolkit import PromptSession  # noqa: PLC0415 - its extra is optional
    from prompt_toolkit.application import create_app_session  # noqa: PLC0415
    from prompt_toolkit.output import create_output  # noqa: PLC0415
    from prompt_toolkit.patch_stdout import patch_stdout  # noqa: PLC0415

    with create_app_session(output=create_output(sys.stderr)), patch_stdout(raw=True):
        prompt: PromptSession[str] = PromptSession(_PROMPT)
        silenced = False

        def silence(_: object) -> None:
            nonlocal silenced
            silenced = session.silence()

        prompt.app.key_processor.before_key_press += silence
        while True:
            try:
                if not session.take(prompt.prompt()):
                    return 0
            except KeyboardInterrupt:
                if not silenced:
                    return INTERRUPTED
            except EOFError:
                return 0
