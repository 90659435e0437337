"""`faas-cache registries`: the table of registries."""

import json

import attrs
import pytest

from faas_cache.cli.main import main
from faas_cache.model.registries import REGISTRIES


def test_a_registry_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Its hosts, what it supports, and the evidence with its date."""
    assert main(["registries"]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if not line.startswith("    ")] == [
        f"{row.name}: {', '.join(row.hosts) or 'any host'}" for row in REGISTRIES
    ]
    assert [row.name for row in REGISTRIES if f"{row.evidence} ({row.date})" not in out] == []
    assert [row.name for row in REGISTRIES if row.need and f"; needs {row.need}\n" not in out] == []


def test_registries_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """Every field of every row."""
    assert main(["registries", "--json"]) == 0
    rows = [attrs.asdict(row) for row in REGISTRIES]
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(rows))
