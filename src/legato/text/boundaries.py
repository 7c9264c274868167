"""BoundaryScanner: where cleaned text may be cut, and how strong each place is.

Pure and incremental: text is read once, from left to right, and a place is given out only
when everything that decides about it has been read, so that the result does not depend on
how the text arrived. Look-ahead is bounded: the first letter behind a mark of punctuation,
at most 60 characters for the end of a quotation or a bracket, and 30 for "Anna said".
"""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

from legato.text.languages import LanguageRules
from legato.text.marks import MARK_SIGN, SIGN_STRENGTH, SIGNS
from legato.text.periods import ends_sentence
from legato.text.weights import Weights
from legato.types import Boundary

_WAIT = -1
_SHORT_QUOTATION = 60
_SPEECH_AHEAD = 30
_LOOK_BEHIND = 64

_CLOSERS = "\"'”’»)›“\\]」』）〉》】"
_STOPS = ".!?…؟۔।॥"
_WIDE_STOPS = "。！？｡．"
_COMMAS = ",;:،؛"
_WIDE_COMMAS = "、，；："
_DASHES = "-—–―⸺"
_CLAUSES = ";:؛；："
_PAIRS = {
    '"': '"', "“": "”“\"", "„": "“”\"", "«": "»", "»": "«", "‹": "›", "(": ")", "（": "）",
    "「": "」", "『": "』", "《": "》", "【": "】", "‘": "’", "'": "'",
}  # fmt: skip
_OPENERS = "".join(_PAIRS)
_NARROW = _STOPS + _COMMAS  # these need white space behind them to count

_EVENT = re.compile(
    f"[{_NARROW}{_WIDE_STOPS}{_WIDE_COMMAS}{re.escape(_DASHES)}{re.escape(_OPENERS)}{SIGNS}%s]"
    rf"(?:(?<![{_NARROW}'‘-])|(?<=[{_NARROW}])[{_NARROW}{_CLOSERS}]*(?=\s|[—–―]|\Z)"
    r"|(?<=[\s(—]['‘])(?=\w|\Z)|(?<=^['‘])(?=\w|\Z)|(?<=\s-)(?=\s|\Z)|(?<=--)-*)"
)
