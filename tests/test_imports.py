"""The layout: who may import what, and what an import costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import faas_cache

PACKAGE = Path(faas_cache.__file__).parent
# The parts, top down: each imports only parts after it. A dot ends the name of a module at the top.
PARTS = (
    "cli",
    "conformance",
    "project",
    "comparison",
    "serialization",
    "runner",
    "contexts",
    "stack_plan",
    "render",
    "planning",
    "buildkit",
    "stack",
    "model",
)
PURE = (
    "serialization",
    "comparison",
    "stack_plan",
    "render",
    "planning",
    "buildkit",
    "stack",
    "model",
)
IMPURE_MODULES = {"os", "pathlib", "subprocess", "sys", "logging", "time", "ruamel", "_ruamel_yaml"}
# The modules that touch the machine inside a package that is pure otherwise.
EXCEPTIONS = {"stack.reading": {"os"}, "stack.yaml": {"ruamel", "_ruamel_yaml"}}
OWNERS = {
    "ruamel": {"stack.yaml"},
    "_ruamel_yaml": {"stack.yaml"},
    "subprocess": {"runner.processes"},
    "packaging": {"model.versions"},
    "argparse": {"cli"},
}


def modules() -> dict[str, Path]:
    """Every module of the package by its name below the top."""
    paths = (
        path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem[0] != "_"
    )
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in paths}


MODULES = modules()


def imported(path: Path) -> set[str]:
    """The modules that a module imports, at its top or in a function, but not for type checking alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.dump(branch.test)
        for statement in branch.body
        for node in ast.walk(statement)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def part_of(module: str) -> str:
    """The part that a module belongs to."""
    return module.partition(".")[0]


def own_imports(module: str) -> set[str]:
    """The modules of this package that a module imports."""
    prefix = f"{faas_cache.__name__}."
    names = {name.removeprefix(prefix) for name in imported(MODULES[module])}
    return {name for name in names if name in MODULES or f"{name}.__init__" in MODULES}


def test_every_module_belongs_to_a_part() -> None:
    """A new folder or top-level module is added to the list, where its place is decided."""
    assert {part_of(module) for module in MODULES} <= set(PARTS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_the_list(module: str) -> None:
    """A part imports only itself and the parts after it."""
    allowed = set(PARTS[PARTS.index(part_of(module)) :])
    assert {part_of(name) for name in own_imports(module)} <= allowed


def test_there_are_no_import_cycles() -> None:
    """No module imports itself through others, neither at its top nor in a function."""
    remaining = {module: own_imports(module) & set(MODULES) - {module} for module in MODULES}
    while leaves := [module for module, names in remaining.items() if not names]:
        for leaf in leaves:
            del remaining[leaf]
        remaining = {module: names - set(leaves) for module, names in remaining.items()}
    assert remaining == {}


@pytest.mark.parametrize("module", [name for name in MODULES if part_of(name) in PURE])
def test_pure_modules_do_not_touch_the_machine(module: str) -> None:
    """A pure module imports nothing that reaches files, processes, the environment or the clock."""
    used = {name.partition(".")[0] for name in imported(MODULES[module])} & IMPURE_MODULES
    assert used == EXCEPTIONS.get(module, set())


@pytest.mark.parametrize(("library", "owners"), OWNERS.items())
def test_each_library_has_one_user(library: str, owners: set[str]) -> None:
    """YAML, processes, versions and arguments are the business of one module or part each."""
    users = {
        module
        for module, path in MODULES.items()
        if library in {name.partition(".")[0] for name in imported(path)}
    }
    assert {part_of(user) if part_of(user) in owners else user for user in users} == owners


@pytest.mark.parametrize("module", [name for name in MODULES if not name.endswith("__init__")])
def test_every_module_says_what_is_public(module: str) -> None:
    """`__all__` lists the public names of a module, and they exist."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    assert any(
        isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
        for node in tree.body
    )


# What reads well at once; a longer file, class or function says in a comment why it is one.
MAX_FILE, MAX_CLASS, MAX_FUNCTION = 420, 230, 62


@pytest.mark.parametrize("module", MODULES)
def test_files_are_short(module: str) -> None:
    """A file has one subject, and its classes and functions can be read at once."""
    text = MODULES[module].read_text(encoding="utf-8")
    tree = ast.parse(text)
    limits = {ast.ClassDef: MAX_CLASS, ast.FunctionDef: MAX_FUNCTION}
    long = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.ClassDef, ast.FunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > limits[type(node)]
        and (module, node.name) not in EXPLAINED
    ]
    assert (long, len(text.splitlines()) <= MAX_FILE or module in TABLES) == ([], True)


# A loop whose comment says why it is long, and the class of the public API, which is signatures and
# docstrings; modules that are one table.
EXPLAINED = {("stack.yaml", "_read_events"), ("project", "Project")}
TABLES = {"cli.arguments", "buildkit.sentences"}


def loaded(statement: str, *suspects: str) -> set[str]:
    """The suspects that a fresh interpreter has loaded after a statement."""
    code = (
        f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    )
    out = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return {suspect for suspect in suspects if suspect in out}


def test_importing_the_package_loads_nothing() -> None:
    """`import faas_cache` costs nothing until a name is used."""
    suspects = ("attr", "re", "typing", "ruamel", "subprocess", "argparse", "importlib.metadata")
    assert loaded("import faas_cache", *suspects) == set()


def test_planning_loads_attrs_and_little_else() -> None:
    """Resolving and rendering loads neither YAML nor versions nor processes."""
    suspects = (
        "ruamel",
        "_ruamel_yaml",
        "packaging",
        "importlib.metadata",
        "csv",
        "subprocess",
        "logging",
        "argparse",
        "json",
        "difflib",
        "asyncio",
        "hashlib",
    )
    names = "BuildPlan, Builder, CacheEntry, CacheFlags, Command, Diagnostic, FaasCacheError"
    more = "FunctionSpec, Reference, parse_entries, render, resolve"
    assert loaded(f"from faas_cache import {names}, {more}", *suspects) == set()
