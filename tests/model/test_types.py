"""Public types: annotations can be evaluated, and every field is documented."""

import importlib
import inspect
import pkgutil
import sys
import typing
from types import FunctionType, ModuleType

import attrs
import pytest

import faas_cache.model

MODULES = [
    importlib.import_module(f"faas_cache.model.{module.name}")
    for module in pkgutil.iter_modules(faas_cache.model.__path__)
]
CLASSES = [
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and value.__module__ == module.__name__ and value.__name__[0] != "_"
]


def functions(value: type | FunctionType) -> list[FunctionType]:
    """The function, or the methods of the class that are written in its module."""
    members = vars(value).values() if isinstance(value, type) else [value]
    unwrapped = [
        getattr(member, "fget", None)
        or getattr(member, "__func__", None)
        or getattr(member, "__wrapped__", member)
        for member in members
    ]
    return [
        member
        for member in unwrapped
        if isinstance(member, FunctionType)
        and member.__code__.co_filename == inspect.getsourcefile(sys.modules[value.__module__])
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_public_annotations_can_be_evaluated(module: ModuleType) -> None:
    """`typing.get_type_hints` works on every public class, function and method."""
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, type):
            typing.get_type_hints(value)
        if isinstance(value, (type, FunctionType)):
            for function in functions(value):
                assert "return" in typing.get_type_hints(function)


@pytest.mark.parametrize("value", CLASSES, ids=lambda value: value.__name__)
def test_every_field_is_documented(value: type) -> None:
    """The docstring of a class has a line for each of its fields."""
    assert value.__doc__
    if attrs.has(value):
        fields = [field.name for field in attrs.fields(value) if not field.name.startswith("_")]
        assert [name for name in fields if f"\n        {name}: " not in value.__doc__] == []
