"""Projects to write contexts in, and what they come to."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from faas_cache.contexts.assembly import Contexts
from faas_cache.contexts.templates import find_template
from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.specs import FunctionSpec

SPEC = FunctionSpec(name="fn", image="a/b", lang="tiny", handler="./fn")
# What the context of `SPEC` holds.
FILES = {
    "Dockerfile": "FROM a\n",
    "function/h": "mine",
    "function/lib/x.sh": "x",
    "function/sample": "s",
    "template.yml": "",
}


def write(root: Path, files: Mapping[str, str]) -> None:
    """Writes files by path."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def make_project(tmp_path: Path) -> Path:
    """A project with the template `tiny` and the handler `fn`; for `pytest.fixture`."""
    root = tmp_path / "proj"
    write(
        root,
        {
            "template/tiny/template.yml": "",
            "template/tiny/Dockerfile": "FROM a\n",
            "template/tiny/function/sample": "s",
            "template/tiny/function/h": "sample",
            "template/tiny/meta.json": "{}",
            "fn/h": "mine",
            "fn/lib/x.sh": "x",
        },
    )
    (root / "fn/lib/x.sh").chmod(0o700)
    return root


def files_of(folder: Path) -> dict[str, str]:
    """The text of every file in a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def state_of(folder: Path) -> list[str]:
    """The names in a folder of what is neither a context nor a template."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def write_context(root: Path, spec: FunctionSpec = SPEC, **options: Any) -> dict[str, str]:  # noqa: ANN401  # of Contexts
    """Writes a context, and returns its files; nothing else is left in `build`."""
    template = find_template(
        str(root), spec.lang, outside_links=options.get("outside_links", False)
    )
    assert template is not None
    Contexts(str(root), **options).write(spec, template)
    assert state_of(root / "build") == []
    return files_of(root / "build" / spec.name)


def refusal(root: Path, spec: FunctionSpec = SPEC, **options: Any) -> Diagnostic:  # noqa: ANN401  # of Contexts
    """The diagnostic of a context that cannot be written; `build` stays as it was."""
    before = digest(root / "build")
    with pytest.raises(FaasCacheError) as caught:
        write_context(root, spec, **options)
    assert digest(root / "build") == before
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def digest(folder: Path) -> str:
    """What BuildKit sees of a folder: paths, modes and bytes."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        whole.update(f"{path.relative_to(folder)} {path.lstat().st_mode:o}\n".encode())
        whole.update(path.read_bytes() if path.is_file() else b"")
    return whole.hexdigest()
