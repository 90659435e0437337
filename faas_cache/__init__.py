"""A shared Docker layer cache for OpenFaaS functions: `build_cache` in stack.yaml, resolved, explained and built.

Importing this package loads nothing; each public name is loaded when it is first used.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faas_cache import render as render
    from faas_cache.builder import Builder as Builder
    from faas_cache.checks import check as check
    from faas_cache.diagnostics import Diagnostic as Diagnostic
    from faas_cache.entry import CacheEntry as CacheEntry
    from faas_cache.entry import parse_entries as parse_entries
    from faas_cache.exceptions import FaasCacheError as FaasCacheError
    from faas_cache.plan import BuildPlan as BuildPlan
    from faas_cache.plan import resolve as resolve
    from faas_cache.reference import Reference as Reference
    from faas_cache.render import Command as Command
    from faas_cache.spec import CacheFlags as CacheFlags
    from faas_cache.spec import FunctionSpec as FunctionSpec
    from faas_cache.stack import Stack as Stack

__version__ = "0.1.0"

# The public names and the rooms that hold them; a room stands for itself.
_ROOMS = {
    "BuildPlan": "plan",
    "Builder": "builder",
    "CacheEntry": "entry",
    "CacheFlags": "spec",
    "Command": "render",
    "Diagnostic": "diagnostics",
    "FaasCacheError": "exceptions",
    "FunctionSpec": "spec",
    "Reference": "reference",
    "Stack": "stack",
    "check": "checks",
    "parse_entries": "entry",
    "render": "render",
    "resolve": "plan",
}
__all__ = [  # noqa: PLE0604  # the table above is the list
    *_ROOMS
]


def __getattr__(name: str) -> object:
    """The public name, loaded now and kept."""
    if name not in _ROOMS:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    room = import_module(f"{__name__}.{_ROOMS[name]}")
    value = room if name == _ROOMS[name] else getattr(room, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
