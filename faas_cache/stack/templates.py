"""`Template`: what a `template.yml` says about builds."""

from __future__ import annotations

import attrs

from faas_cache.model.errors import InvalidStack
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.stack import reading
from faas_cache.stack.schema import read_template
from faas_cache.stack.substitution import Substitution
from faas_cache.stack.yaml import read_document

__all__ = ["Template"]


@attrs.frozen(kw_only=True)
class Template:
    """A template of a language: where the handler goes, the packages of each build option, and whether SSH is used.

    Attributes:
        name: The name of its folder in `template/`.
        handler_folder: The folder in the build context that the handler is copied to.
        build_options: The packages by build option.
        mount_ssh: Whether its build needs the SSH agent.
    """

    name: str
    handler_folder: str = "function"
    build_options: FrozenMap[tuple[str, ...]] = attrs.field(default=FrozenMap[tuple[str, ...]]({}))
    mount_ssh: bool = False

    @classmethod
    def load(cls, folder: str, name: str) -> Template:
        """The template in a folder; raises `InvalidStack` for a `template.yml` that is missing or invalid.

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
