"""`Diagnostic`: what is wrong with a stack, a plan or a builder, as data; and `FaasCacheError`.

A diagnostic has a name, a severity, a message, a hint and a location. An error carries diagnostics,
and a diagnostic with a field of the wrong type raises an error, so both are defined here. The other
exceptions are in `errors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias, get_args

import attrs

from faas_cache.model.catalogue import CATALOGUE, Severity
from faas_cache.model.masking import masked
from faas_cache.model.text import escape_line, printable
from faas_cache.model.value import Value

__all__ = [
    "UNKNOWN_LOCATION",
    "Diagnostic",
    "FaasCacheError",
    "KeyPath",
    "Location",
    "PathLike",
    "Severity",
    "errors",
    "nearest",
    "path_text",
    "type_name",
]

KeyPath: TypeAlias = tuple[str | int, ...]

# Longer keys and values are cut in messages.
_MAX_SHOWN = 60
_SEVERITIES: tuple[str, ...] = get_args(Severity)


class PathLike(Protocol):
    """Protocol for a file system path, such as `pathlib.Path`, whose path is text."""

    def __fspath__(self) -> str:
        """The path as text."""


def path_text(path: KeyPath) -> str:
    """A key path as text.

    >>> path_text(("functions", "fn", "build_cache", "to", 1))
    'functions.fn.build_cache.to[1]'
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("-", "").replace("_", "").isalnum() and len(step) <= _MAX_SHOWN:
            text += f".{step}" if text else step
        else:
            text += f"[{_shortened(step)!r}]"
    return text


def type_name(value: object) -> str:
    """The type of a value in the words of a message.

    >>> type_name([]), type_name(None), type_name(b"")
    ('a list', 'null', 'a value of type `bytes`')
    """
    for known, name in _TYPE_NAMES:
        if isinstance(value, known):
            return name
    return f"a value of type `{type(value).__name__}`"


_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (str, "a string"),
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a float"),
    (list, "a list"),
    (tuple, "a list"),
    (set, "a set"),
    (frozenset, "a set"),
    (Mapping, "a mapping"),
    (type(None), "null"),
)


class FaasCacheError(ValueError):
    """The base class of all errors of this package; two are equal if their diagnostics are.

    Attributes:
        diagnostics: All faults, in the order of the text that they are in.
        exit_code: The exit code of a program that does not handle the error: 2 for invalid input,
            3 for a builder that does not support what the plans need.
    """

    exit_code: int = 2

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*diagnostics)
        self.diagnostics: tuple[Diagnostic, ...] = diagnostics

    def __str__(self) -> str:
        return "\n".join(map(str, self.diagnostics))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FaasCacheError) or type(other) is not type(self):
            return NotImplemented
        return self.diagnostics == other.diagnostics

    def __hash__(self) -> int:
        return hash((type(self), self.diagnostics))


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class Location(Value):
    """Where something is written: a file with line and column, a key path, or both.

    Attributes:
        path: The keys and indices from the top of the stack file, or the name of a flag, a variable
            or an argument, and the index in its list.
        file: The path of the file as it was given; `None` where it is not known.
        line: The line, counted from 1; `None` until the file has been searched for the key path.
        column: The column in characters, counted from 1; `None` like `line`.
    """

    path: KeyPath = ()
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __init__(
        self,
        *,
        path: Iterable[str | int] = (),
        file: str | PathLike | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        if type(path) is not tuple:
            if isinstance(path, str) or not isinstance(path, Iterable):
                raise _invalid_field("path", "a list of keys and indices", path)
            path = tuple(path)
        for step in path:
            if not isinstance(step, (str, int)):
                raise _invalid_field("path", "a list of keys and indices", step)
        if file is not None and not isinstance(file, str):
            file = _file_name(file)
        for name, number in (("line", line), ("column", column)):
            if number is not None and type(number) is not int:
                raise _invalid_field(name, "an integer", number)
        self.__attrs_init__(path=path, file=file, line=line, column=column)

    def __str__(self) -> str:
        file = None if self.file is None else printable(self.file)
        position = ":".join(
            str(part) for part in (file, self.line, self.column) if part is not None
        )
        return ": ".join(filter(None, (position, escape_line(path_text(self.path)))))

    def under(self, *path: str | int) -> Location:
        """The same location with `path` in front of its key path."""
        return attrs.evolve(self, path=(*path, *self.path))


UNKNOWN_LOCATION = Location()


@attrs.frozen(kw_only=True, eq=False, init=False)
class Diagnostic(Value):
    """One error, warning or note: what is wrong, where, and how to fix it.

    Attributes:
        name: The readable name of the condition, a key of `CATALOGUE` (`cache-overwrites-image`);
            a program may use names of its own.
        severity: `error` (nothing is built), `warning` or `note`.
        message: What is wrong: lower case, no full stop, the value in backticks.
        hint: What to write or run; begins with a verb, empty where there is nothing to add.
        location: Where the fault is written.
        rule: The number of the rule behind it (`E4`), empty if there is none; by default that
            of the name in the catalogue.
        url: A page to read; by default that of the name in the catalogue.
    """

    name: str
    severity: Severity = "error"
    message: str
    hint: str = ""
    location: Location = UNKNOWN_LOCATION
    rule: str = ""
    url: str = ""

    def __init__(  # noqa: PLR0913  # a parameter for each field
        self,
        *,
        name: str,
        severity: Severity = "error",
        message: str,
        hint: str = "",
        location: Location = UNKNOWN_LOCATION,
        rule: str | None = None,
        url: str | None = None,
    ) -> None:
        texts: dict[str, object] = {
            "name": name,
            "message": message,
            "hint": hint,
            "rule": rule,
            "url": url,
        }
        for field, text in texts.items():
            if not (isinstance(text, str) or (text is None and field in ("rule", "url"))):
                raise _invalid_field(field, "a string", text)
        if severity not in _SEVERITIES:
            raise _invalid_field("severity", "`error`, `warning` or `note`", severity)
        if not isinstance(location, Location):
            raise _invalid_field("location", "a `Location`", location)
        condition = CATALOGUE.get(name)
        self.__attrs_init__(
            name=name,
            severity=severity,
            message=message,
            hint=hint,
            location=location,
            rule=(condition.rule if condition else "") if rule is None else rule,
            url=(condition.url if condition else "") if url is None else url,
        )

    def __str__(self) -> str:
        location = str(self.location)
        head = f"{location}: " if location else ""
        lines = [f"{head}{self.severity}: {printable(self.message)} [{printable(self.name)}]"]
        more = filter(None, (self.hint, self.url))
        return "\n    ".join([*lines, *map(printable, more)])

    def under(self, *path: str | int) -> Diagnostic:
        """The same diagnostic with `path` in front of its key path."""
        return attrs.evolve(self, location=self.location.under(*path))


def errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those with the severity `error`: nothing is built while there are any."""
    return tuple(diagnostic for diagnostic in diagnostics if diagnostic.severity == "error")


def nearest(word: str, known: Iterable[str]) -> str:
    """A suggestion of the known word that is most like `word`, or an empty string.

    >>> nearest("build_caches", ["build_cache", "build_args"])
    'did you mean `build_cache`?'
    """
    from difflib import get_close_matches

    matches = get_close_matches(word[:_MAX_SHOWN].lower(), list(known), n=1)
    return f"did you mean `{matches[0]}`?" if matches else ""


def _shortened(text: str) -> str:
    """The text as a message shows it: masked, and cut where it is long."""
    text = masked(text)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _invalid_field(field: str, expected: str, value: object) -> FaasCacheError:
    """The error for an argument of `Diagnostic` or `Location` that has the wrong type."""
    actual = f"`{_shortened(value)}`" if isinstance(value, str) else type_name(value)
    return FaasCacheError(
        Diagnostic(
            name="invalid-type",
            message=f"expected {expected}, got {actual}",
            location=Location(path=(field,)),
        )
    )


def _file_name(file: object) -> str:
    """The text of a path-like object."""
    convert = getattr(type(file), "__fspath__", None)
    text = convert(file) if convert else None
    if not isinstance(text, str):
        raise _invalid_field("file", "a path", file)
    return text
