"""Every error Rune raises on purpose.

    RuneError                   shown to the person as one line: expected, came, what to do
    ├── ConfigError             config.toml or an option is wrong
    ├── FormatError             a record on disk is damaged or of another shape
    │   ├── NewerVersion        ... written by a newer Rune: never touched
    │   └── EchoError           ... one field of an echo is wrong: file, line, field, expected, found
    ├── NotSetUp                no base model or embedder on this machine yet
    ├── SetupError              a model could not be brought or does not match its hash
    ├── QuantizeError           this machine cannot keep a base's weights in the configured way
    ├── AdapterError            an adapter is damaged, foreign or missing
    │   ├── WrongBase           ... made for another base model
    │   └── NotServed           ... whole, but out of service: archived, superseded or unserved
    ├── DaemonUnavailable       no daemon answers, or not in time
    ├── IndexUnavailable        the Chroma server that search data lie on does not answer
    ├── EngineUnavailable       no engine generates tokens at the moment
    │   └── EngineBusy          ... its queue is full: come again after retry_after seconds
    ├── PromptTooLong           a prompt and what is to be generated do not fit into the context
    └── OutOfMemory             a distillation does not fit even at its smallest
"""

from __future__ import annotations


class RuneError(Exception):
    """Root of the tree; the command line prints it without a traceback."""


class ConfigError(RuneError):
    """A configuration key or option is unknown or has a wrong value."""


class FormatError(RuneError):
    """A record on disk cannot be read; the message names file, line and field."""


class NewerVersion(FormatError):
    """A record was written by a newer Rune; it is left as it is."""


class EchoError(FormatError):
    """A field of an echo, a remembrance or a block of knowledge is not what it must be."""

    def __init__(self, field: str, expected: str, found: object, path: object = "", line: int = 0) -> None:
        place = f"{path}:{line}: " if path and line else f"{path}: " if path else ""
        super().__init__(f"{place}{field}: expected {expected}, found {found!r}")
        self.field, self.expected, self.found, self.path, self.line = field, expected, found, path, line

    def at(self, path: object, line: int) -> EchoError:
        """The same error, naming where it was found."""
        return EchoError(self.field, self.expected, self.found, path, line)


class NotSetUp(RuneError):
    """The base model or the embedder is not on this machine yet."""


class SetupError(RuneError):
    """A model file could not be brought, or its SHA-256 differs."""


class QuantizeError(RuneError):
    """The base cannot be quantised as configured: bitsandbytes is missing or cannot work on this machine."""


class AdapterError(RuneError):
    """An adapter is damaged, incomplete or missing."""


class WrongBase(AdapterError):
    """An adapter was made for another base model than the one that is loaded."""


class NotServed(AdapterError):
    """An adapter is archived, superseded, forgotten or no better than its base."""


class DaemonUnavailable(RuneError):
    """No daemon answers on the socket, or it did not answer in time."""


class IndexUnavailable(RuneError):
    """The Chroma server of ``[index]`` does not answer, or not as one."""


class EngineUnavailable(RuneError):
    """No engine generates tokens at the moment: it is not set up, loading, or gone."""


class EngineBusy(EngineUnavailable):
    """The engine's queue is full, or this client's share of it is."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds."""


class PromptTooLong(RuneError):
    """Prompt and tokens to generate do not fit into the context of the model."""


class OutOfMemory(RuneError):
    """A distillation does not fit into memory even at its smallest size."""
