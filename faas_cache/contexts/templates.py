"""Templates of a project: finding one in `template/NAME`, and installing one that was pulled.

A template's name is the name of one folder, and what it holds comes from inside the project. Of a
pulled template, links must stay inside of its own folder: the rest of a clone, `.git` with its
credentials above all, is no part of it.
"""

from __future__ import annotations

import os
import stat
from typing import NoReturn

import attrs

from faas_cache.contexts.files import write_tree
from faas_cache.contexts.names import TEMPLATE_FOLDER, is_folder_name, quoted
from faas_cache.contexts.sources import Limits, SourceWalker, relative_path
from faas_cache.contexts.staging import remove_leftovers, staging_directory
from faas_cache.contexts.state import ensure_folder
from faas_cache.contexts.tree import ContextTree
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.errors import InvalidFunction, InvalidStack
from faas_cache.model.masking import masked_message
from faas_cache.stack.templates import Template

__all__ = ["DOCKERFILE", "find_template", "install_template", "missing_template", "template_folder"]

# The language without a template, in any case: the handler brings its own Dockerfile.
DOCKERFILE = "dockerfile"
_FILE = "template.yml"
_KEY: KeyPath = ("configuration", "templates")
_MAX_LISTED, _MAX_SOURCE = 20, 200


def find_template(root: str, lang: str, *, outside_links: bool = False) -> Template | None:
    """The template of a language, as its `template.yml` describes it; None if there is none.

    Raises `InvalidFunction`, with the key path `lang`, for an invalid name, and `InvalidStack`,
    with the file of the template as location, for a template that cannot be used.
    """
    if lang.lower() == DOCKERFILE:
        return Template(name=DOCKERFILE, handler_folder="")
    folder = template_folder(root, lang, outside_links=outside_links) if lang else None
    if folder is None:
        return None
    file = f"{TEMPLATE_FOLDER}/{lang}/{_FILE}"
    path = os.path.join(folder, _FILE)
    if not os.path.lexists(path):
        raise _unusable(
            f"template {quoted(lang)} has no {_FILE}", "create it; it may be empty", file
        )
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
    _require_name(name, ("lang",))
    root = os.path.realpath(root)
    shown = f"{TEMPLATE_FOLDER}/{name}"
    path = os.path.join(root, TEMPLATE_FOLDER, name)
    if not os.path.lexists(path):
        return None
    real, status = _follow(root, path, shown, outside_links=outside_links)
    if not stat.S_ISDIR(status.st_mode):
        raise _unusable(f"{quoted(shown)} is not a folder", "replace it with a folder", shown)
    return real


def missing_template(lang: str) -> Diagnostic:
    """The diagnostic of a language without a template; its key path is relative to the function."""
    return Diagnostic(
        name="missing-template",
        message=f"template {quoted(lang)} not found in the folder `{TEMPLATE_FOLDER}`",
        hint=f"run `faas-cli template store pull {quoted(lang)[1:-1]}`, or add its source to"
        " `configuration.templates`",
        location=Location(path=("lang",)),
    )


def install_template(root: str, lang: str, folder: str, source: str, name: str) -> bool:
    """Copies the template `name` of a folder of templates, such as a clone, to `template/LANG`.

    A template that is there stays, and the answer is False; so it is when another run installs it
    at the same time. `source` is where the folder came from, for messages. Raises
    `InvalidFunction`.
    """
    _require_name(lang, _KEY)
    _require_name(name, _KEY)
    root, folder = os.path.realpath(root), os.path.realpath(folder)
    parent = os.path.join(root, TEMPLATE_FOLDER)
    target = os.path.join(parent, lang)
    try:
        ensure_folder(parent, root, "invalid-template", _KEY)
        if os.path.lexists(target):
            return False
        tree = _pulled_tree(folder, source, name)
        remove_leftovers(parent)
        with staging_directory(parent) as staging:
            write_tree(tree, staging.path, {}, exact=staging.exact, limit=Limits().size)
            try:
                os.rename(staging.path, target)
            except OSError:
                if not os.path.isdir(target):
                    raise
                return False
    except OSError as error:
        path = relative_path(relative_path(str(error.filename), root), folder)
        _refuse(f"cannot install template {quoted(lang)}: {error.strerror} ({quoted(path)})", "")
    return True


def _pulled_tree(folder: str, source: str, name: str) -> ContextTree:
    """What a template of a clone holds."""
    shown = masked_message(source)[:_MAX_SOURCE]
    templates = os.path.join(folder, TEMPLATE_FOLDER)
    path = os.path.join(templates, name)
    # A template may be a link to another one beside it, and to nothing else.
    real = os.path.realpath(path)
    if os.path.islink(templates) or not os.path.isdir(path) or os.path.dirname(real) != templates:
        names = _template_names(templates)
        _refuse(
            f"`{shown}` has no template {quoted(name)}",
            f"use one of its templates: {', '.join(names)}" if names else "check the source",
        )
    tree = ContextTree()
    walker = SourceWalker(
        root=folder,
        allowed=(real,),
        condition="invalid-template",
        key=_KEY,
        scope="the template",
        advice=f"report it to the owner of `{shown}`",
    )
    walker.add(real, "", tree)
    return tree


def _template_names(templates: str) -> list[str]:
    """The names of some templates of a clone; nothing behind a link is listed."""
    if os.path.islink(templates) or not os.path.isdir(templates):
        return []
    with os.scandir(templates) as entries:
        names = [
            e.name for e in entries if e.is_dir(follow_symlinks=False) and e.name.isprintable()
        ]
    return sorted(names)[:_MAX_LISTED]


def _follow(root: str, path: str, shown: str, *, outside_links: bool) -> tuple[str, os.stat_result]:
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


def _require_name(name: str, key: KeyPath) -> None:
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


def _refuse(message: str, hint: str) -> NoReturn:
    raise InvalidFunction(
        Diagnostic(
            name="invalid-template", message=message, hint=hint, location=Location(path=_KEY)
        )
    )
