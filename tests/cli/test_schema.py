"""`faas-cache schema`."""

import json

import pytest

from faas_cache.cli.main import main
from faas_cache.stack.json_schema import json_schema


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """It is JSON on standard output, as the package generates it."""
    assert main(["schema"]) == 0
    out, err = capsys.readouterr()
    assert (json.loads(out), err) == (json_schema(), "")
