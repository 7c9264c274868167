"""What opener and narrator are told: the conversation, and who of the two says what. Pure.

Both are told it behind the conversation, in the last message, so that a server's cache of the
conversation stays good from one turn to the next. The opening goes to the narrator as its own
words, followed by a request to go on. (To leave the assistant's message open instead, to be
continued, is not part of the protocol: some servers continue it, some begin anew, some refuse.)
"""

from __future__ import annotations

from collections.abc import Sequence

from legato.llm.source import Message

OPENER_REQUEST = (
    "[Write only the beginning of your answer now: about {words} words, in whole sentences, the "
    "first of them short. Go into what was just said; decide nothing that is still open, and ask "
    "nothing. You will go on from there.]"
)
NARRATOR_REQUEST = (
    "[Go on from exactly where you stopped. What you said is being spoken already: do not repeat "
    "it, do not begin again, do not contradict it, do not comment on it. Write only what follows.]"
)
UNFINISHED_REQUEST = "[Your last sentence is not finished: first write the rest of it.]"


def conversation(system: str, heard: Sequence[Message], most_characters: int) -> list[Message]:
    """What a model is sent of a conversation: the system's words, and as much of the end of it
    as has room, from something the user said on. Neighbours of one role become one message.
    """
    merged: list[Message] = []
    for message in heard:
        if not message.text.strip():
            continue
        if merged and merged[-1].role == message.role:
            merged[-1] = Message(message.role, f"{merged[-1].text}\n\n{message.text}")
        else:
            merged.append(message)
    sent = merged[_first_sent(merged, most_characters) :]
    return [Message("system", system), *sent] if system.strip() else sent


def _first_sent(messages: Sequence[Message], most_characters: int) -> int:
    """Where what is sent begins: the earliest word of the user's with which all has room."""
    first, characters = max(0, len(messages) - 1), 0
    for at in range(len(messages) - 1, -1, -1):
        characters += len(messages[at].text)
        if characters > most_characters:
            break
        if messages[at].role == "user":
            first = at
    return first


def for_opener(messages: Sequence[Message], words: int) -> list[Message]:
    """The conversation as the opener is asked to begin an answer."""
    *before, prompt = messages
    request = OPENER_REQUEST.format(words=words)
    return [*before, Message(prompt.role, f"{prompt.text}\n\n{request}")]


def for_narrator(messages: Sequence[Message], opening: str, is_whole: bool) -> list[Message]:
    """The conversation as the narrator is asked to go on behind an opening ("": to begin)."""
    if not opening.strip():
        return list(messages)
    request = NARRATOR_REQUEST if is_whole else f"{NARRATOR_REQUEST}\n{UNFINISHED_REQUEST}"
    return [*messages, Message("assistant", opening.strip()), Message("user", request)]
