"""Which functions of a stack file: those that `--filter` or `--regex` select."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.masking import masked

__all__ = ["match", "match_glob", "match_regex", "no_match"]

_SHOWN = 60
_SHOWN_NAMES = 20


def match(filter: str | None, regex: str | None) -> Callable[[str], bool]:  # noqa: A002  # the name of the flag
    """Whether a name is selected by one of the two; raises `InvalidInput` for both at once."""
    if filter and regex:
        message = "conflicting flags `--filter` and `--regex`"
        raise InvalidInput(
            Diagnostic(name="conflicting-flags", message=message, hint="use one of the two")
        )
    return match_glob(filter) if filter else match_regex(regex or "")


def match_glob(pattern: str) -> Callable[[str], bool]:
    """Whether a glob in which only `*` is special matches a whole name.

    >>> match_glob("fn-*")("fn-1")
    True
    """
    first, *rest = pattern.split("*")

    def matches(name: str) -> bool:
        if not rest:
            return name == pattern
        *middle, last = rest
        at = len(first)
        if not name.startswith(first):
            return False
        for part in middle:
            at = name.find(part, at)
            if at < 0:
                return False
            at += len(part)
        return name.endswith(last) and len(name) - len(last) >= at

    return matches


def match_regex(pattern: str) -> Callable[[str], bool]:
    """Whether an expression of RE2 matches anywhere in a name.

    Raises `InvalidInput` for an invalid expression.

    >>> match_regex("(?i)^FN[0-9]")("fn1-api")
    True
    """
    from faas_cache.stack.regex import compile_regex

    return compile_regex(pattern)


def no_match(filter: str | None, regex: str | None, names: Iterable[str]) -> Diagnostic:  # noqa: A002  # the same
    """The error for a selection without a function."""
    names = ", ".join(f"`{masked(name)[:_SHOWN]}`" for name in islice(names, _SHOWN_NAMES))
    flag, pattern = ("--filter", filter) if filter else ("--regex", regex or "")
    return Diagnostic(
        name="unknown-function",
        message=f"no function matches `{flag} {masked(pattern or '')[:_SHOWN]}`",
        hint=f"choose from {names}" if names else "add functions to the stack file",
    )
