"""Diagnostics: what can be said of a stack, a plan or a builder, as data, and the catalogue of their codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import attrs

from faas_cache.masking import masked, shown

Severity: TypeAlias = Literal["error", "warning", "note"]
Path: TypeAlias = tuple[str | int, ...]

RULES = "https://github.com/openfaas/faas-cli/issues/940"

# Keys longer than this are cut when they are shown.
_SHOWN_KEY = 60


def path_text(path: Path) -> str:
    """A path as people read it.

    >>> path_text(("functions", "fn", "build_cache", "to", 1))
    'functions.fn.build_cache.to[1]'
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("-", "").replace("_", "").isalnum() and len(step) <= _SHOWN_KEY:
            text += f".{step}" if text else step
        else:
            key = masked(step)
            cut = key if len(key) <= _SHOWN_KEY else key[:_SHOWN_KEY] + "…"
            text += f"[{cut!r}]"
    return text


@attrs.frozen(kw_only=True)
class Place:
    """Where something was written.

    `path` holds the keys and positions that lead to it, from the top of the stack file or from a flag's name. `line` and
    `column` count from 1 and are `None` until somebody has read the file for them; so is `file`.
    """

    path: Path = attrs.field(default=(), repr=shown)
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        spot = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return ": ".join(part for part in (spot, path_text(self.path)) if part)

    def under(self, *path: str | int) -> Place:
        """The same place, seen from further up: the path with `path` before it."""
        return attrs.evolve(self, path=(*path, *self.path))


NOWHERE = Place()


@attrs.frozen(kw_only=True)
class Diagnostic:
    """One thing to say: a stable code, how bad it is, where, the sentence, what to do, and where to read more.

    `code` is the number of the rule behind it, or a word from `CODES` where no rule has a number.
    """

    code: str
    severity: Severity = "error"
    message: str
    place: Place = NOWHERE
    hint: str = ""
    url: str = ""

    def __str__(self) -> str:
        where = str(self.place)
        head = f"{where}: " if where else ""
        lines = [f"{head}{self.severity}: {self.message} [{self.code}]"]
        return "\n    ".join([*lines, *filter(None, (self.hint, self.url))])

    def under(self, *path: str | int) -> Diagnostic:
        """The same diagnostic with `path` before its own."""
        return attrs.evolve(self, place=self.place.under(*path))


def errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those that stop a build."""
    return tuple(d for d in diagnostics if d.severity == "error")


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, as ``did you mean `max`?``, or nothing.

    >>> nearest("build_caches", ["build_cache", "build_args"])
    'did you mean `build_cache`?'
    """
    from difflib import get_close_matches

    found = get_close_matches(word[:_SHOWN_KEY].lower(), list(known), n=1)
    return f"did you mean `{found[0]}`?" if found else ""
