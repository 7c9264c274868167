"""Cast: who speaks in a story, and how each of them sounds. Values only.

`cast_file` reads a cast, `cast_names` finds its names in a text, `cast_reader` says whose
each stretch of the text is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from legato.errors import UsageError

MOST_CHARACTERS = 60
"""Of a name or an alias."""

RATES = (0.25, 4.0)
VOLUMES = (0.0, 4.0)


@dataclass(frozen=True, slots=True)
class Role:
    """One speaker, in one mood.

    name: "" for the narrator. voice, language: "" for the narrator's own; with a language
    alone, that language's own voice. rate, volume: factors on the narrator's. aliases: other
    names in the text. moods: the same speaker in another mood, by its name. where: what
    errors call it. Raises UsageError for a rate or volume out of range.
    """

    name: str = ""
    voice: str = ""
    language: str = ""
    rate: float = 1.0
    volume: float = 1.0
    aliases: tuple[str, ...] = ()
    moods: Mapping[str, Role] = field(default_factory=lambda: MappingProxyType({}))
    mood: str = ""
    where: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name, value, (least, most) in (
            ("rate", self.rate, RATES),
            ("volume", self.volume, VOLUMES),
        ):
            if not least <= value <= most:
                told = f"{name} {value:g} is outside {least:g} to {most:g}"
                raise UsageError(f"{self.where or self.name or 'narrator'}: {told}")

    def voice_for(self, default_voice: str, default_language: str) -> str:
        """The voice to speak with; "" is the language's own."""
        foreign = self.language not in ("", default_language)
        return self.voice or ("" if foreign else default_voice)

    def in_mood(self, mood: str) -> Role | None:
        """The same speaker in a mood, whatever its case; None where the mood is unknown."""
        return next((each for key, each in self.moods.items() if _same(key, mood)), None)

    @property
    def title(self) -> str:
        """What the speaker is called in captions and traces: "mira", "mira/angry"."""
        return f"{self.name}/{self.mood}" if self.mood else self.name


@dataclass(slots=True)
class Turn:
    """A place from which a role speaks. The text may say that a turn begins before it says
    whose it is: until then `role` is the narrator's.
    """

    role: Role


@dataclass(frozen=True)
class Cast:
    """The roles of a story.

    narrator: speaks all that is nobody's. unknown: speaks quotations whose speaker the text
    does not tell; None: the narrator does. speak_names: whether "Mira:" at the start of a
    line is read out. tag_reach: characters within which a quotation must close to wait for
    what follows it ("said Mira"); 0 never waits. Raises UsageError where two share a name.
    """

    roles: tuple[Role, ...] = ()
    narrator: Role = field(default_factory=Role)
    unknown: Role | None = None
    speak_names: bool = False
    tag_reach: int = 120
    where: str = field(default="cast", compare=False)

    def __post_init__(self) -> None:
        taken: set[str] = set()
        for role in self.roles:
            for name in dict.fromkeys(map(_key, (role.name, *role.aliases))):
                if name in taken:
                    raise UsageError(f'{role.where or self.where}: "{name}" is taken already')
                taken.add(name)

    @classmethod
    def load(cls, path: Path | str) -> Cast:
        """Read a cast file (TOML). Raises UsageError, one line naming the file and the entry."""
        from legato.text.cast_file import read_cast  # noqa: PLC0415 - it imports this module

        return read_cast(Path(path))

    def everyone(self) -> Iterator[Role]:
        """Every role in every mood, the narrator first."""
        given = (self.narrator, *self.roles, *((self.unknown,) if self.unknown else ()))
        for role in given:
            yield role
            yield from role.moods.values()

    def narrated_by(self, voice: str) -> Cast:
        """The same cast with another voice for the narrator; "" changes nothing."""
        if not voice:
            return self
        return replace(self, narrator=replace(self.narrator, voice=voice))

    def role(self, wanted: str) -> Role | None:
        """The role of a name or an alias, whatever its case."""
        return self._by_name.get(_key(wanted))

    @cached_property
    def _by_name(self) -> dict[str, Role]:
        found = {_key(name): self.narrator for name in ("narrator", *self.narrator.aliases)}
        for role in self.roles:
            found |= {_key(name): role for name in (role.name, *role.aliases)}
        return found

    @cached_property
    def called(self) -> Mapping[str, Role]:
        """Every name as it was given -> its role; of the narrator, only for script lines."""
        names = dict.fromkeys(("Narrator", *self.narrator.aliases), self.narrator)
        for role in self.roles:
            names |= dict.fromkeys((role.name, *role.aliases), role)
        return names


def _key(name: str) -> str:
    return " ".join(name.split()).lower()


def _same(one: str, other: str) -> bool:
    return _key(one) == _key(other)
