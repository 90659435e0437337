"""The output formats of `check`: for people, for programs, and for reviews of code."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from faas_cache import __version__
from faas_cache.model.catalogue import CATALOGUE
from faas_cache.model.diagnostics import Diagnostic, path_text
from faas_cache.model.masking import masked_message
from faas_cache.model.text import display, escape_json, printable

__all__ = ["FORMATTERS"]

PROJECT_URL = "https://github.com/openfaas/faas-cli/issues/940"
# GitLab shows a finding beside a line of a file: one without a file goes to the top of this one.
_DEFAULT_FILE = "stack.yaml"
# What a URL may hold as it is.
_URL_CHARACTERS = "/:%?#[]@!$&'()*+,;=~"
_GITLAB_SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def format_json(diagnostics: Sequence[Diagnostic]) -> str:
    """Diagnostics as one JSON object."""
    from faas_cache.serialization import to_dict

    return _dump({"diagnostics": [to_dict(item) for item in diagnostics]})


def format_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Workflow commands, which GitHub Actions shows as annotations beside the lines."""
    lines = []
    for item in diagnostics:
        where = item.location
        properties = {
            "file": None if where.file is None else printable(where.file),
            "line": where.line,
            "col": where.column,
            "title": item.name,
        }
        given = ",".join(
            f"{key}={_escape_command(str(value), ':,')}"
            for key, value in properties.items()
            if value is not None
        )
        level = "notice" if item.severity == "note" else item.severity
        lines.append(f"::{level} {given}::{_escape_command(_description(item))}\n")
    return "".join(lines)


def format_gitlab(diagnostics: Sequence[Diagnostic]) -> str:
    """A Code Quality report of GitLab CI (`artifacts: reports: codequality`)."""
    from hashlib import sha256

    findings: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for item in diagnostics:
        # The line is left out: a finding that moves is not a new one.
        identity = (
            f"{item.name}\0{item.location.file}\0{path_text(item.location.path)}\0{item.message}"
        )
        seen[identity] = seen.get(identity, 0) + 1
        digest = sha256(f"{identity}\0{seen[identity]}".encode(errors="surrogatepass"))
        findings.append(
            {
                "check_name": item.name,
                "description": _description(item),
                "fingerprint": digest.hexdigest(),
                "severity": _GITLAB_SEVERITIES[item.severity],
                "location": {
                    "path": printable(item.location.file or _DEFAULT_FILE),
                    "lines": {"begin": item.location.line or 1},
                },
            }
        )
    return _dump(findings)


def format_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """A SARIF 2.1.0 log, which code scanning services read."""
    names = sorted({item.name for item in diagnostics})
    rules = [_sarif_rule(name) for name in names]
    results = [
        {
            "ruleId": item.name,
            "ruleIndex": names.index(item.name),
            "level": item.severity,
            "message": {"text": _description(item)},
            **_sarif_locations(item),
        }
        for item in diagnostics
    ]
    driver = {
        "name": "faas-cache",
        "version": __version__,
        "informationUri": PROJECT_URL,
        "rules": rules,
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _dump({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def _sarif_rule(name: str) -> dict[str, Any]:
    condition = CATALOGUE.get(name)
    if condition is None:  # a program may have names of its own
        return {"id": name, "shortDescription": {"text": name}}
    return {
        "id": name,
        "shortDescription": {"text": condition.summary},
        "helpUri": condition.url,
        "properties": {"rule": condition.rule},
    }


def _sarif_locations(item: Diagnostic) -> dict[str, Any]:
    """The location of a result, where it has one."""
    where = item.location
    if where.file is None:
        return {}
    from urllib.parse import quote

    file = masked_message(where.file)
    safe = _URL_CHARACTERS if "://" in file else "/"
    try:
        uri = quote(file, safe=safe, errors="surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair, which no file system has
        uri = quote(file, safe=safe, errors="replace")
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if where.line is not None:
        physical["region"] = {"startLine": where.line, "startColumn": where.column or 1}
    return {"locations": [{"physicalLocation": physical}]}


def _description(item: Diagnostic) -> str:
    """The message with its key path before it, then the hint and the page."""
    parts = (path_text(item.location.path), item.message, item.hint, item.url)
    return display("\n".join(filter(None, parts)))


def _escape_command(text: str, more: str = "") -> str:
    """A text as a workflow command holds it."""
    return "".join(f"%{ord(c):02X}" if c in f"%\r\n{more}" else c for c in text)


def _dump(value: object) -> str:
    return escape_json(json.dumps(value, indent=2)) + "\n"


FORMATTERS: dict[str, Callable[[Sequence[Diagnostic]], str]] = {
    "json": format_json,
    "github": format_github,
    "gitlab": format_gitlab,
    "sarif": format_sarif,
}
