"""The exceptions of dedup, and the exit code that each one stands for.

DedupError
├── UsageError                     2  the call cannot be carried out as it was given
│   └── ConfigError                2  an option or a config value is out of range
├── FormatError                    1  an input is not what its name says; carries the place
├── IncompatibleSignaturesError    2  a saved run was made with another configuration
├── OutputExistsError              5  OUT is there already, or another run holds it
├── InputChangedError              1  an input was changed while it was being cleaned
└── IntegrityError                 1  a promise does not hold; nothing was published

Every message says what happened, where, why, and what to do.
"""

from __future__ import annotations


class DedupError(Exception):
    """Base of all errors that dedup raises on purpose."""

    exit_code = 1


class UsageError(DedupError):
    """The call cannot be carried out as it was given."""

    exit_code = 2


class ConfigError(UsageError):
    """An option or a config value is out of range."""


class FormatError(DedupError):
    """An input is not what its name says.

    Args:
        what: what is wrong, in one sentence.
        path: the input.
        offset: byte offset in the decompressed input, where known.
        advice: what the user can do about it.
    """

    def __init__(self, what: str, path: str, offset: int | None = None, advice: str = "") -> None:
        self.what = what
        self.path = path
        self.offset = offset
        where = path if offset is None else f"{path}, byte {offset:,}"
        super().__init__(f"{where}: {what}" + (f" {advice}" if advice else ""))


class IncompatibleSignaturesError(DedupError):
    """A saved run was made with another configuration, or from inputs that changed since."""

    exit_code = 2


class OutputExistsError(DedupError):
    """OUT is there already, or another run holds it."""

    exit_code = 5


class InputChangedError(DedupError):
    """An input was changed while it was being cleaned."""


class IntegrityError(DedupError):
    """A promise does not hold: the run stops before anything is published."""
