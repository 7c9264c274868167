"""Narration in virtual time: two scripted models, the same relay, the same worker and policies.

Threads alone are missing here: what they do in `legato.llm.writers` is done by walking through
both scripts in the order of time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from legato.audio.forecast import Making
from legato.audio.prebuffer_manager import PlayoutPolicy
from legato.llm.opening import OpeningPlan, plan_opening
from legato.llm.relay import Part, Relay
from legato.llm.source import Message
from legato.llm.speeds import NARRATOR_ASSUMED, OPENER_ASSUMED, SpeedMeter
from legato.sim.clock import VirtualClock
from legato.sim.engine import EngineScript, SimEngine
from legato.sim.invariants import Invariants
from legato.sim.listener import Hearing, Said, SimListener
from legato.sim.loop import EventLoop
from legato.sim.source import Delta
from legato.sim.story import CHARACTERS_PER_S
from legato.text.semantic_chunker import SemanticChunker
from legato.utterance import whole_words

LANGUAGE = "en"
_TOKEN = re.compile(r" ?\w+|\s+|[^\w\s]")


def tokens(text: str) -> list[str]:
    """English prose about as a language model writes it: mostly words, with a space before."""
    return _TOKEN.findall(text)


@dataclass(frozen=True, slots=True)
class ModelScript:
    """How fast a model writes. stalls: (token, seconds): in front of which it stands still."""

    first_token_s: float
    tokens_per_s: float
    stalls: tuple[tuple[int, float], ...] = ()

    def deltas(self, text: str) -> list[Delta]:
        """Its answer, from the moment it is asked on."""
        stalls, pieces = dict(self.stalls), []
        at_s = self.first_token_s
        for token, piece in enumerate(tokens(text)):
            at_s += stalls.get(token, 0.0)
            pieces.append(Delta(at_s, piece))
            at_s += 1.0 / self.tokens_per_s
        return pieces

    def teach(self, meter: SpeedMeter, text: str) -> None:
        """Have a meter learn what it would have seen of an answer."""
        meter.began(self.first_token_s)
        pieces = tokens(text)
        meter.wrote(len("".join(pieces[1:])), (len(pieces) - 1) / self.tokens_per_s)


@dataclass(slots=True)
class SimTurn:
    """One prompt and its answer."""

    prompt: str
    asked_s: float
    said: Said
    parts: tuple[Part, ...] = field(default=())

    @property
    def text(self) -> str:
        """All that is written for it, if it is not cut."""
        return "".join(part.text for part in self.parts)

    @property
    def heard_text(self) -> str:
        """What was heard of it, once it is over."""
        whole = self.said.ended == "finished"
        return self.text if whole else whole_words(self.text, self.said.heard_characters)


class SimNarration(EventLoop):
    """A listener who asks, interrupts and listens. Raises Broken as a `World` does.

    opener: None where the narrator speaks alone.
    """

    def __init__(
        self,
        engine: EngineScript,
        policy: PlayoutPolicy,
        *,
        opener: ModelScript | None,
        narrator: ModelScript,
        remembered: Making | None = None,
        seed: int = 0,
    ) -> None:
        clock = VirtualClock()
        super().__init__(SimEngine(engine, clock, seed), clock, seed)
        hearing = Hearing(
            chunker=partial(SemanticChunker, limits=self.engine.info.limits), remembered=remembered
        )
        self.listener = SimListener(self.worker, clock, policy, hearing)
        self.listeners.append(self.listener)
        self.asked: list[SimTurn] = []
        self._invariants = Invariants(self.listener, self.events)
        self._scripts = (opener, narrator)
        self._meters = (SpeedMeter(OPENER_ASSUMED), SpeedMeter(NARRATOR_ASSUMED))

    def ask_at(self, at_s: float, prompt: str, opening: str, story: str) -> None:
        """Plan a prompt, and what the models have to say to it."""
        self.plan(at_s, partial(self._ask, prompt, opening, story))

    def interrupt_at(self, at_s: float) -> None:
        """Plan that the listener has heard enough."""
        self.plan(at_s, self._interrupt)

    def turned(self) -> None:
        """Check what must hold after every turn of the worker."""
        self._invariants.check()

    @property
    def history(self) -> list[Message]:
        """The conversation as it was heard."""
        said = [
            (Message("user", turn.prompt), Message("assistant", turn.heard_text))
            for turn in self.asked
        ]
        return [message for pair in said for message in pair if message.text.strip()]

    # -- inside ----------------------------------------------------------------------------
    def _ask(self, prompt: str, opening: str, story: str) -> None:
        self._interrupt()
        deltas, parts = relayed(self._plan_opening(), self._scripts, opening, story)
        for script, meter, text in zip(self._scripts, self._meters, (opening, story), strict=True):
            if script is not None:
                script.teach(meter, text)
        log = self.listener.lane.log
        log.emit("prompt", utterance=len(self.listener.said), text=prompt)
        said = self.listener.say(deltas)
        self.asked.append(SimTurn(prompt, self.clock.at_s, said, parts))

    def _interrupt(self) -> None:
        if self.asked and not self.asked[-1].said.ended:
            self.listener.act("stop")
            self._invariants.acted("stop")

    def _plan_opening(self) -> OpeningPlan | None:
        if self._scripts[0] is None:
            return None
        opener, narrator = self._meters
        return plan_opening(opener.speed, narrator.speed, CHARACTERS_PER_S)


def relayed(
    plan: OpeningPlan | None,
    scripts: tuple[ModelScript | None, ModelScript],
    opening: str,
    story: str,
) -> tuple[list[Delta], tuple[Part, ...]]:
    """What is written when, as the relay makes it of both scripts, and who wrote what."""
    opener, narrator = scripts
    relay = Relay(plan, LANGUAGE, 0.0)
    written: list[Delta] = []
    asked_s = 0.0
    if opener is not None and plan is not None:
        deltas = opener.deltas(opening)
        asked_s = _open(relay, deltas, written)
    for delta in narrator.deltas(story):
        text = relay.narrator_wrote(delta.text)
        written.append(Delta(asked_s + delta.at_s, text, "narrator"))
    last_s = written[-1].at_s if written else asked_s
    written.append(Delta(last_s, relay.narrator_ended(), "narrator"))
    return written, relay.parts


def _open(relay: Relay, deltas: Sequence[Delta], written: list[Delta]) -> float:
    """The opener's part; returns when the narrator is asked."""
    at_s = 0.0
    for delta in deltas:
        if delta.at_s >= relay.due_s:
            at_s = relay.due_s
            break
        at_s = delta.at_s
        text = relay.opener_wrote(delta.text, at_s)
        written.append(Delta(at_s, text, "opener", _ends_sentence(relay)))
        if relay.handed_over:
            return at_s
    text = relay.hand_over()
    written.append(Delta(at_s, text, "opener", _ends_sentence(relay)))
    return at_s


def _ends_sentence(relay: Relay) -> bool:
    return relay.handed_over and bool(relay.opening) and relay.opening_is_whole
