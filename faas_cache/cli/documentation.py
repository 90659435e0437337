"""The documentation that is shipped with the package, as text."""

from __future__ import annotations

import re
from importlib.resources import files

__all__ = ["read_topic", "sections", "topics"]

_HEADING = re.compile(r"^## (?P<name>\S+).*$", re.MULTILINE)


def topics() -> tuple[str, ...]:
    """The topics of the documentation, in alphabetical order."""
    pages = files("faas_cache").joinpath("docs").iterdir()
    return tuple(sorted(p.name.removesuffix(".md") for p in pages if p.name.endswith(".md")))


def read_topic(name: str) -> str:
    """One page of the documentation, as Markdown."""
    return files("faas_cache").joinpath("docs", f"{name}.md").read_text(encoding="utf-8")


def sections(page: str) -> dict[str, str]:
    """The sections of a page by the first word of their heading."""
    starts = [*_HEADING.finditer(page)]
    ends = [match.start() for match in starts[1:]] + [len(page)]
    return {
        match["name"]: f"{page[match.start() : end].rstrip()}\n"
        for match, end in zip(starts, ends, strict=True)
    }
