"""Trees of files that ignore files are tried on, and what is left of them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import NamedTuple

from faas_cache.model.errors import InvalidInput
from faas_cache.planning.ignore_files import IgnoredFolder, parse_ignore_file

VECTORS = Path(__file__).parent / "vectors" / "dockerignore.jsonl"

# Files, and folders with a slash at the end; each name is there for a rule of the patterns.
TREE = (
    "#hash", "!bang", ".env", ".git/HEAD", ".git/objects/ab", "1", "a", "a b", "a.b", "ab",
    "axb", "back\\slash", "barfoo", "b.py", "b.pyc", "{brace}", "^caret", "d", "deep/1/2/3/4",
    "deep/a/b/a/c", "dir/a", "dir/b/c", "dir/b/foo", "dir/sub/keep", "empty/", "foo/bar/foo",
    "foo/bar/x.py", "foo/foo", "function/node_modules/y/index.js", "function/handler.py",
    "function/__pycache__/handler.pyc", "node_modules/mine/x.js", "node_modules/x/index.js",
    "node_modules/x/node_modules/z", "q?", "star*", "Q", "x[1]", "x1", "xdir/b", "é.txt",
    "日本/語", "-", "]", "dir with space/x", "foo.d/a", "*/*",
)  # fmt: skip


class Vector(NamedTuple):
    """One ignore file, and what docker leaves of `TREE`; `None` if it fails."""

    text: str
    kept: tuple[str, ...] | None


def read_vectors() -> list[Vector]:
    """The recorded table: what docker 26 kept of `TREE`, or left out, or that it failed."""
    rows = map(json.loads, VECTORS.read_text().splitlines())
    return [Vector(row["text"], _recorded(row)) for row in rows]


def _recorded(row: dict[str, list[str]]) -> tuple[str, ...] | None:
    if "leaves_out" in row:
        return tuple(path for path in everything() if path not in row["leaves_out"])
    return tuple(row["keeps"]) if "keeps" in row else None


def everything() -> tuple[str, ...]:
    """The files and folders of `TREE`."""
    result = kept("")
    assert result is not None
    return result


def make_tree(folder: Path, tree: tuple[str, ...] = TREE) -> None:
    """Writes the files and folders of a tree."""
    for path in tree:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            (folder / path).mkdir()
        else:
            (folder / path).write_text(path)


def files_in(folder: Path) -> tuple[str, ...]:
    """The files and folders in a folder; the latter end with a slash."""
    return tuple(
        sorted(
            f"{path.relative_to(folder)}{'/' if path.is_dir() else ''}"
            for path in folder.rglob("*")
        )
    )


def kept(
    text: str | bytes, tree: tuple[str, ...] = TREE, *, prune: bool = True
) -> tuple[str, ...] | None:
    """What an ignore file leaves of a tree; `None` for an invalid pattern."""
    nested: dict[str, object] = {}
    for path in tree:
        level = nested
        *folders, name = path.split("/")
        for part in folders:
            level = level.setdefault(part, {})  # type: ignore[assignment]
        if name:
            level[name] = None
    result: set[str] = set()
    try:
        _walk(parse_ignore_file(text).root, nested, "", result, prune=prune)
    except InvalidInput:
        return None
    return tuple(sorted(result))


def _walk(
    folder: IgnoredFolder, tree: dict[str, object], path: str, result: set[str], *, prune: bool
) -> None:
    for name, below in sorted(tree.items()):
        if below is None:
            if not folder.excludes(name):
                result |= {f"{path}{name}", *_parents(path)}
            continue
        inside = folder.enter(name)
        if not inside.is_excluded:
            result |= {f"{path}{name}/", *_parents(path)}
        if inside.may_include or not prune:
            _walk(inside, below, f"{path}{name}/", result, prune=prune)  # type: ignore[arg-type]


def _parents(path: str) -> set[str]:
    parts = path.split("/")
    return {"/".join(parts[:end]) + "/" for end in range(1, len(parts))}


_TOKENS = (
    *("*", "*", "**", "**/", "/**", "?", "/", "/", "\\", "[", "]", "[a-z]", "[^a]", "[*]", "[!-?]"),
    *("!", "#", " ", ".", "..", "^", "{", "-", "\\d", "\\Q", "\\y", "\\*", "\\[", "[z-a]", "é", "[é-ü]"),
)  # fmt: skip
_PARTS = tuple(sorted({part for path in TREE for part in path.split("/") if part}))


def random_text(number: int) -> str:
    """A generated ignore file."""
    dice = random.Random(number)  # not a secret
    return "".join(f"{_random_line(dice)}\n" for _ in range(dice.randint(1, 6)))


def _random_line(dice: random.Random) -> str:
    kind = dice.random()
    if kind < 0.35:
        path = dice.choice(TREE).strip("/").split("/")
        line = "/".join(path[: dice.randint(1, len(path))])
    elif kind < 0.7:
        path = dice.choice(TREE).strip("/").split("/")
        wild = ["*", "**", *path, "[a-f]*", "?*"]
        line = "/".join(dice.choice(wild) if dice.random() < 0.5 else part for part in path)
    else:
        line = "".join(dice.choice((*_TOKENS, *_PARTS)) for _ in range(dice.randint(1, 5)))
    return f"!{line}" if dice.random() < 0.35 else line
