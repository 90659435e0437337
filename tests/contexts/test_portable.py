"""The package without what only some platforms have."""

import subprocess
import sys
from pathlib import Path

import pytest
from context_projects import FILES, files_of, make_project, write

project = pytest.fixture(make_project)

# What macOS or Windows lack; `fcntl` cannot be imported, and `renameat2` is not in the C library.
MISSING = "copy_file_range O_NOFOLLOW O_NONBLOCK O_DIRECTORY O_CLOEXEC fchmod fork getuid geteuid killpg uname"
PROGRAM = f"""
import ctypes, os, sys

for name in "{MISSING}".split():
    if hasattr(os, name):
        delattr(os, name)
os.supports_fd, os.supports_dir_fd = set(), set()
sys.modules["fcntl"] = None
ctypes.CDLL = None

import importlib, pkgutil
import faas_cache.contexts

for module in pkgutil.iter_modules(faas_cache.contexts.__path__, "faas_cache.contexts."):
    importlib.import_module(module.name)

from faas_cache.contexts.assembly import Contexts
from faas_cache.contexts.digests import handler_digest
from faas_cache.contexts.locks import lock_context
from faas_cache.contexts.stamps import current_stamp
from faas_cache.contexts.installation import install_template
from faas_cache.contexts.templates import find_template
from faas_cache.model.errors import InvalidFunction
from faas_cache.model.specs import FunctionSpec

root, clone = sys.argv[1:]
spec = FunctionSpec(name="fn", lang="tiny", handler="fn")
assert install_template(root, "new", clone, "source", "new")
handler_digest(f"{{root}}/fn")
contexts = Contexts(root)
contexts.write(spec, find_template(root, "tiny"))
stamp = contexts.write(spec, find_template(root, "tiny"))
assert current_stamp(root, "fn") == stamp
with lock_context(root, "fn"):
    try:
        contexts.write(spec, find_template(root, "tiny"), stop=type("Stop", (), {{"stopped": True}}))
    except InvalidFunction as error:
        print(error.diagnostics[0].name)
"""


def test_contexts_are_written_with_what_every_platform_has(project: Path, tmp_path: Path) -> None:
    large = "x" * 100_000
    write(tmp_path, {"clone/template/new/x": "x"})
    write(project, {"fn/large": large})
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(project), str(tmp_path / "clone")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "context-locked\n", "")
    assert files_of(project / "build") == {
        f"fn/{name}": text for name, text in (FILES | {"function/large": large}).items()
    }
    assert files_of(project / "template/new") == {"x": "x"}
