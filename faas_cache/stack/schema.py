"""The schema of faas-cli: from the values of a document to functions, configuration and templates.

It follows `stack/schema.go` of go-sdk: what faas-cli decodes must have the right type, and
everything else is ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import attrs

from faas_cache.model.converters import Setting, read_boolean, read_setting
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, nearest
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.faults import FaultCollector
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked
from faas_cache.model.specs import OWN_KEYS, FunctionSpec
from faas_cache.model.value import Value
from faas_cache.stack.values import MAX_FAULTS, Document, kind_of

__all__ = ["StackContent", "read_stack", "read_template"]

PROVIDER = "openfaas"
VERSION = "1.0"
_TOP_KEYS = ("version", "provider", "functions", "configuration")
_PROVIDER_KEYS = ("name", "gateway")
# `build_cache` is the default of the stack (rule D9).
_CONFIGURATION_KEYS = ("copy", "templates", "build_cache")
_TEMPLATE_KEYS = ("name", "source")
# A mapping with one of these is a function.
_FUNCTION_KEYS = frozenset({"lang", "handler", "image"})
# The lists of a function that are faas-cli's own, and its mappings with a fixed set of keys.
_LISTS = frozenset({"build_options", "constraints", "environment_file", "secrets"})
_RESOURCES, _RESOURCE_KEYS = frozenset({"limits", "requests"}), frozenset({"cpu", "memory"})
# Keys that tools agree to leave alone, for anchors and notes.
_EXTENSION = "x-"
_SHOWN = 60

_HINTS = {
    "a string": "write one value",
    "a list": "write a list of items that begin with `- `",
    "a mapping": "write indented lines of the form `KEY: VALUE`",
}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class StackContent(Value):
    """The build settings of a stack file, and its diagnostics.

    `supported` says whether it is a stack file for OpenFaaS at all. `invalid_functions` are the
    functions that have faults, which are missing in `functions`.
    """

    supported: bool = False
    functions: FrozenMap[FunctionSpec] = attrs.field(default=FrozenMap[FunctionSpec]({}))
    invalid_functions: tuple[str, ...] = ()
    copy_extra_paths: tuple[str, ...] = ()
    templates: FrozenMap[str] = EMPTY
    build_cache: Setting = None
    faults: FaultCollector
    warnings: FaultCollector


def read_stack(document: Document) -> StackContent:
    """The content of a stack file; diagnostics of values have a key path and no line yet."""
    reader = _Reader()
    if not document.complete:
        reader.faults.add(*(fault.diagnostic for fault in document.faults))
        return StackContent(faults=reader.faults, warnings=reader.warnings)
    return _read_stack(document, reader)


def _read_stack(document: Document, reader: _Reader) -> StackContent:
    faults, warnings, tree = reader.faults, reader.warnings, document.value
    decoded = _Decoded(document)
    if not isinstance(tree, dict):
        decoded.report(faults)
        if tree is None:
            hint = "write `provider: {name: openfaas}` and `functions:`"
            faults.report("unsupported-provider", "the stack file is empty", (), hint)
        else:
            hint = "begin with `version`, `provider` and `functions`"
            faults.report("invalid-type", f"expected a mapping, got {kind_of(tree)}", (), hint)
        return StackContent(faults=faults, warnings=warnings)
    supported = _read_provider(tree.get("provider"), reader)
    supported &= _read_version(tree.get("version"), reader)
    specs: dict[str, FunctionSpec | None] = {}
    for key, value in reader.mapping(tree.get("functions"), ("functions",)).items():
        if key is not None:  # a null key is dropped, as faas-cli does
            specs[str(key)] = spec = _read_function(str(key), value, faults)
            warnings.add(*(spec.diagnostics if spec else ()))
    configuration = reader.mapping(tree.get("configuration"), ("configuration",))
    for path, mapping, keys in (
        ((), tree, _TOP_KEYS),
        (("configuration",), configuration, _CONFIGURATION_KEYS),
    ):
        warnings.add(*_unknown_keys(path, mapping, keys))
    default = _read_default(configuration.get("build_cache"), reader)
    if default is not None:  # D9
        specs = {
            name: spec and attrs.evolve(spec, default_cache=default) for name, spec in specs.items()
        }
    specs |= {name: None for name in decoded.report(faults) if name in specs}
    return StackContent(
        supported=supported,
        functions=FrozenMap({name: spec for name, spec in specs.items() if spec is not None}),
        invalid_functions=tuple(name for name, spec in specs.items() if spec is None),
        copy_extra_paths=reader.strings(configuration.get("copy"), ("configuration", "copy")),
        templates=_read_templates(configuration.get("templates"), reader),
        build_cache=default,
        faults=faults,
        warnings=warnings,
    )


def _read_provider(value: object, reader: _Reader) -> bool:
    """Whether the provider is the one that faas-cli supports."""
    path: KeyPath = ("provider",)
    if value is not None and not isinstance(value, dict):
        reader.mapping(value, path)
        return False
    provider = reader.mapping(value, path)
    reader.string(provider.get("gateway"), (*path, "gateway"))
    if isinstance(provider.get("name"), (dict, list)):
        reader.string(provider.get("name"), (*path, "name"))
        return False
    name = reader.string(provider.get("name"), (*path, "name"))
    if name == PROVIDER:
        return True
    message = (
        f"unsupported provider `{masked(name)[:_SHOWN]}`" if name else "missing `provider.name`"
    )
    hint = f"write `provider: {{name: {PROVIDER}}}`"
    reader.faults.report("unsupported-provider", message, (*path, "name"), hint)
    return False


def _read_version(value: object, reader: _Reader) -> bool:
    """Whether the version is absent or the one that faas-cli supports."""
    if isinstance(value, (dict, list)):
        reader.string(value, ("version",))
        return False
    version = reader.string(value, ("version",))
    if version in ("", VERSION):
        return True
    message = f"unsupported version `{masked(version)[:_SHOWN]}`"
    reader.faults.report(
        "unsupported-version", message, ("version",), f"write `version: {VERSION}`"
    )
    return False


def _read_function(name: str, value: object, faults: FaultCollector) -> FunctionSpec | None:
    """One function; None where it has faults."""
    valid = True
    if isinstance(value, dict):
        value = {
            key: item if type(item) is str else _without_nulls(key, item)
            for key, item in value.items()
        }
        if isinstance(value.get("platforms"), list):  # a list in Python, but not for faas-cli
            valid = False
            path = ("functions", name, "platforms")
            hint = "write one string: `linux/amd64,linux/arm64`"
            faults.report("invalid-type", "expected a string, got a list", path, hint)
    try:
        spec = FunctionSpec.from_mapping(name, value)
    except FaasCacheError as error:
        if isinstance(value, dict) and OWN_KEYS & value.keys() and _is_deployed(value):
            # Faults in the keys of a build do not matter.
            decoded = {key: item for key, item in value.items() if key not in OWN_KEYS}
            return _read_function(name, decoded, faults)
        # A fault of the name itself is not in the function.
        faults.add(
            *(
                diagnostic
                if diagnostic.location.path[:1] == ("functions",)
                else attrs.evolve(diagnostic, location=Location(path=("functions", name)))
                for diagnostic in error.diagnostics
            )
        )
        return None
    return spec if valid else None


def _is_deployed(function: dict[str, object]) -> bool:
    """Whether a function is only deployed: it has no `lang` and no `context`."""
    return all(function.get(key) in ("", None) for key in ("lang", "context"))


def _without_nulls(key: object, value: object) -> object:
    """The value of a function's key without null keys and items, which yaml.v3 drops.

    Of `limits` and `requests`, only the keys of faas-cli are decoded. Our own settings keep their
    nulls, which are errors there (rule C12).
    """
    if isinstance(value, dict):
        if key in _RESOURCES:
            return {name: item for name, item in value.items() if name in _RESOURCE_KEYS}
        return value if None not in value else {k: v for k, v in value.items() if k is not None}
    if (
        isinstance(value, list)
        and key in _LISTS
        and all(not isinstance(i, (dict, list)) for i in value)
    ):
        return [item for item in value if item is not None]
    return value


def _read_default(value: object, reader: _Reader) -> Setting:
    """D9: the cache setting of the functions that have none of their own."""
    with reader.faults.catch():
        return read_setting(value, ("configuration", "build_cache"))
    return None


def _read_templates(value: object, reader: _Reader) -> FrozenMap[str]:
    """The sources of templates by name, of which the first counts."""
    path: KeyPath = ("configuration", "templates")
    templates: dict[str, str] = {}
    for index, item in reader.items(value, path):
        template = reader.mapping(item, (*path, index))
        name, source = (
            reader.string(template.get(key), (*path, index, key)) for key in _TEMPLATE_KEYS
        )
        templates.setdefault(name, source)
    return FrozenMap(templates)


def _unknown_keys(
    path: KeyPath, mapping: Mapping[Any, object], keys: Collection[str]
) -> Iterator[Diagnostic]:
    """Warnings about keys that faas-cli ignores."""
    for key, value in mapping.items():
        word = str(key or "")
        if word not in keys and not word.startswith(_EXTENSION):
            yield Diagnostic(
                name="unknown-key",
                severity="warning",
                message=f"unknown key `{masked(word)[:_SHOWN]}` (ignored)",
                hint=_misplaced_function(path, word, value)
                or nearest(word, keys)
                or f"remove it, or let its name begin with `{_EXTENSION}`",
                location=Location(path=(*path, word)),
            )


def _misplaced_function(path: KeyPath, key: str, value: object) -> str:
    """What to write for a function at the top of the file; empty for anything else."""
    if path or not isinstance(value, dict) or _FUNCTION_KEYS.isdisjoint(value):
        return ""
    return f"write `functions:` in the line above, and indent `{masked(key)[:_SHOWN]}:` below it"


def read_template(document: Document) -> tuple[dict[str, Any], FaultCollector]:
    """The fields of a `template.yml` that a build needs, and its faults; an empty file is valid."""
    reader = _Reader()
    reader.faults.add(*(fault.diagnostic for fault in document.faults))
    values = reader.mapping(document.value, ())
    options: dict[str, tuple[str, ...]] = {}
    for index, item in reader.items(values.get("build_options"), ("build_options",)):
        path: KeyPath = ("build_options", index)
        option = reader.mapping(item, path)
        name = reader.string(option.get("name"), (*path, "name"))
        # Of two options with one name, the first counts.
        options.setdefault(name, reader.strings(option.get("packages"), (*path, "packages")))
    fields: dict[str, Any] = {"build_options": FrozenMap(options)}
    if folder := reader.string(values.get("handler_folder"), ("handler_folder",)):
        fields["handler_folder"] = folder
    with reader.faults.catch():
        fields["mount_ssh"] = read_boolean(values.get("mount_ssh"), ("mount_ssh",))
    return fields, reader.faults


class _Reader:
    """Reads values of one type each, and collects the faults of those that have another."""

    def __init__(self) -> None:
        self.faults = FaultCollector(limit=MAX_FAULTS)
        self.warnings = FaultCollector(limit=MAX_FAULTS)

    def string(self, value: Any, path: KeyPath) -> str:  # noqa: ANN401  # any YAML value
        """A string; null is an empty one."""
        if isinstance(value, (dict, list)):
            self.type_fault("a string", value, path)
            return ""
        if value and "\0" in value:
            self.faults.report("invalid-type", "NUL character in a string", path, "remove it")
        return str(value or "")

    def mapping(self, value: Any, path: KeyPath) -> dict[Any, Any]:  # noqa: ANN401  # any YAML value
        """A mapping; null is an empty one."""
        if value is None or isinstance(value, dict):
            return value or {}
        self.type_fault("a mapping", value, path)
        return {}

    def items(self, value: Any, path: KeyPath) -> list[tuple[int, Any]]:  # noqa: ANN401  # any YAML value
        """The items of a list and their indices, without null items, which yaml.v3 drops."""
        if value is None or isinstance(value, list):
            return [(index, item) for index, item in enumerate(value or ()) if item is not None]
        self.type_fault("a list", value, path)
        return []

    def strings(self, value: object, path: KeyPath) -> tuple[str, ...]:
        """A list of strings."""
        return tuple(self.string(item, (*path, index)) for index, item in self.items(value, path))

    def type_fault(self, expected: str, value: object, path: KeyPath) -> None:
        """Reports a value of another type."""
        message = f"expected {expected}, got {kind_of(value)}"
        self.faults.report("invalid-type", message, path, _HINTS[expected])


class _Decoded:
    """Which faults of a text concern what faas-cli decodes, which are not those in unknown keys."""

    def __init__(self, document: Document) -> None:
        self.document = document
        # For each decoded mapping or list, by identity, the keys that are decoded: None for all.
        self.keys: dict[int, Collection[str] | None] = {}
        self.users: dict[int, set[str]] = {}

    def report(self, faults: FaultCollector) -> tuple[str, ...]:
        """Adds the faults; returns the names of the functions that have one."""
        if not self.document.faults:
            return ()
        self.visit_stack(self.document.value)
        names: dict[str, None] = {}
        for diagnostic, container, key in self.document.faults:
            if container is not None:
                if id(container) not in self.keys:
                    continue
                keys = self.keys[id(container)]
                if key is not None and keys is not None and key not in keys:
                    continue
                names |= dict.fromkeys(sorted(self.users.get(id(container), ())))
            faults.add(diagnostic)
            if diagnostic.location.path[:1] == ("functions",):
                names |= dict.fromkeys(map(str, diagnostic.location.path[1:2]))
        return tuple(names)

    def visit_stack(self, tree: object) -> None:
        """Visits everything that faas-cli decodes of a stack file."""
        self.visit(tree, _TOP_KEYS)
        stack: dict[Any, Any] = tree if isinstance(tree, dict) else {}
        self.visit_all(stack.get("version"))
        self.visit(stack.get("provider"), _PROVIDER_KEYS)
        functions = stack.get("functions")
        self.visit(functions, None)
        for name, function in functions.items() if isinstance(functions, dict) else ():
            self.visit_function(str(name or ""), function)
        configuration = stack.get("configuration")
        self.visit(configuration, _CONFIGURATION_KEYS)
        if isinstance(configuration, dict):
            self.visit_all(configuration.get("copy"))
            self.visit_all(configuration.get("build_cache"))
            templates = configuration.get("templates")
            self.visit(templates, None)
            for template in templates if isinstance(templates, list) else ():
                self.visit(template, _TEMPLATE_KEYS)

    def visit_function(self, name: str, function: object) -> None:
        """Visits the known keys of a function."""
        if not isinstance(function, dict):
            return
        keys = [key for key in function if isinstance(key, str)]
        nulls = FunctionSpec.from_mapping("fn", dict.fromkeys(keys))
        known = set(keys) - {str(d.location.path[-1]) for d in nulls.diagnostics}
        self.visit(function, known, name)
        for key in known:
            self.visit_all(function[key], name)

    def visit_all(self, value: object, name: str = "") -> None:
        """Visits a value and everything in it."""
        pending, seen = [value], set()
        while pending:
            value = pending.pop()
            if id(value) in seen or not isinstance(value, (dict, list)):
                continue
            seen.add(id(value))
            self.visit(value, None, name)
            pending += value.values() if isinstance(value, dict) else value

    def visit(self, value: object, keys: Collection[str] | None, name: str = "") -> None:
        """Notes that these keys of a value, and of what it merges, are decoded (for a function)."""
        pending: list[object] = [value]
        while pending:
            value = pending.pop()
            known = self.keys.get(id(value), ())
            both = None if keys is None or known is None else {*keys, *known}
            self.keys[id(value)] = both
            if name:
                self.users.setdefault(id(value), set()).add(name)
            pending += self.document.merges.get(id(value), ())
