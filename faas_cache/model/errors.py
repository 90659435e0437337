"""The exceptions of `faas_cache`: each carries what there is to say as diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faas_cache.model.diagnostics import Diagnostic


class FaasCacheError(ValueError):
    """The base class of all errors of this package; two are equal if their diagnostics are.

    `.diagnostics` holds all faults that were found, in the order of the text. `.exit_code` is the exit code for a
    program that does not handle the error: 2 for invalid input, 3 for a builder that cannot do what is asked.
    """

    exit_code = 2

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*diagnostics)
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        return "\n".join(map(str, self.diagnostics))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.diagnostics == other.diagnostics

    def __hash__(self) -> int:
        return hash((type(self), self.diagnostics))


class InvalidReference(FaasCacheError):
    """The text is not a valid image reference (rule E1)."""


class InvalidEntry(FaasCacheError):
    """buildx rejects the text as a value of `--cache-from` or `--cache-to` (rule C10)."""


class InvalidFunction(FaasCacheError):
    """A function has faults; all of them are reported together."""


class InvalidStack(FaasCacheError):
    """A stack file has faults; all of them are reported together."""


class InvalidInput(FaasCacheError):
    """Arguments or flags are invalid, or contradict each other."""


class BuilderError(FaasCacheError):
    """The builder cannot be reached, or lacks what the plans need (rules F2 and F3)."""

    exit_code = 3
