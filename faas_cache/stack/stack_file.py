"""`Stack`: the part of a stack file that builds need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs

from faas_cache.model.converters import Setting, read_setting
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, errors
from faas_cache.model.errors import InvalidInput, InvalidStack
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked_message
from faas_cache.model.specs import FunctionSpec
from faas_cache.model.value import Value
from faas_cache.stack import reading, selection
from faas_cache.stack.ignore_comments import has_comments, ignored_names, is_ignored
from faas_cache.stack.loading import load_text
from faas_cache.stack.positions import Position
from faas_cache.stack.substitution import Substitution
from faas_cache.stack.values import Document
from faas_cache.stack.variable_uses import argument_variables, with_branch_hint
from faas_cache.stack.yaml import read_document

__all__ = ["Stack"]


def _read_default(value: object) -> Setting:
    return read_setting(value, ("build_cache",))


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Stack(Value):
    """A stack file: its functions, and its other settings for builds.

    Attributes:
        functions: The functions by name, in the order of the file.
        diagnostics: What is wrong with the file, each with line and column: errors first.
        copy_extra_paths: The paths of `configuration.copy`.
        templates: The source of each template of `configuration.templates`, by name.
        build_cache: The cache setting of functions without one of their own (D9).
        invalid_functions: The names of the functions with errors, which are not in `functions`.
        file: The name of the file, for locations.
    """

    functions: FrozenMap[FunctionSpec]
    diagnostics: tuple[Diagnostic, ...] = ()
    copy_extra_paths: tuple[str, ...] = ()
    templates: FrozenMap[str] = EMPTY
    build_cache: Setting = attrs.field(default=None, converter=_read_default)
    invalid_functions: tuple[str, ...] = ()
    file: str | None = None
    substitution: Substitution = attrs.field(default=Substitution("", ""), repr=False, eq=False)

    @property
    def deployed_functions(self) -> tuple[str, ...]:
        """The functions of a file that are only deployed: they have no `lang` and no `context`.

        Functions that a program passes instead of a file are always built.
        """
        if not self.substitution.text:
            return ()
        return tuple(
            name for name, spec in self.functions.items() if not spec.lang and spec.context is None
        )

    @property
    def built_functions(self) -> tuple[FunctionSpec, ...]:
        """The functions that are built: those without `skip_build` that are not only deployed."""
        deployed = frozenset(self.deployed_functions)
        return tuple(
            spec
            for name, spec in self.functions.items()
            if name not in deployed and not spec.skip_build
        )

    @classmethod
    def load(
        cls,
        path: reading.FilePath,
        *,
        environ: Mapping[str, str] | None = None,
        filter: str | None = None,  # noqa: A002  # the name of the flag
        regex: str | None = None,
        envsubst: bool = True,
    ) -> Stack:
        """The stack in a file, or behind an `http` or `https` URL; otherwise as `loads`.

        Raises `InvalidStack` for a file that cannot be read, too.
        """
        data = reading.read_stack(path)
        file = masked_message(str(path))
        return cls.loads(data, environ, filter=filter, regex=regex, envsubst=envsubst, file=file)

    @classmethod
    def loads(  # noqa: PLR0913  # as many as faas-cli has flags for a stack file
        cls,
        text: str | bytes,
        environ: Mapping[str, str] | None = None,
        *,
        filter: str | None = None,  # noqa: A002  # the name of the flag
        regex: str | None = None,
        envsubst: bool = True,
        file: str | None = None,
    ) -> Stack:
        r"""The stack in a text.

        `environ` holds the variables for `${…}`, by default those of the process; `envsubst=False`
        replaces none. `filter` and `regex` select functions as `select` does.

        Raises `InvalidStack` with every fault, each with line and column. Its `.stack` holds the
        functions that have none, and is None where the text is not a stack file for OpenFaaS.

        >>> text = "provider: {name: openfaas}\nfunctions: {fn: {image: 'a/${B}'}}"
        >>> stack = Stack.loads(text, {"B": "b"})
        >>> stack.functions["fn"].image
        'a/b'
        """
        loaded = load_text(text, environ, file, envsubst=envsubst)
        content = loaded.content
        stack = cls(
            functions=content.functions,
            diagnostics=loaded.diagnostics,
            copy_extra_paths=content.copy_extra_paths,
            templates=content.templates,
            build_cache=content.build_cache,
            invalid_functions=content.invalid_functions,
            file=file,
            substitution=loaded.substitution,
        )
        faults = errors(stack.diagnostics)
        if not faults:
            return stack.select(filter, regex)
        also = tuple(d for d in stack.diagnostics if d.name in _ABOUT_VARIABLES)
        try:
            stack = stack.select(filter, regex)
        except InvalidInput as error:
            stack = attrs.evolve(stack, functions=FrozenMap[FunctionSpec]({}))
            also += error.diagnostics
        raise InvalidStack(*faults, *also, stack=stack if content.supported else None)

    def select(self, filter: str | None = None, regex: str | None = None) -> Stack:  # noqa: A002  # the name of the flag
        """The same stack with the functions whose names match.

        With `filter` the whole name must match, and `*` stands for any characters; `regex` is an
        expression of RE2 that must match anywhere in the name. Both at once, and no match, raise
        `InvalidInput`.
        """
        if not filter and not regex:
            return self
        matches = selection.match(filter, regex)
        functions = {
            name: spec for name, spec in self.functions.items() if matches(self.own_name(name))
        }
        invalid = tuple(name for name in self.invalid_functions if matches(self.own_name(name)))
        if not functions and not invalid:
            raise InvalidInput(selection.no_match(filter, regex, self.functions))
        return attrs.evolve(self, functions=FrozenMap(functions), invalid_functions=invalid)

    def file_of(self, name: str) -> Stack:  # noqa: ARG002  # a combined stack has several
        """The stack file of a function: the same, unless several files are combined."""
        return self

    @property
    def is_combined(self) -> bool:
        """Whether the functions are those of several files."""
        return False

    def own_name(self, name: str) -> str:
        """The name of a function in its own file: the same, unless several files are combined."""
        return name

    def full_names(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names here of functions: the same, unless several files are combined."""
        return tuple(names)

    def locate(self, path: KeyPath | str) -> Position:
        """The line and column of a key path, or those of its nearest parent in the file.

        `path` is a tuple of keys and indices, or its text: `functions.fn.build_cache.to[1]`. What
        an alias or a merge brings is located where it is written, and what a variable brings where
        its `${` is. The text is read again.
        """
        document = read_document(self.substitution, self.file, marking=True)
        path = document.marks.parse_path(path) if isinstance(path, str) else path
        return self.substitution.source_position(document.marks.find(path).start)

    def with_locations(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The diagnostics with file, line and column, for one more reading of the text in all."""
        diagnostics = tuple(diagnostics)
        locations = self.locations(d.location for d in diagnostics)
        return tuple(
            attrs.evolve(diagnostic, location=location)
            for diagnostic, location in zip(diagnostics, locations, strict=True)
        )

    def report(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """The diagnostics as people get them.

        With locations, with hints about variables, and without the warnings and notes that a
        comment of the file switches off.
        """
        reported = self.report_own(self.with_locations(diagnostics))
        return tuple(diagnostic for diagnostic in reported if diagnostic is not None)

    def report_own(
        self,
        diagnostics: Iterable[Diagnostic],
        own_path: Callable[[KeyPath], KeyPath] = lambda path: path,
    ) -> list[Diagnostic | None]:
        """Each diagnostic as people get it, or None where a comment switches it off.

        `own_path` turns the key path of a diagnostic into one of this file.
        """
        own = tuple(diagnostics)
        commented = has_comments(self.substitution.source)
        invalid = self.substitution.replacements and any(map(_is_invalid_reference, own))
        if not own or not (commented or invalid):
            return list(own)
        document = read_document(self.substitution, self.file, marking=True)
        ignored = ignored_names(self.substitution.source) if commented else {}
        return [_reported(document, d, own_path(d.location.path), ignored) for d in own]

    def argument_variables(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """The names of the variables in each build argument, by function and argument."""
        if not self.substitution.replacements:
            return {}
        document = read_document(self.substitution, self.file, marking=True)
        return argument_variables(document, self.functions.values())

    def locations(self, locations: Iterable[Location]) -> tuple[Location, ...]:
        """The locations; those with a key path of this file and no line get their position."""
        locations = tuple(locations)
        if not any(map(_is_incomplete, locations)):
            return locations
        document = read_document(self.substitution, self.file, marking=True)
        keys = document.value if isinstance(document.value, dict) else {}
        return tuple(
            document.location(location.path)
            if _is_incomplete(location) and location.path[0] in keys
            else location
            for location in locations
        )


# Warnings that may be the reason for an error.
_ABOUT_VARIABLES = ("unset-variable", "variable-changes-structure")


def _reported(
    document: Document,
    diagnostic: Diagnostic,
    path: KeyPath,
    ignored: Mapping[int, frozenset[str]],
) -> Diagnostic | None:
    """A diagnostic at a key path of the document as people get it; None if it is switched off."""
    if is_ignored(document, diagnostic, path, ignored):
        return None
    if _is_invalid_reference(diagnostic):
        return with_branch_hint(document, diagnostic, path)
    return diagnostic


def _is_invalid_reference(diagnostic: Diagnostic) -> bool:
    return diagnostic.name == "invalid-reference"


def _is_incomplete(location: Location) -> bool:
    """Whether a location has a key path and no line."""
    return location.line is None and location.path != ()
