"""Session: a conversation with a narration, line by line, whatever the lines come from."""

from __future__ import annotations

import threading
from collections.abc import Callable

from legato.cli.captions import Captions
from legato.cli.transcript_file import TranscriptFile
from legato.errors import LegatoError, UsageError
from legato.llm.narration import Narration
from legato.llm.turn import Turn

HELP = """Say what you do; the story goes on from there. While it speaks, any key silences it.
/again  hear the last answer again, as far as it was heard
/help   this page
/quit   leave (Ctrl-D does too)"""

_LOOK_S = 0.1
_ENDS_S = 10.0  # a turn that was cut is over at once


class Session:
    """Owned by the thread that reads the lines.

    say: answers commands. warn: is told, in one line, what went wrong while an answer was
    spoken, failed: why one ended early. The last two come from another thread.

    turns: how many answers were asked for, interrupts: how many were cut by what was typed.
    failure: why the last answer ended early, if it did.
    """

    def __init__(
        self,
        story: Narration,
        say: Callable[[str], None],
        warn: Callable[[str], None] = lambda _: None,
        failed: Callable[[str], None] = lambda _: None,
        *,
        captions: Captions | None = None,
        transcript: TranscriptFile | None = None,
    ) -> None:
        self.turns = 0
        self.interrupts = 0
        self.failure: LegatoError | None = None
        self._story = story
        self._say = say
        self._warn = warn
        self._failed = failed
        self._captions = captions
        self._transcript = transcript
        self._turn: Turn | None = None
        self._follower: threading.Thread | None = None

    def take(self, line: str) -> bool:
        """Do what a line says; False where it says goodbye. An empty one silences the answer.

        Returns at once: the answer is spoken meanwhile. Raises RunError where nothing more
        can be spoken.
        """
        line = line.strip()
        self.silence()
        match line.lower():
            case "/quit":
                return False
            case "/help":
                self._say(HELP)
            case "/again":
                self._again()
            case _ if line.startswith("/"):
                self._say(f"there is no command {line.split()[0]}: see /help")
            case _ if line:
                self.ask(line)
        return True

    def ask(self, prompt: str) -> None:
        """Have a prompt answered. Raises UsageError for an empty one, and as `take`."""
        self.silence()
        self.turns += 1
        self._follow(self._story.ask(prompt))

    def silence(self) -> bool:
        """Fall silent; whether anything was being said."""
        speaking = self._turn is not None and not self._turn.over
        if speaking:
            self._story.interrupt()
            self.interrupts += 1
        return speaking

    def wait(self) -> None:
        """Block until the answer was heard, or ended otherwise."""
        if self._follower is not None:
            self._follower.join()

    def close(self) -> None:
        """Fall silent, and write down what was heard. Idempotent."""
        self.silence()
        if self._follower is not None:
            self._follower.join(_ENDS_S)
        if self._captions is not None:
            self._captions.close()

    def _again(self) -> None:
        self.wait()  # for the transcript's sake; it is over
        try:
            self._follow(self._story.again())
        except UsageError as error:
            self._say(str(error))

    def _follow(self, turn: Turn) -> None:
        self.wait()  # it was silenced: turns are written down in their order
        self._turn = turn
        self._follower = threading.Thread(
            target=self._accompany, args=(turn,), name="legato-captions", daemon=True
        )
        self._follower.start()

    def _accompany(self, turn: Turn) -> None:
        """Show what is heard of a turn, and write it down when it is over."""
        failure: LegatoError | None = None
        try:
            while not turn.wait(_LOOK_S):
                self._show()
        except LegatoError as error:
            failure = error
        if turn.state != "cut":
            self._show()
        self.failure = failure
        if failure is not None:
            self._failed(str(failure))
        else:
            for each in turn.failures:  # the other one went on in its place
                self._warn(f"the {each.writer} failed: {each.error}")
        if self._transcript is not None:
            self._transcript.add(turn)

    def _show(self) -> None:
        if self._captions is not None:
            self._captions.refresh()
