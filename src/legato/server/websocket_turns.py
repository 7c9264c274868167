"""What a client calls an utterance, and the pipeline's utterances that it is made of."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from legato.events import Event
from legato.server.captions import Captions
from legato.server.websocket_messages import Caption, Chunk, Gap, Notice, ServerMessage
from legato.utterance import State, Utterance

_NOTICES = ("passed_over", "voice", "mended")


@dataclass(slots=True, eq=False)
class Turn:
    """From a client's first text to `end`. Each `flush` ends a part and begins the next."""

    number: int
    parts: list[Utterance] = field(default_factory=list)
    written: Utterance | None = None  # the part that text goes to
    characters: int = 0
    ended: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more of it comes, nor is heard."""
        return self.ended and all(part.over for part in self.parts)

    @property
    def heard_text(self) -> str:
        """What of it was heard, up to the first word that was not."""
        heard: list[str] = []
        for part in self.parts:
            heard.append(part.heard_text)
            if len(heard[-1]) < len(part.text):
                break
        return "".join(heard)

    def end_part(self) -> None:
        """The part that is written is complete, if there is one."""
        if self.written is not None:
            self.written.end()
            self.written = None

    @property
    def state(self) -> State:
        """How it ended."""
        states = [part.state for part in self.parts]
        order: tuple[State, ...] = ("failed", "cut", "speaking")
        return next((state for state in order if state in states), "finished")


class TurnEvents:
    """Tells a client of a playback's events in terms of its turns, on whatever thread they come."""

    def __init__(self, sample_rate_hz: int, post: Callable[[ServerMessage], None]) -> None:
        self._post = post
        self._captions = Captions(sample_rate_hz)
        self._lock = threading.Lock()
        self._places: dict[int, tuple[int, int]] = {}  # utterance -> its turn, its offset in it

    def add(self, turn: Turn, part: Utterance) -> None:
        """A new part, behind all that the turn has so far."""
        with self._lock:
            self._places[part.number] = (turn.number, turn.characters)
        turn.parts.append(part)
        turn.written = part

    def forget(self, turn: Turn) -> None:
        """The turn is over."""
        with self._lock:
            for part in turn.parts:
                self._places.pop(part.number, None)
                self._captions.forget(part.number)

    def __call__(self, event: Event) -> None:
        """Tell of one event, if a client is to know of it."""
        with self._lock:
            captions = [self._caption(each) for each in self._captions.tell(event)]
            place = self._places.get(event.detail.get("utterance", -1))
        for caption in captions:
            self._post(caption)
        match event.kind:
            case "chunk" if place is not None:
                turn, offset = place
                start, end = event.detail["source_start"], event.detail["source_end"]
                self._post(Chunk(turn, event.chunk, offset + start, offset + end))
            case "hold" | "underrun" as kind:
                gap_ms = round(event.detail["gap_s"] * 1_000, 1)
                self._post(Gap(kind, event.sample, gap_ms, event.cause))
            case "engine":
                self._post(Notice(event.detail["what"], event.detail["reason"]))
            case kind if kind in _NOTICES:
                reason = event.detail.get("reason") or event.detail.get("what", "")
                self._post(Notice(kind, str(reason), event.chunk))

    def _caption(self, told: dict[str, object]) -> Caption:
        """The pipeline's caption with the turn's number and offsets."""
        caption = Caption(**{name: value for name, value in told.items() if name != "type"})  # type: ignore[arg-type] # the names are the same
        turn, offset = self._places.get(caption.utterance, (caption.utterance, 0))
        return replace(
            caption,
            utterance=turn,
            text_from=caption.text_from + offset,
            text_to=caption.text_to + offset,
            words=[(sample, char + offset) for sample, char in caption.words],
        )
