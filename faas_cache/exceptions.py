"""The exceptions of `faas_cache`: each carries what there is to say as diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faas_cache.diagnostics import Diagnostic


class FaasCacheError(ValueError):
    """The base of every exception raised here; compares by its diagnostics.

    `.diagnostics` holds all the faults that were found, in the order of the text.
    """

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
    """A text that is no image reference (rule E1)."""


class InvalidEntry(FaasCacheError):
    """A text that buildx refuses as a value of `--cache-from` or `--cache-to` (rule C10)."""


class InvalidFunction(FaasCacheError):
    """A function whose own text is at fault: every fault of it, together."""


class InvalidStack(FaasCacheError):
    """A stack file that cannot be read: every fault of it, together."""


class InvalidCommandLine(FaasCacheError):
    """Flags or names that make no sense together."""


class BuilderLacks(FaasCacheError):
    """The builder is not there, or cannot do what the plans need (rules F2 and F3)."""
