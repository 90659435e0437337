"""`compare`: what changed between two runs, by the digests of inputs in their reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from faas_cache.buildkit.names import import_source
from faas_cache.buildkit.reports import CacheReport
from faas_cache.model.entries import reference_entry
from faas_cache.model.errors import InvalidInput
from faas_cache.model.inputs import BuildInputs, Change, Comparison, changes
from faas_cache.planning.input_digests import cache_names
from faas_cache.runner.results import BuildResult
from faas_cache.serialization.conversion import to_dict
from faas_cache.serialization.forms import FORMS
from faas_cache.serialization.hints import shape_of
from faas_cache.serialization.shapes import expect, invalid, read_key

__all__ = ["Report", "compare"]

# The result of a run, or what a report of one holds as JSON.
Report: TypeAlias = BuildResult | dict[str, Any]


@attrs.frozen(kw_only=True)
class _Function:
    """What a report says about one function.

    Attributes:
        inputs: What it was built from, where that was recorded.
        missed: Whether a step ran, as far as is known.
        useless: Whether a cache was found, and matched nothing (G4).
        exported: Whether its exports succeeded, as far as is known.
        imported: The caches that were found.
    """

    inputs: BuildInputs | None
    missed: bool
    useless: bool
    exported: bool
    imported: tuple[str, ...]


def compare(old: Report, new: Report) -> tuple[Comparison, ...]:
    """What changed since an earlier run, for each function of the new one.

    A report is the result of `Project.build(…, inputs=True)`, or the JSON data of a file that
    `--report` wrote, whose secrets may be masked. Raises `InvalidInput` for other data.
    """
    before, after = _functions(old), _functions(new)
    return tuple(
        _compare(name, before.get(name), function, (before, after))
        for name, function in after.items()
    )


def _compare(
    name: str,
    old: _Function | None,
    new: _Function,
    reports: tuple[Mapping[str, _Function], ...],
) -> Comparison:
    inputs = None if old is None else old.inputs
    if old is None or new.inputs is None or inputs is None:
        return Comparison(
            function=name,
            changes=tuple(_foreign_caches(name, None, new, reports)),
            missing="function" if old is None else "inputs",
            missed=new.missed,
        )
    differences = tuple(changes(inputs, new.inputs))
    same = None if differences else old
    names = {*new.inputs.masked_args, *new.inputs.secrets}
    return Comparison(
        function=name,
        changes=(*differences, *_foreign_caches(name, same, new, reports)),
        unrecorded=tuple(sorted(names)),
        missed=new.missed,
    )


def _foreign_caches(
    name: str,
    same: _Function | None,
    new: _Function,
    reports: tuple[Mapping[str, _Function], ...],
) -> Iterator[Change]:
    """The caches that were found and match nothing, because others wrote them.

    `same` is the earlier build if its inputs are those of the new one: where it wrote the cache,
    something else has written it since.
    """
    if not new.useless:
        return
    own = same.inputs.exports if same and same.inputs and same.exported else ()
    for cache in new.imported:
        writers = [
            other
            for functions in reports
            for other, function in functions.items()
            if other != name and function.inputs and cache in function.inputs.exports
        ]
        if writers or cache in own:
            yield Change(kind="cache", name=cache, new=next(iter(writers), ""))


# Reading reports.


def _functions(report: Report) -> dict[str, _Function]:
    """What a report says about each function that was built, by its name.

    Only what is compared is read, so that a report of another version will do.
    """
    data: object = to_dict(report) if isinstance(report, BuildResult) else report
    if not isinstance(data, dict) or data.get("type") != "BuildResult":
        raise invalid("expected a report of faas-cache", hint="pass a file that `--report` wrote")
    version, newest = read_key(data, "version", int), FORMS["BuildResult"].version
    if version > newest:
        message = f"version {version} of the report is newer than the supported version {newest}"
        raise invalid(message, ("version",), "update faas-cache")
    functions: dict[str, _Function] = {}
    for item in read_key(data, "functions", list):
        form = expect(dict, item)
        if form.get("attempts"):
            functions[read_key(form, "name", str)] = _read_function(form)
    return functions


def _read_function(form: Mapping[str, object]) -> _Function:
    data = form.get("inputs")
    inputs = None if data is None else shape_of(BuildInputs).read(data)
    try:
        report = shape_of(CacheReport).read(form.get("report"))
    except InvalidInput:  # of another version
        report = CacheReport(function="")
    return _Function(
        inputs=inputs,
        missed=report.first_miss is not None or not report.total,
        useless=report.useless_import,
        exported=form.get("status") in ("built", "pushed")
        and not any(step.error for step in report.exports),
        imported=() if inputs is None else tuple(_imported(inputs, report)),
    )


def _imported(inputs: BuildInputs, report: CacheReport) -> Iterator[str]:
    """The caches that were found: all of them, or those in a registry that BuildKit names."""
    if not any(step.error for step in report.imports):
        yield from inputs.imports
        return
    sources = (import_source(step.name) for step in report.imports if not step.error)
    names = set(cache_names(map(reference_entry, sources)))
    yield from (cache for cache in inputs.imports if cache in names)
