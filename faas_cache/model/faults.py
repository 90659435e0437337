"""`FaultCollector`: collects the faults of one document, so that all of them are reported together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import attrs

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, Severity
from faas_cache.model.errors import FaasCacheError


@attrs.define
class FaultCollector:
    """Diagnostics in the order in which they were reported; `limit` bounds their number.

    `full` becomes true when a diagnostic was dropped because of the limit.
    """

    diagnostics: list[Diagnostic] = attrs.field(factory=list)
    limit: int = attrs.field(default=10_000, kw_only=True)
    full: bool = attrs.field(default=False, init=False)

    def add(self, *diagnostics: Diagnostic) -> None:
        """Adds diagnostics as they are."""
        for diagnostic in diagnostics:
            if len(self.diagnostics) >= self.limit:
                self.full = True
                return
            self.diagnostics.append(diagnostic)

    def report(  # the parts of a diagnostic
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
        given = {} if rule is None else {"rule": rule}
        self.add(
            Diagnostic(
                name=name,
                severity=severity,
                message=message,
                hint=hint,
                location=Location(path=path),
                **given,
            )
        )

    @contextmanager
    def catch(self, *path: str | int) -> Iterator[None]:
        """Adds the diagnostics of an error that is raised inside, with `path` in front of their key paths."""
        try:
            yield
        except FaasCacheError as error:
            self.add(*(diagnostic.under(*path) for diagnostic in error.diagnostics))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that stop a build."""
        return tuple(d for d in self.diagnostics if d.severity == "error")

    def raise_errors(self, error: type[FaasCacheError], also: Iterable[Diagnostic] = ()) -> None:
        """Raises `error` with everything collected, and `also`, if one of them is an error."""
        if self.errors:
            raise error(*self.diagnostics, *also)
