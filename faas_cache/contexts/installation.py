"""`install_template`: puts a template that was pulled into `template/NAME`.

The links of a pulled template must stay inside its own folder: the rest of a clone, such as `.git`
with its credentials, is not copied.
"""

from __future__ import annotations

import os
from typing import NoReturn

from faas_cache.contexts.files import write_tree
from faas_cache.contexts.names import TEMPLATE_FOLDER, quoted
from faas_cache.contexts.sources import Limits, SourceWalker, relative_path
from faas_cache.contexts.staging import remove_leftovers, staging_directory
from faas_cache.contexts.state import ensure_folder
from faas_cache.contexts.templates import require_template_name
from faas_cache.contexts.tree import ContextTree
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.masking import masked_message

__all__ = ["install_template"]

_KEY: KeyPath = ("configuration", "templates")
_MAX_LISTED, _MAX_SOURCE = 20, 200


def install_template(root: str, lang: str, folder: str, source: str, name: str) -> bool:
    """Copies the template `name` of a folder of templates, such as a clone, to `template/LANG`.

    An existing template is kept, and the result is False; the same if another run installs it
    at the same time. `source` is where the folder came from, for messages. Raises
    `InvalidFunction`.
    """
    require_template_name(lang, _KEY)
    require_template_name(name, _KEY)
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
    # A template may be a link to another template of the clone, and to nothing else.
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
    """The names of some templates of a clone; links are not followed."""
    if os.path.islink(templates) or not os.path.isdir(templates):
        return []
    with os.scandir(templates) as entries:
        names = [
            e.name for e in entries if e.is_dir(follow_symlinks=False) and e.name.isprintable()
        ]
    return sorted(names)[:_MAX_LISTED]


def _refuse(message: str, hint: str) -> NoReturn:
    raise InvalidFunction(
        Diagnostic(
            name="invalid-template", message=message, hint=hint, location=Location(path=_KEY)
        )
    )
