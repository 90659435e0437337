"""`find_template`: the template of a language, in `template/NAME` of a project.

The name of a template is the name of one folder, and its files are inside the project.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

import attrs

from faas_cache.contexts.names import TEMPLATE_FOLDER, is_folder_name, quoted
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, nearest
from faas_cache.model.errors import InvalidFunction, InvalidStack
from faas_cache.stack.templates import Template

__all__ = [
    "DOCKERFILE",
    "find_template",
    "missing_template",
    "require_template_name",
    "template_folder",
]

# The language without a template, in any case: the handler brings its own Dockerfile.
DOCKERFILE = "dockerfile"
_FILE = "template.yml"


def find_template(root: str, lang: str, *, outside_links: bool = False) -> Template | None:
    """The template of a language, as its `template.yml` describes it; None if there is none.

    Raises `InvalidFunction`, with the key path `lang`, for an invalid name, and `InvalidStack`,
    with the file of the template as location, for a template that cannot be used.
    """
    if lang.lower() == DOCKERFILE:
        return _dockerfile_template(root, outside_links=outside_links)
    folder = template_folder(root, lang, outside_links=outside_links) if lang else None
    if folder is None:
        return None
    path = os.path.join(folder, _FILE)
    if not os.path.lexists(path):
        file = f"{TEMPLATE_FOLDER}/{lang}/{_FILE}"
        raise _unusable(
            f"template {quoted(lang)} has no {_FILE}", "create it; it may be empty", file
        )
    return _load(root, folder, lang, outside_links=outside_links)


def _dockerfile_template(root: str, *, outside_links: bool) -> Template:
    """The language without a template: a `template.yml` may give it build options."""
    template = Template(name=DOCKERFILE)
    path = os.path.join(root, TEMPLATE_FOLDER, DOCKERFILE, _FILE)
    if os.path.lexists(path):
        folder = template_folder(root, DOCKERFILE, outside_links=outside_links)
        template = _load(root, folder or "", DOCKERFILE, outside_links=outside_links)
    return attrs.evolve(template, handler_folder="")


def _load(root: str, folder: str, lang: str, *, outside_links: bool) -> Template:
    """The template in a folder that has a `template.yml`."""
    file, path = f"{TEMPLATE_FOLDER}/{lang}/{_FILE}", os.path.join(folder, _FILE)
    if not stat.S_ISREG(_follow(root, path, file, outside_links=outside_links)[1].st_mode):
        raise _unusable(
            f"{quoted(file)} is not a file", "replace it with a file; it may be empty", file
        )
    try:
        return Template.load(folder, lang)
    except InvalidStack as error:
        # Paths in messages are relative to the project.
        raise InvalidStack(
            *(
                attrs.evolve(
                    diagnostic,
                    message=diagnostic.message.replace(path, file),
                    location=attrs.evolve(diagnostic.location, file=file),
                )
                for diagnostic in error.diagnostics
            )
        ) from None


def template_folder(root: str, name: str, *, outside_links: bool = False) -> str | None:
    """The real path of `template/NAME`, or None; raises as `find_template` does."""
    require_template_name(name, ("lang",))
    root = os.path.realpath(root)
    shown = f"{TEMPLATE_FOLDER}/{name}"
    path = os.path.join(root, TEMPLATE_FOLDER, name)
    if not os.path.lexists(path):
        return None
    real, status = _follow(root, path, shown, outside_links=outside_links)
    if not stat.S_ISDIR(status.st_mode):
        raise _unusable(f"{quoted(shown)} is not a folder", "replace it with a folder", shown)
    return real


def missing_template(lang: str, known: Iterable[str] = ()) -> Diagnostic:
    """The diagnostic of a language without a template; its key path is relative to the function.

    `known` are the templates that exist, of which the nearest is suggested.
    """
    suggestion = nearest(lang, (*known, DOCKERFILE))
    pull = f"run `faas-cli template store pull {quoted(lang)[1:-1]}`, or add its source to"
    return Diagnostic(
        name="missing-template",
        message=f"template {quoted(lang)} not found in the folder `{TEMPLATE_FOLDER}`",
        hint=f"{suggestion and f'{suggestion} or '}{pull} `configuration.templates`",
        location=Location(path=("lang",)),
    )


def _follow(root: str, path: str, shown: str, *, outside_links: bool) -> tuple[str, os.stat_result]:
    # Only a project with templates needs what walks through them.
    from faas_cache.contexts.sources import SourceWalker

    root = os.path.realpath(root)
    walker = SourceWalker(
        root=root, allowed=(root,), condition="invalid-template", outside_links=outside_links
    )
    try:
        return walker.follow(path)
    except InvalidFunction as error:
        raise InvalidStack(
            *(attrs.evolve(d, location=Location(file=shown)) for d in error.diagnostics)
        ) from None
    except OSError as error:
        raise _unusable(f"cannot read {quoted(shown)}: {error.strerror}", "", shown) from error


def require_template_name(name: str, key: KeyPath) -> None:
    """Raises `InvalidFunction` if the name of a template is not a valid folder name."""
    if not is_folder_name(name):
        raise InvalidFunction(
            Diagnostic(
                name="invalid-template",
                message=f"invalid template name {quoted(name)}: not a valid folder name",
                hint=f"write the name of a folder in `{TEMPLATE_FOLDER}`",
                location=Location(path=key),
            )
        )


def _unusable(message: str, hint: str, file: str) -> InvalidStack:
    return InvalidStack(
        Diagnostic(
            name="invalid-template", message=message, hint=hint, location=Location(file=file)
        )
    )
