"""What has been observed of synthesis in this run, as the gate's forecast needs it."""

from __future__ import annotations

from collections import deque

from legato.audio.prebuffer_manager import Production

_WINDOW_S = 1.0  # audio over which a rate is taken: shorter windows see only burst arrival
_KEPT = 24
_ASSUMED_OVERRUN = 1.3
_FEWEST_RATIOS = 8  # fewer say too little about the next chunk


class ProductionMeter:
    """Measures one lane's production from the arrival of its blocks.

    Blocks that arrive together count as one; time counts only while jobs are in flight.
    Rates are those of one chunk: with several being made side by side, each one's share.
    """

    def __init__(self) -> None:
        self._arrivals: deque[tuple[float, float]] = deque(maxlen=_KEPT)  # (audio_s, waited_s)
        self._longest: deque[float] = deque(maxlen=_KEPT)
        self._ratios: deque[float] = deque(maxlen=_KEPT)
        self._since_s: float | None = None
        self._blocks = 0
        self._busy_s = 0.0
        self._audio_s = 0.0
        self._chunk_audio_s = 0.0

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
        self, now_s: float, audio_s: float, longest_block_s: float, side_by_side: int = 1
    ) -> None:
        """Note that blocks of `audio_s` in all arrived together at `now_s`, of so many chunks."""
        since_s = now_s if self._since_s is None else self._since_s
        waited_s = now_s - since_s
        self._since_s = now_s
        self._busy_s += waited_s
        self._audio_s += audio_s
        self._blocks += 1
        self._chunk_audio_s += audio_s / side_by_side
        self._arrivals.append((audio_s / side_by_side, waited_s))
        self._longest.append(longest_block_s)

    def completed(self, estimate_s: float, actual_s: float) -> None:
        """Note how long a chunk came out against its estimate."""
        if estimate_s > 0.5:
            self._ratios.append(actual_s / estimate_s)

    def production(self) -> Production:
        """The observation as the policies take it."""
        enough = len(self._ratios) >= _FEWEST_RATIOS
        overrun = max(1.0, max(self._ratios) * 1.05) if enough else _ASSUMED_OVERRUN
        return Production(
            blocks=self._blocks,
            rate=self._chunk_audio_s / max(self._busy_s, 1e-6),
            low_rate=self._low_rate(),
            block_s=max(self._longest, default=0.0),
            overrun=overrun,
        )

    def _low_rate(self) -> float:
        """The slowest recent stretch of at least `_WINDOW_S` of audio; never above the mean."""
        lowest = self._mean_rate()
        window: deque[tuple[float, float]] = deque()
        audio_s = waited_s = 0.0
        for arrival in self._arrivals:
            window.append(arrival)
            audio_s += arrival[0]
            waited_s += arrival[1]
            while audio_s - window[0][0] >= _WINDOW_S:
                oldest = window.popleft()
                audio_s -= oldest[0]
                waited_s -= oldest[1]
            if audio_s >= _WINDOW_S:
                lowest = min(lowest, audio_s / max(waited_s, 1e-6))
        return lowest

    def _mean_rate(self) -> float:
        audio_s = sum(audio_s for audio_s, _ in self._arrivals)
        return audio_s / max(sum(waited_s for _, waited_s in self._arrivals), 1e-6)
