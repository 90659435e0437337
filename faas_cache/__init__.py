"""A shared Docker layer cache for OpenFaaS functions: `build_cache`, resolved, explained and built.

Importing this package loads nothing: each public name is loaded when it is first used. Type
checkers and editors read the names in `__init__.pyi`.
"""

__version__ = "0.1.0"

# The public names and the module that defines each; `render` is a package itself.
_EXPORTS = {
    "BuildInputs": "model.inputs",
    "BuildOptions": "planning.options",
    "BuildPlan": "planning.plan",
    "BuildResult": "runner.results",
    "Builder": "model.builders",
    "CacheEntry": "model.entries",
    "CacheFlags": "model.flags",
    "CacheReport": "buildkit.reports",
    "Command": "render.commands",
    "Comparison": "model.inputs",
    "Diagnostic": "model.diagnostics",
    "Explanation": "buildkit.explanations",
    "FaasCacheError": "model.errors",
    "FunctionSpec": "model.specs",
    "Project": "project",
    "Reference": "model.references",
    "Stack": "stack.stack_file",
    "StackPlan": "stack_plan",
    "Stop": "runner.stop",
    "Template": "stack.templates",
    "check": "planning.checks",
    "compare": "comparison",
    "explain": "buildkit.explanations",
    "from_dict": "serialization",
    "inspect_builder": "runner.inspection",
    "parse_entries": "model.entries",
    "render": "render",
    "resolve": "planning.resolution",
    "to_dict": "serialization",
}
__all__ = [*_EXPORTS]  # noqa: PLE0604  # the table above is the list


def __getattr__(name: str) -> object:
    """The public name, imported on first use."""
    if name not in _EXPORTS:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    module = import_module(f"{__name__}.{_EXPORTS[name]}")
    value = module if name == _EXPORTS[name] else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
