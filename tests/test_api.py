"""The public API: its names, their types, and the conduct that all public values share."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from inspect import isclass, isfunction
from pathlib import Path
from pkgutil import walk_packages
from runpy import run_path
from typing import Any, get_type_hints

import attrs
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from values import instance_of

import faas_cache
from faas_cache.model.errors import FaasCacheError
from faas_cache.serialization.forms import FORMS, class_of

# The names that programs are written against.
PUBLIC = {
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
}
EVENTS = {name for name, form in FORMS.items() if form.module == "buildkit.events"}
MODULES = sorted(
    module.name
    for module in walk_packages(faas_cache.__path__, "faas_cache.")
    if not module.ispkg and "__main__" not in module.name and "._" not in module.name
)
# `Project` names every part of the library: its hints would import everything.
WITHOUT_HINTS = {"Project"}


def test_the_public_names() -> None:
    """Each can be imported from the package; there is no other."""
    assert set(faas_cache.__all__) == PUBLIC
    assert {name for name in PUBLIC if getattr(faas_cache, name, None) is None} == set()
    assert set(dir(faas_cache)) >= {*PUBLIC, "__version__"}


def test_an_unknown_name_is_an_error() -> None:
    """As for any module."""
    with pytest.raises(AttributeError, match="module 'faas_cache' has no attribute 'resovle'"):
        faas_cache.resovle  # type: ignore[attr-defined]  # noqa: B018  # what is tested


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_name_is_imported_on_first_use(name: str) -> None:
    """Importing the package alone loads no module of it, and no dependency."""
    code = (
        "import sys, faas_cache\n"
        "loaded = [m for m in sys.modules if m.startswith(('faas_cache.', 'attr', 'ruamel'))]\n"
        "assert loaded == [], loaded\n"
        f"from faas_cache import {name}\n"
        f"assert {name} is faas_cache.{name}\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_package_is_typed() -> None:
    """Type checkers read the hints of the package and the names of the stub."""
    folder = Path(faas_cache.__file__).parent
    assert [(folder / name).is_file() for name in ("py.typed", "__init__.pyi")] == [True, True]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_is_public(name: str) -> None:
    """In a sorted `__all__`, without a private name and without a name that does not exist."""
    module = import_module(name)
    assert {
        key for key in module.__all__ if key.startswith("_") or not hasattr(module, key)
    } == set()


def public_objects() -> Iterator[tuple[str, object]]:
    """Every public class and function, and the public methods and properties of the classes."""
    for module in map(import_module, MODULES):
        if module.__name__.startswith("faas_cache.cli."):
            continue  # a command imports what it prints only when it runs
        for name in module.__all__:
            value = getattr(module, name)
            if not (isclass(value) or isfunction(value)) or name in WITHOUT_HINTS:
                continue
            yield f"{module.__name__}.{name}", value
            yield from _members(f"{module.__name__}.{name}", value)


def _members(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    for key, member in vars(value).items() if isclass(value) else ():
        function = getattr(member, "__func__", getattr(member, "fget", member))
        if isfunction(function) and (key == "__init__" or not key.startswith("_")):
            yield f"{prefix}.{key}", function


def test_hints_can_be_evaluated() -> None:
    """`typing.get_type_hints` works on every public class, function, method and property."""
    assert {name: fault for name, value in public_objects() if (fault := _fault_of(value))} == {}


def _fault_of(value: object) -> str:
    try:
        get_type_hints(value)
    except Exception as error:  # noqa: BLE001  # whatever a hint raises is the finding
        return repr(error)
    return ""


# All public values


@pytest.mark.parametrize("name", FORMS)
@given(data=st.data())
@settings(max_examples=10)
def test_public_values_are_values(name: str, data: st.DataObject) -> None:
    """They are immutable, hashable, picklable and comparable."""
    value = data.draw(instance_of(name))
    copy = pickle.loads(pickle.dumps(value))
    assert copy == value
    assert hash(copy) == hash(value)
    assert value != object()
    for field in attrs.fields(type(value)):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, field.name, None)
    assert not hasattr(value, "__dict__")


# What the library makes and users read; `from_dict` checks the types of what it reads.
RESULTS = {
    "BuildInputs",
    "CacheReport",
    "CacheUse",
    "Change",
    "Comparison",
    "Explanation",
    "Reference",
    "Stack",
    "StackPlan",
    "Step",
    *EVENTS,
}


def arguments() -> Iterator[Any]:
    """Every argument of the constructor of every public value that users make."""
    for name in sorted({*FORMS} - RESULTS):
        for field in attrs.fields(class_of(name)):
            if field.init:
                yield pytest.param(name, field.alias, id=f"{name}-{field.alias}")


@cache
def simplest(name: str) -> Any:  # noqa: ANN401  # any public value
    """The simplest value of a type that Hypothesis finds."""
    few = settings(max_examples=20, database=None, phases=[Phase.generate, Phase.shrink])
    return find(instance_of(name), lambda _: True, settings=few)


@pytest.mark.parametrize(("name", "argument"), [*arguments()])
def test_a_value_of_the_wrong_type_is_rejected(name: str, argument: str) -> None:
    """With an error that names the argument."""
    value = simplest(name)
    given_arguments = {
        field.alias: getattr(value, field.name) for field in attrs.fields(type(value)) if field.init
    }
    with pytest.raises(FaasCacheError) as caught:
        class_of(name)(**{**given_arguments, argument: object()})
    assert argument in str(caught.value)


def test_the_consumer_program_runs() -> None:
    """Its pure parts: text to plans, commands of a front end of its own, JSON and back."""
    program = run_path(str(Path(__file__).parent / "consumer" / "program.py"))
    (plan,) = program["plan_in_memory"](
        "provider: {name: openfaas}\nfunctions: {fn: {image: acme/fn, build_cache: max}}"
    )
    podman, buildx = program["render_commands"]([plan])
    assert podman.shell() == "podman build --tag acme/fn:latest build/fn"
    assert buildx.argv == (
        *("docker", "buildx", "build", "--load"),
        *("--cache-from", "acme/fn:buildcache", "--cache-from", "acme/fn:buildcache-main"),
        *("--tag", "acme/fn:latest", "build/fn"),
    )
    assert program["restore"](program["store"](plan)) == plan
    assert list(program["exports"](["a/b:1", "type=registry,ref=c/d"])) == [
        "docker.io/a/b:1",
        "docker.io/c/d:latest",
    ]
