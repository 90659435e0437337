# The public names for type checkers and editors: `__init__.py` loads each on first use.

from faas_cache import render as render
from faas_cache.buildkit.explanations import Explanation as Explanation
from faas_cache.buildkit.explanations import explain as explain
from faas_cache.buildkit.reports import CacheReport as CacheReport
from faas_cache.comparison import compare as compare
from faas_cache.model.builders import Builder as Builder
from faas_cache.model.diagnostics import Diagnostic as Diagnostic
from faas_cache.model.entries import CacheEntry as CacheEntry
from faas_cache.model.entries import parse_entries as parse_entries
from faas_cache.model.errors import FaasCacheError as FaasCacheError
from faas_cache.model.flags import CacheFlags as CacheFlags
from faas_cache.model.inputs import BuildInputs as BuildInputs
from faas_cache.model.inputs import Comparison as Comparison
from faas_cache.model.references import Reference as Reference
from faas_cache.model.specs import FunctionSpec as FunctionSpec
from faas_cache.planning.checks import check as check
from faas_cache.planning.options import BuildOptions as BuildOptions
from faas_cache.planning.plan import BuildPlan as BuildPlan
from faas_cache.planning.resolution import resolve as resolve
from faas_cache.project import Project as Project
from faas_cache.render.commands import Command as Command
from faas_cache.runner.inspection import inspect_builder as inspect_builder
from faas_cache.runner.results import BuildResult as BuildResult
from faas_cache.runner.stop import Stop as Stop
from faas_cache.serialization import from_dict as from_dict
from faas_cache.serialization import to_dict as to_dict
from faas_cache.stack.stack_file import Stack as Stack
from faas_cache.stack.templates import Template as Template
from faas_cache.stack_plan import StackPlan as StackPlan

__all__ = [
    "BuildInputs",
    "BuildOptions",
    "BuildPlan",
    "BuildResult",
    "Builder",
    "CacheEntry",
    "CacheFlags",
    "CacheReport",
    "Command",
    "Comparison",
    "Diagnostic",
    "Explanation",
    "FaasCacheError",
    "FunctionSpec",
    "Project",
    "Reference",
    "Stack",
    "StackPlan",
    "Stop",
    "Template",
    "check",
    "compare",
    "explain",
    "from_dict",
    "inspect_builder",
    "parse_entries",
    "render",
    "resolve",
    "to_dict",
]

__version__: str
