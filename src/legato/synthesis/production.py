"""What has been observed of synthesis in this run, as the gate's forecast needs it."""

from __future__ import annotations

import math
from collections import deque

from legato.audio.forecast import Making, correlated_s
from legato.audio.prebuffer_manager import Production

_WINDOW_S = 1.0  # audio over which a rate is taken: shorter windows see only burst arrival
_KEPT = 24
_ASSUMED_OVERRUN = 1.3
_FEWEST_RATIOS = 8  # fewer say too little about the next chunk
_LEAST_KNOWN_S = 0.2  # of audio; less says nothing
_USUAL_CV = 0.3  # of a machine that nothing is known about
_USUAL_WINDOWS = 2  # as how many windows that counts
TRUSTED_S = 1_200.0  # as how much audio a remembered machine counts at most
_TRUSTED_WINDOWS = 800
_LONG = 4  # windows of a long stretch
_MANY_WINDOWS = 40  # from which on there are enough long ones
_SURPRISE = 2.0  # errors by which this run may differ from what is remembered


class _Stretches:
    """The recent past in stretches of at least `_WINDOW_S` of audio, and their statistics."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, float]] = deque(maxlen=512)  # (audio_s, waited_s)
        self._audio_s = self._waited_s = 0.0
        self._speech_s = self._pauses_s = 0.0

    def add(self, audio_s: float, waited_s: float) -> None:
        """Audio came, so long after what came before."""
        self._audio_s += audio_s
        self._waited_s += waited_s
        if self._audio_s >= _WINDOW_S:
            self._recent.append((self._audio_s, self._waited_s))
            self._audio_s = self._waited_s = 0.0

    def pause(self, speech_s: float, pauses_s: float) -> None:
        """A chunk of so much speech brought so much pause."""
        self._speech_s += speech_s
        self._pauses_s += pauses_s

    def known(self, block_s: float, remembered: Making | None) -> Making | None:
        """What these stretches, and the remembered machine, say together; None: nothing."""
        audio_s = self._audio_s + sum(audio_s for audio_s, _ in self._recent)
        waited_s = self._waited_s + sum(waited_s for _, waited_s in self._recent)
        if remembered is None and audio_s < _LEAST_KNOWN_S:
            return None
        trusted_s = 0.0 if remembered is None else self._trust(remembered, audio_s, waited_s)
        remembered_rtf = 0.0 if remembered is None else remembered.rtf
        known_s = audio_s + trusted_s
        rtf = (waited_s + trusted_s * remembered_rtf) / known_s
        spread = self._spread(rtf, remembered, trusted_s)
        if block_s == 0.0 and remembered is not None:
            block_s = remembered.block_s
        pauses = 0.0 if remembered is None else remembered.pauses
        pauses = (self._pauses_s + trusted_s * pauses) / max(self._speech_s + trusted_s, 1e-3)
        return Making(rtf, spread, block_s, known_s, pauses)

    def _trust(self, remembered: Making, audio_s: float, waited_s: float) -> float:
        """As how much audio the remembered machine counts: less, the more this run contradicts."""
        trusted_s = min(remembered.known_s, TRUSTED_S)
        if audio_s < _LEAST_KNOWN_S:
            return trusted_s
        error = remembered.spread * math.sqrt(correlated_s(audio_s) + audio_s**2 / trusted_s)
        off = abs(waited_s - audio_s * remembered.rtf) / max(error, 1e-6)
        return trusted_s * min(1.0, (_SURPRISE / max(off, 1e-6)) ** 6)

    def _spread(self, rtf: float, remembered: Making | None, trusted_s: float) -> float:
        """Of one second's wall time in the long run, from how the stretches differ."""
        prior, windows = _USUAL_CV * rtf * math.sqrt(2.0), float(_USUAL_WINDOWS)
        if remembered is not None:
            windows = max(windows, _TRUSTED_WINDOWS * trusted_s / TRUSTED_S)
            prior = remembered.spread * (rtf / remembered.rtf if remembered.rtf > 0.0 else 1.0)
        stretches = self._long() if len(self._recent) >= _MANY_WINDOWS else self._recent
        off = sum((waited_s - rtf * audio_s) ** 2 for audio_s, waited_s in stretches)
        unit = sum(correlated_s(audio_s) for audio_s, _ in stretches)
        per_window = correlated_s(_WINDOW_S)
        variance = (prior**2 * windows * per_window + off) / (windows * per_window + unit)
        return math.sqrt(variance)

    def _long(self) -> list[tuple[float, float]]:
        """The same past in fewer, longer stretches: they also see what changes slowly."""
        recent = list(self._recent)
        parts = [recent[at : at + _LONG] for at in range(0, len(recent) - _LONG + 1, _LONG)]
        return [(sum(a for a, _ in part), sum(w for _, w in part)) for part in parts]


class ProductionMeter:
    """Measures one lane's production from the arrival of its blocks.

    Blocks that arrive together count as one; time counts only while jobs are in flight.
    Rates are those of one chunk: with several being made side by side, each one's share.
    """

    def __init__(self, remembered: Making | None = None) -> None:
        known = remembered is not None and remembered.known_s >= _LEAST_KNOWN_S
        self._remembered = remembered if known else None
        self._stretches = _Stretches()
        self._known: Production | None = None  # until something new is observed
        self._side_by_side: deque[int] = deque(maxlen=8)
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=_KEPT)  # (audio_s, waited_s)
        self._longest: deque[float] = deque(maxlen=_KEPT)
        self._ratios: deque[float] = deque(maxlen=_KEPT)
        self._since_s: float | None = None
        self._blocks = 0
        self._busy_s = 0.0
        self._audio_s = 0.0
        self._chunk_audio_s = 0.0

    @property
    def audio_s(self) -> float:
        """Seconds of audio made in this run."""
        return self._audio_s

    @property
    def rtf(self) -> float:
        """Wall time with jobs in flight over audio time, so far; 0 before any audio."""
        return self._busy_s / self._audio_s if self._audio_s else 0.0

    def busy(self, now_s: float, in_flight: int) -> None:
        """Note whether the lane has jobs in the engine at this moment."""
        if in_flight and self._since_s is None:
            self._since_s = now_s
        elif not in_flight and self._since_s is not None:
            self._busy_s += now_s - self._since_s
            self._since_s = None

    def arrived(
        self,
        now_s: float,
        audio_s: float,
        longest_block_s: float,
        side_by_side: int = 1,
        content_s: float | None = None,
    ) -> None:
        """Note that blocks of `audio_s` in all arrived together at `now_s`, of so many chunks.

        content_s: what they came to in the ring, trimmed; as long as they are, if not given.
        """
        since_s = now_s if self._since_s is None else self._since_s
        waited_s = now_s - since_s
        self._since_s = now_s
        self._busy_s += waited_s
        self._audio_s += audio_s
        self._blocks += 1
        self._chunk_audio_s += audio_s / side_by_side
        self._arrivals.append((audio_s / side_by_side, waited_s))
        self._longest.append(longest_block_s)
        content_s = audio_s if content_s is None else content_s
        self._stretches.add(content_s / side_by_side, waited_s)
        self._side_by_side.append(side_by_side)
        self._known = None

    def completed(self, estimate_s: float, actual_s: float, pauses_s: float = 0.0) -> None:
        """Note how long a chunk came out against its estimate; its pauses cost no time."""
        self._stretches.pause(actual_s, pauses_s)
        self._known = None
        if estimate_s > 0.5:
            self._ratios.append(actual_s / estimate_s)
            self._known = None

    def production(self) -> Production:
        """The observation as the policies take it."""
        if self._known is None:
            self._known = self._observed()
        return self._known

    def _observed(self) -> Production:
        enough = len(self._ratios) >= _FEWEST_RATIOS
        overrun = max(1.0, max(self._ratios) * 1.05) if enough else _ASSUMED_OVERRUN
        return Production(
            blocks=self._blocks,
            rate=self._chunk_audio_s / max(self._busy_s, 1e-6),
            low_rate=self._low_rate(),
            block_s=max(self._longest, default=0.0),
            overrun=overrun,
            making=self._stretches.known(max(self._longest, default=0.0), self._remembered),
            side_by_side=max(1, round(sum(self._side_by_side) / max(1, len(self._side_by_side)))),
        )

    def _low_rate(self) -> float:
        """The slowest recent stretch of at least `_WINDOW_S` of audio; never above the mean."""
        lowest, arrivals, first = self._mean_rate(), list(self._arrivals), 0
        audio_s = waited_s = 0.0
        for arrived_s, since_s in arrivals:
            audio_s += arrived_s
            waited_s += since_s
            while audio_s - arrivals[first][0] >= _WINDOW_S:
                audio_s -= arrivals[first][0]
                waited_s -= arrivals[first][1]
                first += 1
            if audio_s >= _WINDOW_S and waited_s * lowest > audio_s:
                lowest = audio_s / waited_s
        return lowest

    def _mean_rate(self) -> float:
        audio_s = sum(audio_s for audio_s, _ in self._arrivals)
        return audio_s / max(sum(waited_s for _, waited_s in self._arrivals), 1e-6)
