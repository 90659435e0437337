"""A project with one template and one handler."""

from pathlib import Path

import pytest
from contexts.projects import write


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the template `tiny` and the handler `fn`."""
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
