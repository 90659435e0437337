"""Rules D6 and D9 for a run: the functions of a scope flag, and the text of the stack's default."""

from __future__ import annotations

from collections.abc import Iterable

from faas_cache.model.converters import Setting
from faas_cache.model.faults import FaultCollector
from faas_cache.model.flags import CacheFlags
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.entry_rules import plan_entries
from faas_cache.planning.settings import effective_setting, is_max, long_form

__all__ = ["check_default", "check_scope_reach"]

# More names of functions than this are counted in a message.
_MAX_NAMES = 10


def check_scope_reach(
    specs: Iterable[FunctionSpec], flags: CacheFlags, faults: FaultCollector
) -> None:
    """D6: a scope flag does not apply to functions with a setting other than `max`."""
    specs = tuple(specs)
    given = [
        field
        for field, value in (("scope", flags.scope), ("fallback_scopes", flags.fallback_scopes))
        if value not in (None, ())
    ]
    if not given or not specs or not flags.enabled:
        return
    settings = {spec.name: effective_setting(spec, flags)[0] for spec in specs}
    path = flags.path(given[0])
    if not any(map(is_max, settings.values())):
        message = (
            "the cache scope applies to no function, because it only changes the cache of `max`"
        )
        hint = "write `build_cache: max`, or put the scope into the entries"
        faults.report("unused-scope", message, path, hint)
        return
    missed = [name for name, value in settings.items() if value is not None and not is_max(value)]
    if missed:
        shown = ", ".join(f"`{masked(name)}`" for name in missed[:_MAX_NAMES])
        more = len(missed) - _MAX_NAMES
        names = f"{shown} and {more} more" if more > 0 else shown
        message = (
            f"the cache scope does not apply to {names}, because it only changes the cache of `max`"
        )
        hint = "write `build_cache: max` there, or put the scope into the entries"
        faults.report("unused-scope", message, path, hint, severity="note")


def check_default(default: Setting, flags: CacheFlags, faults: FaultCollector) -> None:
    """D9: what is wrong with the text of the default, whether a function uses it or not."""
    if default is None:
        return
    spec = FunctionSpec(name="", default_cache=default)
    collected = FaultCollector()
    written = long_form(spec, flags, None, collected)
    if written is not None:
        plan_entries(written, flags, collected)
    faults.add(*(d for d in collected.errors if d.location.path[:1] == ("configuration",)))
