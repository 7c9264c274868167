"""Whether one more listener can be served without harm to those who listen already. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_SOONEST_S = 1.0
_LATEST_S = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is known at the moment of asking.

    listeners: who are served now, each of whom hears a second of speech in a second.
    capacity: seconds of speech that the engine makes in a second with all it has to do, None
    where it has made too little to tell. lag_s: how late the event loop runs, for a second by now.
    shortest_left_s: how long the first of them will go on, as far as its text is known.
    """

    listeners: int
    capacity: float | None
    lag_s: float = 0.0
    shortest_left_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` says in a few words why not, and `retry_after_s` when to ask again."""

    admitted: bool
    reason: str = ""
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """Promises no more than a share of what was measured.

    most_listeners: at once, whatever the engine could do. share: of the engine's capacity that
    may be promised; the rest is for what comes unevenly. most_lag_s: beyond it the event loop
    could not serve anyone else in time. most_busy: the share of its time that may be promised for
    WebRTC's packets.
    """

    most_listeners: int = 256
    share: float = 0.8
    most_lag_s: float = 0.25
    most_busy: float = 0.8

    def decide(self, load: Load) -> Verdict:
        """Whether another listener's continuity could be kept, and everyone else's with it."""
        retry_s = min(max(load.shortest_left_s, _SOONEST_S), _LATEST_S)
        if load.listeners >= self.most_listeners:
            return Verdict(False, f"{load.listeners} listen already", retry_s)
        if load.lag_s > self.most_lag_s:
            return Verdict(False, f"the server runs {load.lag_s * 1_000:.0f} ms late", retry_s)
        if load.listeners and self._beyond(load):
            speed = "unknown" if load.capacity is None else f"{load.capacity:.1f} times speech"
            return Verdict(False, f"the engine's speed is {speed}", retry_s)
        return Verdict(True)

    def packets(self, listeners: int, busy: float) -> Verdict:
        """Whether packets for one more would be in time, where those of so many take that share."""
        if listeners and busy * (listeners + 1) / listeners > self.most_busy:
            reason = f"packets for {listeners} take {busy:.0%} of the time there is"
            return Verdict(False, reason, _SOONEST_S)
        return Verdict(True)

    def _beyond(self, load: Load) -> bool:
        """The first listener is always served: a slow engine's silences are the policy's."""
        return load.capacity is None or load.listeners + 1 > self.share * load.capacity
