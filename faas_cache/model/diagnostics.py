"""Diagnostics: what is wrong with a stack, a plan or a builder, as data with a name, a location and a fix."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import attrs

from faas_cache.model.catalogue import CATALOGUE
from faas_cache.model.catalogue import Severity as Severity
from faas_cache.model.masking import masked, shown

KeyPath: TypeAlias = tuple[str | int, ...]

# Keys longer than this are cut when they are shown.
_SHOWN_KEY = 60


def path_text(path: KeyPath) -> str:
    """A key path as text.

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
class Location:
    """Where something is written: a file with line and column, a key path, or both.

    `path` holds the keys and indices from the top of the stack file, or the name of a flag. `line` and `column` count
    from 1; they and `file` are `None` until the file has been searched for the path.
    """

    path: KeyPath = attrs.field(default=(), repr=shown)
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        position = ":".join(
            str(part) for part in (self.file, self.line, self.column) if part is not None
        )
        return ": ".join(part for part in (position, path_text(self.path)) if part)

    def under(self, *path: str | int) -> Location:
        """The same location with `path` in front of its key path."""
        return attrs.evolve(self, path=(*path, *self.path))


UNKNOWN_LOCATION = Location()


@attrs.frozen(kw_only=True)
class Diagnostic:
    """One finding: its name, severity and location, the message, and how to fix it.

    `name` is an entry of `CATALOGUE`, which gives `rule` (the number of the rule behind it; empty where no rule has one)
    and `url` unless they are passed. `hint` starts with a verb and says what to write or run.
    """

    name: str
    severity: Severity = "error"
    message: str
    hint: str = ""
    location: Location = UNKNOWN_LOCATION
    rule: str = attrs.field()
    url: str = attrs.field()

    @rule.default
    def _rule_of_name(self) -> str:
        return CATALOGUE[self.name].rule if self.name in CATALOGUE else ""

    @url.default
    def _url_of_name(self) -> str:
        return CATALOGUE[self.name].url if self.name in CATALOGUE else ""

    def __str__(self) -> str:
        where = str(self.location)
        head = f"{where}: " if where else ""
        lines = [f"{head}{self.severity}: {self.message} [{self.name}]"]
        return "\n    ".join([*lines, *filter(None, (self.hint, self.url))])

    def under(self, *path: str | int) -> Diagnostic:
        """The same diagnostic with `path` in front of its key path."""
        return attrs.evolve(self, location=self.location.under(*path))


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
