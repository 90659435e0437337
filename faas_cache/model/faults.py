"""`FaultCollector` collects the faults of one document, so that all are reported together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, Severity, errors
from faas_cache.model.errors import FaasCacheError

__all__ = ["FaultCollector"]

T = TypeVar("T")


class FaultCollector:
    """The diagnostics of one document, in the order in which they are reported.

    Attributes:
        diagnostics: What was collected so far.
        limit: The number of diagnostics at which collecting stops.
        full: Whether a diagnostic was dropped because of the limit.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic] = (), *, limit: int = 10_000) -> None:
        self.diagnostics: list[Diagnostic] = [*diagnostics]
        self.limit: int = limit
        self.full: bool = False

    def add(self, *diagnostics: Diagnostic) -> None:
        """Adds diagnostics as they are."""
        for diagnostic in diagnostics:
            if len(self.diagnostics) >= self.limit:
                self.full = True
                return
            self.diagnostics.append(diagnostic)

    def report(  # noqa: PLR0913  # the parts of a diagnostic
        self,
        name: str,
        message: str,
        path: KeyPath = (),
        hint: str = "",
        *,
        severity: Severity = "error",
        rule: str | None = None,
    ) -> None:
        """Adds one diagnostic at a key path; `rule` overrides that of the catalogue."""
        self.add(
            Diagnostic(
                name=name,
                severity=severity,
                message=message,
                hint=hint,
                location=Location(path=path),
                rule=rule,
            )
        )

    @contextmanager
    def catch(self, *path: str | int) -> Iterator[None]:
        """Adds the diagnostics of an error raised inside, with `path` in front of their paths."""
        try:
            yield
        except FaasCacheError as error:
            self.add_error(error, *path)

    def add_error(self, error: FaasCacheError, *path: str | int) -> None:
        """Adds the diagnostics of an error, with `path` in front of their paths."""
        self.add(*(diagnostic.under(*path) for diagnostic in error.diagnostics))

    def convert(
        self, read: Callable[[object, KeyPath], T], value: object, path: KeyPath
    ) -> T | None:
        """`read(value, path)`; `None` where it raises an error, whose diagnostics are added.

        The same as `catch` for the one call that is made thousands of times.
        """
        try:
            return read(value, path)
        except FaasCacheError as error:
            self.add(*error.diagnostics)
            return None

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics with the severity `error`."""
        return errors(self.diagnostics)

    def raise_errors(self, error: type[FaasCacheError], also: Iterable[Diagnostic] = ()) -> None:
        """Raises `error` with everything collected and `also`, if one of them is an error."""
        if self.diagnostics and self.errors:
            raise error(*self.diagnostics, *also)
