"""The public types and how each is written: what drives `to_dict`, `from_dict` and the schema."""

from __future__ import annotations

import attrs

from faas_cache.model.frozen_map import FrozenMap

__all__ = ["FORMS", "HEADER", "Form", "class_of"]

# The keys of a form that are not fields of its value.
HEADER = ("type", "version", "masked")


@attrs.frozen
class Form:
    """How a public type is written.

    Attributes:
        module: The module that defines it.
        derived: Properties that are written for readers; `from_dict` ignores them.
        omitted: Fields that are not written.
        parsed: For a type that is read from its text: the keys beside `text`, and the attribute
            that each shows.
        prose: Fields with messages and logs, in which a secret ends with its word.
        version: Changes whenever a key is added, removed or changes its meaning.
    """

    module: str
    derived: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    parsed: FrozenMap[str] | None = None
    prose: tuple[str, ...] = ()
    version: int = 1


FORMS: FrozenMap[Form] = FrozenMap(
    BuildFinished=Form("buildkit.events"),
    BuildInputs=Form("model.inputs"),
    BuildOptions=Form("planning.options"),
    BuildPlan=Form("planning.plan", derived=("caching", "why")),
    BuildResult=Form("runner.results", derived=("ok", "exit_code", "report")),
    BuildStarted=Form("buildkit.events"),
    Builder=Form("model.builders", derived=("buildkit_version", "features")),
    CacheEntry=Form("model.entries", parsed=FrozenMap(backend="type", fields="attrs")),
    CacheFlags=Form("model.flags"),
    CacheReport=Form(
        "buildkit.reports",
        derived=("cached", "total", "hit_ratio", "import_statuses", "first_miss", "reason"),
        prose=("reason", "first_miss_inputs"),
    ),
    CacheUse=Form("planning.cache_uses"),
    Change=Form("model.inputs"),
    Command=Form("render.commands"),
    Comparison=Form("model.inputs"),
    Diagnostic=Form("model.diagnostics", prose=("message", "hint", "url")),
    Explanation=Form("buildkit.explanations", prose=("message", "fix", "url", "error")),
    FunctionResult=Form("runner.results", derived=("ok", "image", "reason"), prose=("reason",)),
    FunctionSpec=Form("model.specs", derived=("context_path",)),
    Location=Form("model.diagnostics"),
    Output=Form("buildkit.events", prose=("data",)),
    Reference=Form(
        "model.references",
        parsed=FrozenMap({key: key for key in ("domain", "path", "tag", "digest", "canonical")}),
    ),
    Stack=Form("stack.stack_file", omitted=("substitution",)),
    StackPlan=Form("stack_plan", derived=("errors", "caches")),
    Step=Form("buildkit.reports", derived=("failed", "canceled"), prose=("name", "error")),
    StepFinished=Form("buildkit.events", prose=("error",)),
    StepProgress=Form("buildkit.events", prose=("status",)),
    StepStarted=Form("buildkit.events", prose=("name",)),
    Template=Form("stack.templates"),
)


def class_of(name: str) -> type:
    """The class of a type in the table, imported when it is first needed."""
    from importlib import import_module

    module = import_module(f"faas_cache.{FORMS[name].module}")
    return getattr(module, name)  # type: ignore[no-any-return]  # the table names classes
