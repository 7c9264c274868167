"""Every error that Legato raises on purpose, in one tree.

    LegatoError
    ├── UsageError                 bad input or settings; exit code 2
    │   ├── UnknownVoice
    │   ├── UnknownLanguage
    │   ├── UnknownEngine
    │   ├── UnknownBackend
    │   ├── UnknownDevice
    │   └── TextTooLong            beyond an engine's limit; the chunker splits further
    └── RunError                   failed while running; exit code 1
        ├── EngineError            the engine cannot be started or gave up
        │   └── EngineFull         no free slot for a job now; try after the next step
        ├── OutputError            the output cannot be opened or written
        │   └── NoAudioDevice
        ├── ModelError             a language model gave no answer, or broke off
        │   ├── ModelUnavailable   nobody answers there, or not in time, or it is overloaded
        │   ├── ModelRefused       it does not want to: key, model name, request
        │   └── ReplyCut           the answer broke off after its first words
        ├── ServiceBusy            no room for a listener now; says when to ask again
        ├── BufferBusy             a second producer or consumer on one buffer
        └── BacklogFull            too much text is waiting; none of it was taken

Each message is one line that says what was wrong and what to do.
"""


class LegatoError(Exception):
    """The root. `exit_code` is what the command line ends with."""

    exit_code = 1


class UsageError(LegatoError):
    """Bad usage or input."""

    exit_code = 2


class UnknownVoice(UsageError):
    """The engine has no such voice."""


class UnknownLanguage(UsageError):
    """Neither the chunker nor the engine knows the language."""


class UnknownEngine(UsageError):
    """No engine of that name is installed."""


class UnknownBackend(UsageError):
    """The native module was not built with that backend, or this system has none."""


class UnknownDevice(UsageError):
    """The backend lists no such device."""


class TextTooLong(UsageError):
    """A chunk exceeds the engine's limits."""


class RunError(LegatoError):
    """Something failed while running."""


class EngineError(RunError):
    """The engine cannot be started, or failed beyond its retries."""


class EngineFull(EngineError):
    """The engine has no free slot now."""


class OutputError(RunError):
    """The output cannot be opened or written."""


class NoAudioDevice(OutputError):
    """No sound device can be opened on this machine."""


class ModelError(RunError):
    """A language model gave no answer, or none to the end."""


class ModelUnavailable(ModelError):
    """No answer after all retries: no server, none in time, or an error of its own."""


class ModelRefused(ModelError):
    """The server refuses what is asked, and would again."""


class ReplyCut(ModelError):
    """An answer broke off after its first words."""


class ServiceBusy(RunError):
    """Another listener cannot be served now."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BufferBusy(RunError):
    """The buffer has a producer or a consumer already."""


class BacklogFull(RunError):
    """More text is waiting than the stated limit; what was offered was not taken."""
