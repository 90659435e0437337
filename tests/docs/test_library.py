"""`library.md`: every public name is in it, and its examples run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from documents import PAGES, Fence, fences

import faas_cache

PAGE = PAGES["library.md"].read_text()
FENCES = fences(PAGE)
# Attributes and methods of the public API, by class.
MEMBERS = {
    "Project": "load of plan inspect_builder prepare write_contexts build push abuild",
    "StackPlan": "plans diagnostics errors builder front_end caches request on using commands",
    "BuildResult": "functions ok exit_code report",
    "function result": "name status exit_code seconds attempts tags digest report explanation notes",
    "BuildInputs": "base_images dockerfile build_args masked_args secrets platforms context files imports exports",
    "Comparison": "function changes missing unrecorded missed",
    "change": "kind name old new",
    "CacheUse": "function direction entry names location",
    "CacheReport": "steps cached total hit_ratio imports exports first_miss reason",
    "Explanation": "function severity step cause image_pushed message fix url",
    "Diagnostic": "name rule severity message hint url location",
    "Location": "file line column path",
    "BuildPlan": "function tags context build_args labels secrets platforms cache_from cache_to builder"
    " address builder_flags env ssh squash provenance sbom no_cache pull output needs diagnostics why",
    "Reference": "domain path tag digest name familiar canonical target with_tag",
    "CacheEntry": "type attrs key",
    "Stack": "functions diagnostics copy_extra_paths templates locate",
    "Command": "argv env stdin cwd kind function unsupported shell masked",
    "Stop": "stop stopped",
    "render": "docker_build docker_push buildx_build bake buildctl_build buildah_build buildah_push"
    " choose_front_end FRONT_ENDS",
    "CacheFlags": "build_cache cache_from cache_to no_cache export ignore_export_errors scope fallback_scopes enabled"
    " from_environ",
    "FrontEnd": "name build push together progress program features",
    "events": "BuildStarted StepStarted StepProgress StepFinished Output BuildFinished",
    "status": "built pushed failed stopped not",
}


def test_every_public_name_is_documented() -> None:
    """Each name that the package exports is on the page."""
    assert [name for name in faas_cache.__all__ if not re.search(rf"\b{name}\b", PAGE)] == []


@pytest.mark.parametrize("subject", MEMBERS)
def test_every_member_is_documented(subject: str) -> None:
    """Each attribute and method of the public API is on the page."""
    assert [name for name in MEMBERS[subject].split() if not re.search(rf"\b{name}\b", PAGE)] == []


def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples marked `python run` run one after the other, without docker, and print what the page shows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    for name in ("resize", "notify"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text("FROM scratch\n")
    namespace: dict[str, object] = {}
    for fence, after in zip(FENCES, [*FENCES[1:], FENCES[0]], strict=True):
        if fence.info == "yaml stack":
            (tmp_path / "stack.yaml").write_text(fence.text)
        elif fence.info == "python run":
            exec(compile(fence.text, f"library.md:{fence.line}", "exec"), namespace)
            assert after.info == "text output"
            assert capsys.readouterr().out == after.text


@pytest.mark.parametrize(
    "fence",
    [fence for fence in FENCES if fence.info.startswith("python")],
    ids=lambda fence: f"line-{fence.line}",
)
def test_an_example_imports_public_names(fence: Fence) -> None:
    """What an example imports from the package is a public name, and a type checker knows it."""
    stub = Path(faas_cache.__file__).with_name("__init__.pyi").read_text()
    imported = [
        alias.name
        for node in ast.walk(ast.parse(fence.text))
        if isinstance(node, ast.ImportFrom) and node.module == "faas_cache"
        for alias in node.names
    ]
    assert [n for n in imported if n not in faas_cache.__all__ or f'"{n}"' not in stub] == []


def test_every_folder_is_explained() -> None:
    """The last section has a paragraph for each part of the package."""
    last = PAGE.partition("## How the code is organized")[2]
    parts = {
        path.name + ("/" if path.is_dir() else "")
        for path in Path(faas_cache.__file__).parent.iterdir()
        if not path.name.startswith(("_", "py.typed")) and path.suffix in ("", ".py")
    }
    assert [part for part in sorted(parts) if f"**`{part.removesuffix('/')}" not in last] == []
