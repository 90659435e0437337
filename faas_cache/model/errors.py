"""The exceptions of `faas_cache`: each carries what is wrong as diagnostics."""

from __future__ import annotations

from typing import Any

from faas_cache.model.diagnostics import Diagnostic, FaasCacheError

__all__ = [
    "BuilderError",
    "FaasCacheError",
    "InvalidEntry",
    "InvalidFunction",
    "InvalidInput",
    "InvalidReference",
    "InvalidStack",
]


class InvalidReference(FaasCacheError):
    """The text is not a valid image reference (rule E1)."""


class InvalidEntry(FaasCacheError):
    """buildx rejects the text as a value of `--cache-from` or `--cache-to` (rule C10)."""


class InvalidFunction(FaasCacheError):
    """A function has faults; all of them are reported together."""


class InvalidStack(FaasCacheError):
    """A stack file has faults; all of them are reported together.

    Attributes:
        stack: The `Stack` of the functions that could be read; `None` if there is none.
    """

    def __init__(self, *diagnostics: Diagnostic, stack: Any = None) -> None:  # noqa: ANN401  # `Stack` is in a package above this one
        super().__init__(*diagnostics)
        self.stack: Any = stack


class InvalidInput(FaasCacheError):
    """An argument, a flag or a variable is invalid, or two contradict each other."""


class BuilderError(FaasCacheError):
    """The builder cannot be reached, or lacks a feature that the plans need (rules F2 and F3)."""

    exit_code: int = 3
