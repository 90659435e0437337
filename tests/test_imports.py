"""The rooms: who may import what, and what an import costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import faas_cache

PACKAGE = Path(faas_cache.__file__).parent
# Each room and the rooms that it may build on, directly or not: arrows point down the flow only.
FLOW = [
    "masking",
    "mapping",
    "diagnostics",
    "exceptions",
    "reference",
    "backends",
    "registries",
    "entry",
    "spec",
    "plan",
    "render",
    "builder",
    "dockerfile",
    "checks",
    "progress",
    "explain",
    "substitution",
    "selection",
    "stack",
    "context",
    "run",
    "builds",
    "__main__",
]
EDGES = {"stack", "context", "run", "builds", "__main__"}
IMPURE = {"os", "pathlib", "subprocess", "sys", "logging", "time", "ruamel", "_ruamel_yaml"}
OWNERS = {
    "ruamel": "stack",
    "_ruamel_yaml": "stack",
    "subprocess": "run",
    "packaging": "builder",
    "argparse": "__main__",
}


def imports(room: str) -> set[str]:
    """Every module that a room imports, at its top or inside a function, but for type checking alone."""
    found: set[str] = set()
    tree = ast.parse((PACKAGE / f"{room}.py").read_text())
    typing = {
        n
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for n in node.body
    }
    for node in ast.walk(tree):
        if node in typing:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "faas_cache":
            found |= {f"faas_cache.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_every_room_has_its_place() -> None:
    """A room that is added is put into the flow."""
    assert sorted(path.stem for path in PACKAGE.glob("*.py")) == sorted([*FLOW, "__init__"])


@pytest.mark.parametrize("room", FLOW)
def test_arrows_point_down_the_flow(room: str) -> None:
    """A room imports only rooms above it in the list, so there is no cycle."""
    used = {
        name.removeprefix("faas_cache.") for name in imports(room) if name.startswith("faas_cache.")
    } - {"__version__"}
    assert used <= set(FLOW[: FLOW.index(room)])


@pytest.mark.parametrize("room", sorted(set(FLOW) - EDGES))
def test_pure_rooms_touch_nothing(room: str) -> None:
    """A pure room imports nothing that reaches the machine."""
    assert {name.partition(".")[0] for name in imports(room)} & IMPURE == set()


@pytest.mark.parametrize(("module", "owner"), OWNERS.items())
def test_each_tool_has_one_user(module: str, owner: str) -> None:
    """YAML, processes, versions and arguments are each the business of one room."""
    assert {
        room for room in FLOW if module in {name.partition(".")[0] for name in imports(room)}
    } == {owner}


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


def test_g1_importing_the_package_loads_nothing() -> None:
    """`import faas_cache` costs nothing until a name is used."""
    suspects = (
        "attr",
        "re",
        "typing",
        "ruamel",
        "yaml",
        "subprocess",
        "argparse",
        "importlib.metadata",
    )
    assert loaded("import faas_cache", *suspects) == set()


def test_g2_plan_classes_load_attrs_and_little_else() -> None:
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
    )
    statement = "from faas_cache import BuildPlan, CacheEntry, CacheFlags, Command, Diagnostic, FaasCacheError, FunctionSpec, Reference, Builder, parse_entries, render, resolve"
    assert loaded(statement, *suspects) == set()


def test_public_names_are_there() -> None:
    """The names that programs are written against, each loaded on first use, and no other."""
    assert {name for name in faas_cache.__all__ if getattr(faas_cache, name) is None} == set()
    assert set(faas_cache.__all__) <= set(dir(faas_cache))
    with pytest.raises(AttributeError, match="module 'faas_cache' has no attribute 'nonsense'"):
        faas_cache.nonsense  # noqa: B018  # the look-up is the test
