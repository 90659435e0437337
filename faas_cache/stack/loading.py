"""From the text of a stack file to its content and its diagnostics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import attrs

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidStack
from faas_cache.stack import reading
from faas_cache.stack.credentials import credentials, written_credentials
from faas_cache.stack.ignore_comments import has_comments, ignored_names, is_ignored
from faas_cache.stack.schema import StackContent, read_stack
from faas_cache.stack.substitution import Substitution, substitute
from faas_cache.stack.values import MAX_FAULTS, Document
from faas_cache.stack.variable_uses import unset_warnings, with_unset_variable
from faas_cache.stack.variables import structure_warnings, variable_warnings
from faas_cache.stack.yaml import read_document

__all__ = ["LoadedStack", "load_text"]


def load_text(
    text: str | bytes, environ: Mapping[str, str] | None, file: str | None, *, envsubst: bool
) -> LoadedStack:
    """A stack file; raises `InvalidStack` for what cannot be decoded or substituted."""
    source = reading.decode(text, file)
    if not envsubst:
        return LoadedStack(Substitution(source, source), file)
    environ = reading.process_environment() if environ is None else environ
    try:
        return LoadedStack(substitute(source, environ, max_size=reading.MAX_SIZE), file)
    except InvalidStack as error:
        raise InvalidStack(*(_in_file(d, file) for d in error.diagnostics)) from None


class LoadedStack:
    """A stack file that was read: its content, and what is wrong with it."""

    def __init__(self, substitution: Substitution, file: str | None) -> None:
        self.substitution = substitution
        self.file = file
        document = read_document(substitution, file)
        if document.faults:  # their messages have lines, and schema faults need marks
            document = self.marked
        self.document = document
        self.content: StackContent = read_stack(document)

    @cached_property
    def marked(self) -> Document:
        """The document with its marks: the file is read once more."""
        return read_document(self.substitution, self.file, marking=True)

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything that is wrong, errors first, then in the order of the file."""
        return (*self._faults(), *self._warnings())

    def _faults(self) -> list[Diagnostic]:
        faults = sorted(map(self._located, self.content.faults.diagnostics), key=_position)
        if not self.document.complete and self._has_missing:
            faults = [with_unset_variable(self.document, fault) for fault in faults]
        if self.content.faults.full:
            message = f"more than {MAX_FAULTS} errors, of which only these are shown"
            last = faults[-1]
            hint = "fix these first"
            faults.append(
                Diagnostic(name=last.name, message=message, hint=hint, location=last.location)
            )
        return faults

    def _warnings(self) -> list[Diagnostic]:
        if not self.document.complete:
            return list(structure_warnings(self.document))
        warnings = [
            *self.document.notes,
            *variable_warnings(self.document, lambda: self.marked),
            *map(self._located, self.content.warnings.diagnostics),
        ]
        if self._has_missing:
            warnings += unset_warnings(self.marked)
        specs = self.content.functions.values()
        if any(True for _ in credentials(specs)):
            warnings += map(self.marked.locate, written_credentials(specs, self.marked))
        if warnings and has_comments(self.substitution.source):
            ignored = ignored_names(self.substitution.source)
            warnings = [
                warning
                for warning in warnings
                if not is_ignored(self.marked, warning, warning.location.path, ignored)
            ]
        return sorted(warnings, key=_position)

    @property
    def _has_missing(self) -> bool:
        """Whether a variable has neither a value nor a default."""
        return any(replacement.missing for replacement in self.substitution.replacements)

    def _located(self, diagnostic: Diagnostic) -> Diagnostic:
        return diagnostic if diagnostic.location.line else self.marked.locate(diagnostic)


def _in_file(diagnostic: Diagnostic, file: str | None) -> Diagnostic:
    location: Location = attrs.evolve(diagnostic.location, file=file)
    return attrs.evolve(diagnostic, location=location)


def _position(diagnostic: Diagnostic) -> tuple[int, int]:
    return diagnostic.location.line or 0, diagnostic.location.column or 0
