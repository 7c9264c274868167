"""The espeak-ng library through ctypes: the few calls, structures and numbers of speak_lib.h.

espeak-ng is licensed under the GPL: this module is only used in an engine's own process,
and loads nothing when it is imported.
"""

from __future__ import annotations

import _ctypes
import ctypes
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import espeakng_loader

from legato.errors import EngineError

_SYNCHRONOUS = 2
_BUFFER_MS = 2_000  # few callbacks: each one takes and releases the interpreter
_DO_NOT_EXIT = 0x8000  # without it a missing data folder ends the whole process
_UTF8 = 1
_CHARACTER = 1
_WORD = 1
_SEED = 1
_LONGEST_DATA_PATH = 160 - len("/phontab") - 1

RATE, VOLUME, PITCH = 1, 2, 3


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class InstalledVoice:
    """A voice file. `languages`: (priority, code) pairs, the lower the better; first is its own."""

    name: str
    identifier: str
    languages: tuple[tuple[int, str], ...]
    gender: str


class EspeakLibrary:
    """One freshly loaded copy of the library; a context manager that unloads it.

    espeak-ng carries state from one text to the next in static variables that no call
    resets, Initialize and Terminate included; breathy voices draw noise from a generator
    seeded with the second of the day, Klatt's from the C library's. Loading it anew
    (0.3 ms) with fixed seeds is what makes its speech repeatable.
    """

    def __init__(self) -> None:
        data_path = espeakng_loader.get_data_path()
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        _c_runtime().srand(_SEED)
        self.sample_rate_hz: int = self._library.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER_MS, data_path.encode(), _DO_NOT_EXIT
        )
        if self.sample_rate_hz <= 0:
            _unload(self._library)
            hint = (
                f": the path is longer than {_LONGEST_DATA_PATH} bytes, install Legato higher up"
                if len(data_path.encode()) > _LONGEST_DATA_PATH
                else "; reinstall espeakng-loader"
            )
            raise EngineError(f"espeak-ng cannot read its data in {data_path}{hint}")
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))

    def __enter__(self) -> EspeakLibrary:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._library.espeak_Terminate()
        _unload(self._library)

    @property
    def version(self) -> str:
        """espeak-ng's own version."""
        self._library.espeak_Info.restype = ctypes.c_char_p
        version: bytes = self._library.espeak_Info(None)
        return version.decode()

    def voices(self, language: str = "") -> list[InstalledVoice]:
        """All voices that can speak, or those of one language; "variant" lists the variants."""
        code = ctypes.create_string_buffer(language.encode())
        wanted = _Voice(languages=ctypes.cast(code, ctypes.c_void_p))
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        listed = self._library.espeak_ListVoices(ctypes.byref(wanted) if language else None)
        voices = [_installed(voice) for voice in _until_null(listed)]
        data = Path(espeakng_loader.get_data_path())
        return [voice for voice in voices if _can_speak(voice.identifier, data)]

    def speak(
        self, text: str, voice: str, parameters: dict[int, int]
    ) -> tuple[bytes, list[tuple[int, int]]]:
        """Speak plain text at once: int16 PCM and (sample, character offset) of each word.

        Raises EngineError where espeak-ng refuses the voice or the text.
        """
        pcm = bytearray()
        words: list[tuple[int, int]] = []

        def take(
            samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]
        ) -> int:
            if samples and count > 0:
                pcm.extend(ctypes.string_at(samples, count * 2))
            words.extend(_words(events))
            return 0

        callback = _Callback(take)
        self._library.espeak_SetSynthCallback(callback)
        _check(self._library.espeak_SetVoiceByName(voice.encode()), f"has no voice {voice!r}")
        for number, value in parameters.items():
            _check(self._library.espeak_SetParameter(number, value, 0), "refused a setting")
        data = text.encode()
        size = ctypes.c_size_t(len(data) + 1)
        _check(
            self._library.espeak_Synth(data, size, 0, _CHARACTER, 0, _UTF8, None, None),
            "cannot speak this text",
        )
        return bytes(pcm), words


def _words(events: ctypes._Pointer[_Event]) -> Iterator[tuple[int, int]]:
    index = 0
    while (event := events[index]).type:
        if event.type == _WORD:
            yield event.sample, event.text_position - 1  # espeak-ng counts characters from 1
        index += 1


def _check(status: int, what: str) -> None:
    if status != 0:
        raise EngineError(f"espeak-ng {what} (status {status})")


def _until_null(array: ctypes._Pointer[ctypes._Pointer[_Voice]]) -> Iterator[_Voice]:
    index = 0
    while array[index]:
        yield array[index].contents
        index += 1


def _installed(voice: _Voice) -> InstalledVoice:
    gender = {1: "male", 2: "female"}.get(voice.gender, "")
    languages = tuple(_languages(voice.languages))
    return InstalledVoice(voice.name.decode(), voice.identifier.decode(), languages, gender)


def _can_speak(identifier: str, data: Path) -> bool:
    """Whether the voice's dictionary is there; a few are not shipped, and stay silent without.

    It is the file's own language unless a line `dictionary NAME` says otherwise. MBROLA's
    voices ("mb/...") need data of their own, which is not shipped either.
    """
    folder, _, name = identifier.rpartition("/")
    if folder == "!v":
        return True
    if folder == "mb":
        return False
    if (data / f"{name.partition('-')[0]}_dict").exists():
        return True
    lines = (data / "lang" / identifier).read_text(encoding="utf-8").splitlines()
    named = (line.split()[1] for line in lines if line.startswith("dictionary "))
    return any((data / f"{dictionary}_dict").exists() for dictionary in named)


def _languages(address: int) -> Iterator[tuple[int, str]]:
    """A list of (priority byte, zero-ended code), closed by a zero priority."""
    while priority := ctypes.string_at(address, 1)[0]:
        code = ctypes.string_at(address + 1)
        yield priority, code.decode()
        address += len(code) + 2


def _c_runtime() -> ctypes.CDLL:
    return ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)


def _unload(library: ctypes.CDLL) -> None:
    if sys.platform == "win32":
        _ctypes.FreeLibrary(library._handle)
    else:
        _ctypes.dlclose(library._handle)
