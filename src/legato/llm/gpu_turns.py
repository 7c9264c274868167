"""One GPU for speech and for the models: the lead decides who goes first. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from legato.errors import UsageError


@dataclass(frozen=True, slots=True)
class GpuTurns:
    """When a language model that shares its GPU with synthesis waits between two tokens.

    Speech goes first while the listener has little ahead and synthesis has something to make:
    a model waits below `low_lead_s`, until there are `resume_lead_s`, unless less than
    `enough_text_s` of speech is written and not made, for then it is text that is missing (the
    chunker may look 10.4 s ahead before it cuts). With
    `full_text_s` written ahead it waits in any case: nobody needs it yet.
    """

    low_lead_s: float = 2.0
    resume_lead_s: float = 3.0
    enough_text_s: float = 12.0
    full_text_s: float = 60.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.low_lead_s <= self.resume_lead_s:
            raise UsageError("the leads must rise: 0 <= low_lead_s <= resume_lead_s")
        if not 0.0 < self.enough_text_s <= self.full_text_s:
            raise UsageError("the texts must rise: 0 < enough_text_s <= full_text_s")

    def waits(self, lead_s: float, unmade_s: float, waiting: bool = False) -> bool:
        """Whether the model waits now. unmade_s: seconds of speech that are written and not made
        yet. waiting: it is waiting already, and goes on only with some lead to spare.
        """
        if unmade_s >= self.full_text_s:
            return True
        if unmade_s < self.enough_text_s:
            return False
        return lead_s < (self.resume_lead_s if waiting else self.low_lead_s)
