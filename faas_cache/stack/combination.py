"""Several stack files as one stack, so that the rules between functions apply to all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from faas_cache.model.converters import Setting  # noqa: F401  # a field of the base class has this type
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.errors import InvalidInput
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.specs import FunctionSpec
from faas_cache.stack.positions import Position
from faas_cache.stack.stack_file import Stack
from faas_cache.stack.substitution import Substitution  # noqa: F401  # a field of the base class has this type

__all__ = ["CombinedStack", "combine"]

_FUNCTIONS = "functions"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CombinedStack(Stack):
    """The functions of several stack files, each named `FILE: NAME`; it is planned, never built.

    Attributes:
        stacks: The stack of each file, by the name of the file.
        origins: The file and the name in that file of each function, by its name here.
    """

    stacks: FrozenMap[Stack]
    origins: FrozenMap[tuple[str, str]]

    @property
    def is_combined(self) -> bool:
        """Whether the functions are those of several files."""
        return True

    @property
    def deployed_functions(self) -> tuple[str, ...]:
        """The functions that are only deployed, by their names here."""
        return tuple(
            _full_name(file, name)
            for file, stack in self.stacks.items()
            for name in stack.deployed_functions
            if _full_name(file, name) in self.functions
        )

    def file_of(self, name: str) -> Stack:
        """The stack file of a function."""
        return self.stacks[self.origins[name][0]]

    def own_name(self, name: str) -> str:
        """The name of a function in its own file."""
        return self.origins[name][1]

    def full_names(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names here of functions that are named here, or in any of the files."""
        full: list[str] = []
        for given in names:
            here = [name for name, (_, own) in self.origins.items() if own == given]
            full += here if given not in self.origins and here else [given]
        return tuple(full)

    def locate(self, path: KeyPath | str) -> Position:
        """The line and column of a key path in the file of its function.

        The path is a tuple that begins with `functions` and the name of a function here. Raises
        `InvalidInput` for another one.
        """
        origin = self.origins.get(_function_of(path)) if isinstance(path, tuple) else None
        if origin is None:
            message = "the key path does not name a function of the stack files"
            hint = 'pass a tuple such as `("functions", "FILE: NAME", "image")`'
            raise InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint))
        file, name = origin
        return self.stacks[file].locate((_FUNCTIONS, name, *path[2:]))

    def locations(self, locations: Iterable[Location]) -> tuple[Location, ...]:
        """The locations; those in a function get their file and their position in it."""
        located = list(locations)
        by_file: dict[str, list[int]] = {}
        for index, location in enumerate(located):
            origin = self.origins.get(_function_of(location.path))
            if origin is not None and location.line is None:
                by_file.setdefault(origin[0], []).append(index)
        for file, indexes in by_file.items():
            own = [self._in_file(located[index]) for index in indexes]
            for index, location in zip(indexes, self.stacks[file].locations(own), strict=True):
                located[index] = attrs.evolve(location, path=located[index].path)
        return tuple(located)

    def report(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The diagnostics that are shown: without those that a comment in the file disables."""
        located = self.with_locations(diagnostics)
        reported: list[Diagnostic | None] = list(located)
        by_file: dict[str, dict[int, Diagnostic]] = {}
        for index, diagnostic in enumerate(located):
            origin = self.origins.get(_function_of(diagnostic.location.path))
            if origin is not None:
                by_file.setdefault(origin[0], {})[index] = diagnostic
        for file, own in by_file.items():
            results = self.stacks[file].report_own(own.values(), self._own_path)
            for index, result in zip(own, results, strict=True):
                reported[index] = result
        return tuple(diagnostic for diagnostic in reported if diagnostic is not None)

    def argument_variables(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """The names of the variables in each build argument, by function and argument."""
        own = {file: stack.argument_variables() for file, stack in self.stacks.items()}
        return {
            name: own[file][function]
            for name, (file, function) in self.origins.items()
            if function in own[file]
        }

    def _own_path(self, path: KeyPath) -> KeyPath:
        return self._in_file(Location(path=path)).path

    def _in_file(self, location: Location) -> Location:
        file, own = self.origins[_function_of(location.path)]
        stack, rest = self.stacks[file], location.path[2:]
        spec = stack.functions.get(own)
        has_default = spec is not None and spec.build_cache is None
        if has_default and rest[:1] == ("build_cache",) and stack.build_cache is not None:
            return attrs.evolve(location, path=("configuration", *rest))
        return attrs.evolve(location, path=(_FUNCTIONS, own, *rest))


def combine(stacks: Mapping[str, Stack]) -> CombinedStack:
    r"""Combines the stacks of several files, by the name of each file.

    >>> text = "provider: {name: openfaas}\nfunctions: {fn: {image: a/fn}}"
    >>> list(combine({"a.yml": Stack.loads(text, {}), "b.yml": Stack.loads(text, {})}).functions)
    ['a.yml: fn', 'b.yml: fn']
    """
    functions: dict[str, FunctionSpec] = {}
    origins: dict[str, tuple[str, str]] = {}
    diagnostics: list[Diagnostic] = []
    for file, stack in stacks.items():
        for name in (*stack.functions, *stack.invalid_functions):
            origins[_full_name(file, name)] = (file, name)
        for spec in stack.functions.values():
            full = _full_name(file, spec.name)
            own = tuple(_renamed(diagnostic, file) for diagnostic in spec.diagnostics)
            setting = spec.default_cache if spec.build_cache is None else spec.build_cache
            functions[full] = attrs.evolve(
                spec,
                name=full,
                build_cache=setting,  # D9: the default of its file
                default_cache=None,
                cache_name=spec.name,
                diagnostics=own,
            )
        diagnostics += (_renamed(diagnostic, file) for diagnostic in stack.diagnostics)
    invalid = tuple(name for name in origins if name not in functions)
    return CombinedStack(
        functions=FrozenMap(functions),
        diagnostics=tuple(diagnostics),
        invalid_functions=invalid,
        stacks=FrozenMap(stacks),
        origins=FrozenMap(origins),
    )


def _full_name(file: str, name: str) -> str:
    return f"{file}: {name}"


def _renamed(diagnostic: Diagnostic, file: str) -> Diagnostic:
    """The diagnostic of one file, about the function as it is named here."""
    path = diagnostic.location.path
    if path[:1] != (_FUNCTIONS,) or len(path) == 1:
        return diagnostic
    path = (_FUNCTIONS, _full_name(file, str(path[1])), *path[2:])
    return attrs.evolve(diagnostic, location=attrs.evolve(diagnostic.location, path=path))


def _function_of(path: KeyPath) -> str:
    """The name of the function that a key path is in; empty if it is in none."""
    return str(path[1]) if path[:1] == (_FUNCTIONS,) and len(path) > 1 else ""
