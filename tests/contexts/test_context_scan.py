"""What is read of the files of contexts for the checks, and what a project reports of it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from context_projects import SPEC, make_project, write

from faas_cache import BuildOptions, CacheFlags, Diagnostic, FunctionSpec, Project
from faas_cache.contexts.context_scan import MAX_ENTRIES, MAX_MODES, read_context_files
from faas_cache.planning.context_files import ContextFiles

project = pytest.fixture(make_project)
CACHED = attrs.evolve(SPEC, image="a/b", build_cache="max")
DOCKERFILE = attrs.evolve(CACHED, lang="dockerfile")
OWN = attrs.evolve(CACHED, context="./fn")


def scan(root: Path, spec: FunctionSpec = CACHED, **options: Any) -> ContextFiles | None:  # noqa: ANN401  # of BuildOptions
    """What is read for a function."""
    plan = Project.of(spec, root=root, environ={}).plan(
        flags=CacheFlags(), options=BuildOptions(**options)
    )
    return read_context_files(str(root), plan).get("fn")


def report(root: Path, spec: FunctionSpec = CACHED) -> list[tuple[str, str, str, str]]:
    """The diagnostics of a function about its files."""
    plan = Project.of(spec, root=root, environ={}).plan(flags=CacheFlags())
    return [(d.name, d.severity, d.message, d.hint) for d in plan.diagnostics]


FOUND: list[tuple[FunctionSpec, Mapping[str, str], ContextFiles | None]] = [
    (CACHED, {}, None),
    (
        CACHED,
        {"template/tiny/.dockerignore": "a\n", "fn/.dockerignore": "b\n", ".dockerignore": "c\n"},
        ContextFiles(
            ignore_file="template/tiny/.dockerignore",
            ignore_text="a\n",
            unread=["fn/.dockerignore"],
            home="template/tiny",
        ),
    ),
    (
        CACHED,
        {"fn/Dockerfile.dockerignore": ""},
        ContextFiles(unread=["fn/Dockerfile.dockerignore"], home="template/tiny"),
    ),
    (
        DOCKERFILE,
        {"fn/Dockerfile.dockerignore": "b\n", "fn/.dockerignore": "c\n"},
        ContextFiles(ignore_file="fn/Dockerfile.dockerignore", ignore_text="b\n", home="fn"),
    ),
    (
        OWN,
        {"fn/.dockerignore": "c\n", "template/tiny/.dockerignore": "a\n"},
        ContextFiles(ignore_file="fn/.dockerignore", ignore_text="c\n", home="fn"),
    ),
    (
        CACHED,
        {"fn/.git/HEAD": "", "fn/lib/node_modules/node_modules/x": "", "fn/lib/.env": ""},
        ContextFiles(
            volatile=["function/.git", "function/lib/.env", "function/lib/node_modules"],
            home="template/tiny",
        ),
    ),
    (DOCKERFILE, {"fn/__pycache__/x": "", "fn/.env/x": ""}, ContextFiles(volatile=["__pycache__"], home="fn")),
    (
        attrs.evolve(DOCKERFILE, handler="."),
        {"build/.env": "", "template/.env": "", "fn/build/.env": "", "fn/.git": "gitdir: x"},
        ContextFiles(volatile=["fn/build/.env"], home="."),
    ),
    (attrs.evolve(DOCKERFILE, build_cache=None), {"fn/.git/HEAD": ""}, None),
    (attrs.evolve(CACHED, context="https://example.com/x.git"), {}, None),
    (attrs.evolve(CACHED, context="missing"), {}, None),
    (attrs.evolve(CACHED, handler="missing"), {}, None),
    (attrs.evolve(CACHED, lang="missing"), {"fn/.git/HEAD": ""}, None),
    (attrs.evolve(CACHED, lang=""), {"build/fn/.git/HEAD": ""}, None),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "files", "expected"), FOUND)
def test_scan(
    project: Path, spec: FunctionSpec, files: Mapping[str, str], expected: ContextFiles | None
) -> None:
    write(project, files)
    (project / "fn/lib/x.sh").chmod(0o755)
    for path in (project / "fn").rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.suffix == ".sh" else 0o644)
    assert scan(project, spec) == expected
    assert scan(project, spec, prebuilt=True) is None


def test_modes_of_an_own_context(project: Path) -> None:
    """Those of files and folders, not of links, and not of the context itself."""
    write(project, {"fn/.dockerignore": "", "fn/secret": "", "fn/shared/x": ""})
    (project / "fn/link").symlink_to("secret")
    for path, mode in (("", 0o700), ("h", 0o644), ("lib", 0o700), ("lib/x.sh", 0o755)):
        (project / "fn" / path).chmod(mode)
    for path, mode in ((".dockerignore", 0o644), ("secret", 0o600), ("shared", 0o775)):
        (project / "fn" / path).chmod(mode)
    (project / "fn/shared/x").chmod(0o700)
    files = scan(project, OWN)
    assert files is not None
    assert files.modes == (
        ("lib", 0o700),
        ("secret", 0o600),
        ("shared", 0o775),
        ("shared/x", 0o700),
    )


def test_a_scan_is_limited(project: Path) -> None:
    """A plan looks at the first files of a large context, and keeps some of their modes."""
    write(project, {f"fn/many/{number:05}": "" for number in range(MAX_ENTRIES)})
    write(project, {"fn/other/.git/HEAD": "", "fn/many/z/.git/HEAD": ""})
    for path in (project / "fn/many").iterdir():
        path.chmod(0o700)
    files = scan(project, OWN)
    assert files is not None
    assert (len(files.modes), files.volatile) == (MAX_MODES, ())


def test_what_cannot_be_read_is_left_out(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, {"fn/closed/.git/HEAD": "", "fn/gone/.git/HEAD": ""})
    listdir, lstat = os.listdir, os.lstat

    def closed(path: Any) -> Any:  # noqa: ANN401  # of os.listdir
        if str(path).endswith("/closed"):
            raise PermissionError
        return listdir(path)

    def gone(path: Any, **more: Any) -> Any:  # noqa: ANN401  # of os.lstat
        if str(path).endswith("/gone"):
            raise FileNotFoundError
        return lstat(path, **more)

    monkeypatch.setattr(os, "listdir", closed)
    monkeypatch.setattr(os, "lstat", gone)
    assert scan(project) is None


def test_an_ignore_file_outside_the_project_is_not_read(project: Path) -> None:
    """Its text could be in a message."""
    (project.parent / "secret").write_text("[a\n")
    (project / "fn/.dockerignore").symlink_to(project.parent / "secret")
    assert scan(project, OWN) == ContextFiles(
        ignore_file="fn/.dockerignore", home="fn", modes=(("lib/x.sh", 0o700),)
    )
    files = scan(project, DOCKERFILE)
    assert files == ContextFiles(ignore_file="fn/.dockerignore", home="fn")


def test_extra_paths_may_bring_the_ignore_file(project: Path) -> None:
    write(project, {".dockerignore": "c\n"})
    assert scan(project, DOCKERFILE, copy_extra=[".dockerignore"]) == ContextFiles(
        ignore_file=".dockerignore", ignore_text="c\n", home="fn"
    )
    assert scan(project, CACHED, copy_extra=[".dockerignore"]) is None


def test_reports_of_a_template_function(project: Path) -> None:
    """The example of openfaas/faas-cli#889: the ignore file of the handler excludes nothing."""
    write(
        project,
        {
            "template/tiny/Dockerfile": "FROM a\nCOPY . /\n",
            "fn/.dockerignore": "node_modules\n",
            "fn/node_modules/x/index.js": "",
        },
    )
    unread = (
        "unread-dockerignore",
        "note",
        (
            "docker does not read `fn/.dockerignore`, because it is not at the root of the build"
            " context"
        ),
        "move its patterns to `template/tiny/.dockerignore`, and prefix them with the handler's folder",
    )
    assert report(project) == [
        unread,
        (
            "volatile-file",
            "note",
            (
                "line 2 of the Dockerfile copies `function/node_modules`: it differs on each machine,"
                " and its files are sent to the builder"
            ),
            "write `**/node_modules` into `template/tiny/.dockerignore`",
        ),
    ]
    (project / "template/tiny/.dockerignore").write_text("**/node_modules\n")
    assert report(project) == [unread]
    assert report(project, attrs.evolve(CACHED, build_cache=None)) == [unread]


def test_reports_of_an_own_context(project: Path) -> None:
    write(project, {"fn/Dockerfile": "FROM a\nCOPY . /\n", "fn/secret": ""})
    for path in ("Dockerfile", "h"):
        (project / "fn" / path).chmod(0o644)
    (project / "fn/lib").chmod(0o755)
    (project / "fn/lib/x.sh").chmod(0o755)
    assert report(project, OWN) == []
    (project / "fn/secret").chmod(0o600)
    hint = (
        "run `chmod -R u=rwX,go=rX ./fn`, or remove `context`, because faas-cache writes"
        " contexts with fixed modes"
    )
    rest = ": modes are a part of the cache key, and a checkout has 0644 or 0755"
    assert report(project, OWN) == [
        ("unportable-modes", "note", f"the mode of `secret` is 0600{rest}", hint)
    ]
    (project / "fn/lib/x.sh").chmod(0o700)
    assert report(project, OWN) == [
        ("unportable-modes", "note", f"the mode of `secret` is 0600 (and 1 more){rest}", hint)
    ]
    (project / "fn/.dockerignore").write_text("secret\nlib\n")
    assert report(project, OWN) == []
    # The case of moby/moby#32816: a context that is written has the same modes everywhere.
    assert report(project, DOCKERFILE) == []


def test_an_invalid_pattern_is_reported_once_in_its_file(project: Path) -> None:
    (project / "template/tiny/.dockerignore").write_text("ok\n[a\n")
    two = attrs.evolve(CACHED, name="two", image="a/two")
    clean = FunctionSpec(name="clean", image="a/clean", lang="dockerfile", handler="fn/lib")
    plan = Project.of(CACHED, two, clean, root=project, environ={}).plan(flags=CacheFlags())
    (error,) = plan.errors
    assert isinstance(error, Diagnostic)
    assert (error.location.file, error.location.line) == ("template/tiny/.dockerignore", 2)
    (project / "template/tiny/.dockerignore").write_text("ok\n![z-a]\n")
    assert [name for name, *_ in report(project)] == ["invalid-ignore-pattern"]
    (project / "template/tiny/Dockerfile").write_text("FROM a\nCOPY . /\n")
    write(project, {"fn/.git/HEAD": ""})
    (project / "template/tiny/.dockerignore").write_text("**/.git\n![z-a]\n")
    assert [name for name, *_ in report(project)] == ["invalid-ignore-pattern"]
