"""`Template`: the build settings of a `template.yml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from faas_cache.model.converters import Reader, read_boolean, read_fields, read_list, read_string
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, type_name
from faas_cache.model.errors import InvalidInput, InvalidStack
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.value import Value
from faas_cache.stack import reading
from faas_cache.stack.schema import read_template
from faas_cache.stack.substitution import Substitution
from faas_cache.stack.yaml import read_document

__all__ = ["Template"]


_NO_OPTIONS = FrozenMap[tuple[str, ...]]()


def _read_options(value: object, path: KeyPath) -> FrozenMap[tuple[str, ...]]:
    """The packages of each build option."""
    if not isinstance(value, Mapping):
        raise InvalidInput(
            Diagnostic(
                name="invalid-type",
                message=f"expected a mapping of lists, got {type_name(value)}",
                hint="pass the packages of each build option as a list",
                location=Location(path=path),
            )
        )
    names = read_list(list(value), path)
    packages = (
        read_list(item, (*path, name)) for name, item in zip(names, value.values(), strict=True)
    )
    return FrozenMap(zip(names, packages, strict=True))


_READERS: dict[str, Reader] = {
    "name": read_string,
    "handler_folder": read_string,
    "build_options": _read_options,
    "mount_ssh": read_boolean,
}


@attrs.frozen(kw_only=True, eq=False, repr=False, init=False)
class Template(Value):
    """A template of a language: its build settings.

    Attributes:
        name: The name of its folder in `template/`.
        handler_folder: The folder in the build context that the handler is copied to.
        build_options: The packages by build option.
        mount_ssh: Whether its build needs the SSH agent.
    """

    name: str
    handler_folder: str = "function"
    build_options: FrozenMap[tuple[str, ...]] = _NO_OPTIONS
    mount_ssh: bool = False

    def __init__(
        self,
        *,
        name: str,
        handler_folder: str = "function",
        build_options: Mapping[str, Iterable[str]] = _NO_OPTIONS,
        mount_ssh: bool = False,
    ) -> None:
        values = {key: value for key, value in locals().items() if key in _READERS}
        self.__attrs_init__(**read_fields(values, _READERS))

    @classmethod
    def load(cls, folder: str, name: str) -> Template:
        """The template in a folder; raises `InvalidStack` without a valid `template.yml`.

        The diagnostics are located in that file: `template/py/template.yml:3:5`.
        """
        path = f"{folder}/template.yml"
        text = reading.decode(reading.read_template(path, name), path)
        substitution = Substitution(text, text)
        document = read_document(substitution, path)
        fields, faults = read_template(document)
        if faults.errors:
            document = read_document(substitution, path, marking=True)
            _, faults = read_template(document)
            raise InvalidStack(
                *(d if d.location.line else document.locate(d) for d in faults.errors)
            )
        return cls(name=name, **fields)
