"""Ignore files at the root of a context: what `build` does not copy, and what it copies always."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from context_projects import FILES, SPEC, files_of, make_project, write
from hypothesis import given
from hypothesis import strategies as st
from ignored_trees import TREE, kept, make_tree, random_text

from faas_cache import BuildOptions, CacheFlags, FaasCacheError, FunctionSpec, Project
from faas_cache.contexts.assembly import Contexts
from faas_cache.contexts.files import read_small
from faas_cache.contexts.ignoring import ignore_names
from faas_cache.contexts.sources import Limits
from faas_cache.contexts.templates import find_template
from faas_cache.model.builders import Builder
from faas_cache.planning.context_files import IGNORE_FILES
from faas_cache.render.front_ends import FRONT_ENDS
from faas_cache.stack_plan import StackPlan

project = pytest.fixture(make_project)
DOCKERFILE = attrs.evolve(SPEC, lang="dockerfile")
HANDLER = {"function/h": "mine", "function/lib/x.sh": "x"}


def files(
    root: Path,
    spec: FunctionSpec = SPEC,
    names: tuple[str, ...] = IGNORE_FILES,
    **options: Any,  # noqa: ANN401  # of Contexts
) -> dict[str, str]:
    """The files of a context as `build` writes it, but for the ignore files."""
    template = find_template(str(root), spec.lang)
    assert template is not None
    Contexts(str(root), **options).write(spec, template, ignore_names=names)
    written = files_of(root / "build" / spec.name)
    return {path: text for path, text in written.items() if path not in IGNORE_FILES}


def without(*paths: str) -> dict[str, str]:
    """`FILES` without some of them."""
    return {path: text for path, text in FILES.items() if path not in paths}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("function/lib", without("function/lib/x.sh"), id="in-the-handler"),
        pytest.param("**/*.sh\n", without("function/lib/x.sh"), id="at-any-depth"),
        pytest.param("lib", FILES, id="paths-begin-at-the-context"),
        pytest.param("*", {"Dockerfile": "FROM a\n"}, id="everything-but-what-docker-reads"),
        pytest.param(
            "*\n!function/lib\n",
            {"Dockerfile": "FROM a\n", "function/lib/x.sh": "x"},
            id="exception",
        ),
        pytest.param("", FILES, id="empty"),
    ],
)
def test_an_ignore_file_of_the_template(
    project: Path, text: str, expected: Mapping[str, str]
) -> None:
    """The handler is in `function/`, and the file is at the root of the context."""
    (project / "template/tiny/.dockerignore").write_text(text)
    assert files(project) == expected
    assert files(project, names=()) == FILES  # --shrinkwrap


def test_an_ignore_file_of_a_handler_counts_only_at_the_root(project: Path) -> None:
    (project / "fn/.dockerignore").write_text("**/lib\n")
    assert files(project) == FILES | {"function/.dockerignore": "**/lib\n"}
    assert files(project, DOCKERFILE) == {"h": "mine"}
    (project / "template/tiny/template.yml").write_text("handler_folder: ./\n")
    (project / "template/tiny/.dockerignore").write_text("*\n")  # replaced by the handler's
    assert files(project) == {
        "Dockerfile": "FROM a\n",
        "function/h": "sample",
        "function/sample": "s",
        "h": "mine",
        "template.yml": "handler_folder: ./\n",
    }


def test_an_extra_path_may_be_the_ignore_file(project: Path) -> None:
    """Only for `dockerfile`, where extra paths are at the root too; it is copied last."""
    write(project, {".dockerignore": "lib\n", "fn/.dockerignore": "h\n", "one": "1"})
    assert files(project, DOCKERFILE, extras=("./.dockerignore", "one")) == {
        "h": "mine",
        "one": "1",
    }
    assert files(project, extras=("one", ".dockerignore")) == FILES | {
        "function/.dockerignore": "lib\n",
        "function/one": "1",
    }


def test_extra_paths_are_excluded_too(project: Path) -> None:
    write(project, {"one": "1", "common/a": "a", "common/b": "b"})
    (project / "template/tiny/.dockerignore").write_text("function/one\nfunction/common/a\n")
    assert files(project, extras=("one", "common")) == FILES | {"function/common/b": "b"}


def test_the_ignore_file_of_the_dockerfile_goes_first(project: Path) -> None:
    """Whichever source it comes from; docker does not read the other one then."""
    write(project, {"fn/Dockerfile": "FROM b\n", "fn/.dockerignore": "h\n"})
    (project / "fn/Dockerfile.dockerignore").write_text("lib\n")
    assert files(project, DOCKERFILE) == {"Dockerfile": "FROM b\n", "h": "mine"}
    (project / "fn/Dockerfile.dockerignore").write_text("")
    assert files(project, DOCKERFILE) == {
        "Dockerfile": "FROM b\n",
        "h": "mine",
        "lib/x.sh": "x",
    }


def test_what_docker_reads_is_always_copied(project: Path) -> None:
    names = ("Dockerfile", *IGNORE_FILES)
    write(project, {"fn/.dockerignore": "*\n", "fn/Dockerfile": "FROM b\n"})
    (project / "fn/lib/Dockerfile").write_text("FROM c\n")
    (project / "fn/Dockerfile.dockerignore").write_text("**\n")
    files(project, DOCKERFILE)
    assert {path.name for path in (project / "build/fn").iterdir()} == set(names)


def test_with_a_lower_case_dockerfile_everything_is_copied(project: Path) -> None:
    """Docker reads `dockerfile.dockerignore` then, and not `Dockerfile.dockerignore`."""
    write(project, {"fn/.dockerignore": "*\n", "fn/dockerfile": "FROM b\n"})
    everything = {"dockerfile": "FROM b\n", "h": "mine", "lib/x.sh": "x"}
    assert files(project, DOCKERFILE) == everything
    (project / "fn/Dockerfile").write_text("FROM c\n")
    assert files(project, DOCKERFILE) == {"Dockerfile": "FROM c\n", "dockerfile": "FROM b\n"}


@pytest.mark.parametrize("kind", ["folder", "too large"])
def test_what_cannot_be_an_ignore_file_excludes_nothing(project: Path, kind: str) -> None:
    path = project / "template/tiny/.dockerignore"
    if kind == "folder":
        path.mkdir()
    else:
        path.write_text("*\n" + "#" * 2**20)
    assert files(project) == FILES


def test_reading_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "fifo")
    names = ("file", "link", "fifo", "missing", ".")
    assert [read_small(str(tmp_path / name)) for name in names] == [b"x", None, None, None, None]


def test_a_link_to_an_ignore_file_is_read(project: Path) -> None:
    """A link that leads out of the project is refused, as for every file."""
    write(project, {"ignore": "function/lib\n"})
    path = project / "template/tiny/.dockerignore"
    path.symlink_to("../../ignore")
    assert files(project) == without("function/lib/x.sh")
    path.unlink()
    (project.parent / "other").write_text("*\n")
    path.symlink_to(project.parent / "other")
    with pytest.raises(FaasCacheError, match="leads outside the project") as caught:
        files(project)
    assert len(caught.value.diagnostics) == 1


@pytest.mark.parametrize("text", ["ok\n[a\n", "ok\n*\n![z-a]\n"])
def test_an_invalid_pattern_is_an_error_in_its_file(project: Path, text: str) -> None:
    """Also one that docker finds only when it compares a path with it; nothing is written."""
    (project / "template/tiny/.dockerignore").write_text(text)
    with pytest.raises(FaasCacheError) as caught:
        files(project)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.name, diagnostic.severity) == ("invalid-ignore-pattern", "error")
    assert diagnostic.location.file == "template/tiny/.dockerignore"
    assert diagnostic.location.line == len(text.splitlines())
    assert not (project / "build/fn").exists()
    assert files(project, names=()) == FILES


def test_excluded_folders_are_not_walked(project: Path) -> None:
    """Their broken links, FIFOs and unreadable folders do not matter, unless an exception may match."""
    (project / "template/tiny/.dockerignore").write_text("**/modules\n")
    modules = project / "fn/modules"
    (modules / "deep").mkdir(parents=True)
    (modules / "broken").symlink_to("nowhere")
    (modules / "outside").symlink_to(project.parent)
    os.mkfifo(modules / "deep/fifo")
    assert files(project) == FILES
    (project / "template/tiny/.dockerignore").write_text(
        "**/modules\n!function/modules/other\nfunction/modules/*/fifo"
    )
    assert files(project) == FILES  # walked, but no more than links to folders are followed
    (project / "template/tiny/.dockerignore").write_text(
        "**/modules\n!function/modules/outside/x\n"
    )
    with pytest.raises(FaasCacheError, match="leads outside the project") as caught:
        files(project)
    assert "function" not in str(caught.value.diagnostics[0].location.file)


def test_the_number_of_files_that_are_compared_is_limited(project: Path) -> None:
    write(project, {f"fn/many/{number}": "" for number in range(30)})
    (project / "template/tiny/.dockerignore").write_text("**/many\n!**/keep\n")
    assert files(project, limits=Limits(entries=40)) == FILES
    with pytest.raises(FaasCacheError, match="more than 20 files and folders"):
        files(project, limits=Limits(entries=20))
    (project / "template/tiny/.dockerignore").write_text("**/many\n")
    assert files(project, limits=Limits(entries=20)) == FILES


def test_links_to_folders_are_folders(project: Path) -> None:
    """A context holds no links; what is behind one is compared by its path in the context."""
    write(project, {"shared/a.txt": "a", "shared/b.md": "b"})
    (project / "fn/link").symlink_to("../shared")
    (project / "template/tiny/.dockerignore").write_text("function/link\n!function/link/*.txt\n")
    assert files(project) == FILES | {"function/link/a.txt": "a"}


@given(st.integers(0, 10_000))
def test_a_context_is_what_docker_would_keep(
    tmp_path_factory: pytest.TempPathFactory, number: int
) -> None:
    """For generated ignore files: files, and also folders that are empty or left empty."""
    root = tmp_path_factory.mktemp("generated")
    text = random_text(number)
    make_tree(root / "fn")
    (root / "fn/.dockerignore").write_text(text)
    expected = kept(text)
    if expected is None:
        with pytest.raises(FaasCacheError):
            files(root, DOCKERFILE)
        return
    files(root, DOCKERFILE)
    context = root / "build/fn"
    written = {
        f"{path.relative_to(context)}{'/' if path.is_dir() else ''}" for path in context.rglob("*")
    }
    assert written == {*expected, ".dockerignore"}


def test_functions_of_one_template_may_have_different_ignore_files(project: Path) -> None:
    """The template is walked once for each ignore file."""
    (project / "template/tiny/template.yml").write_text("handler_folder: ./\n")
    write(project, {"two/.dockerignore": "function\n", "two/h": "2", "three/h": "3"})
    (project / "template/tiny/.dockerignore").write_text("sample\n")
    contexts = Contexts(str(project))
    template = find_template(str(project), "tiny")
    assert template is not None
    for name in ("fn", "two", "three"):
        spec = FunctionSpec(name=name, lang="tiny", handler=name)
        contexts.write(spec, template, ignore_names=IGNORE_FILES)
    assert [
        (project / "build" / name / "function").exists() for name in ("fn", "two", "three")
    ] == [
        True,
        False,
        True,
    ]


# Which builds leave out anything.


def planned(root: Path, spec: FunctionSpec = SPEC, **options: Any) -> StackPlan:  # noqa: ANN401  # of BuildOptions
    plan = Project.of(attrs.evolve(spec, image="a/b"), root=root).plan(
        flags=CacheFlags(), options=BuildOptions(**options)
    )
    assert not plan.errors
    return plan


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_front_ends(project: Path, name: str) -> None:
    """Buildah prefers a `.containerignore`, and a caller's own front end may read anything."""
    plan = planned(project, push=True).using(FRONT_ENDS[name])
    assert ignore_names(plan, "fn", {}) == (() if name == "buildah_build" else IGNORE_FILES)
    own = plan.using(attrs.evolve(FRONT_ENDS[name], name="mine"))
    assert ignore_names(own, "fn", {}) == ()


@pytest.mark.parametrize(
    ("flags", "whole"),
    [
        ([], False),
        (["--progress=plain", "--network=host", "--force-rm", "-q"], False),
        (["--build-context=x=build/fn"], True),
        (["--file=other"], True),
        (["-fother"], True),
        (["-qf=other"], True),
        (["--secret=id=npm,src=build/fn/.npmrc"], True),
    ],
)
def test_builder_flags_that_read_the_context(
    project: Path, flags: list[str], *, whole: bool
) -> None:
    plan = planned(project, attrs.evolve(SPEC, builder_flags=flags))
    assert ignore_names(plan, "fn", {}) == (() if whole else IGNORE_FILES)


def test_a_build_secret_in_the_context(project: Path) -> None:
    for path, names in ((".npmrc", IGNORE_FILES), ("build/fn/function/.npmrc", ())):
        spec = attrs.evolve(SPEC, build_secrets={"npm": path})
        assert ignore_names(planned(project, spec), "fn", {}) == names


@pytest.mark.parametrize(
    ("variable", "docker", "names"),
    [
        ("", None, IGNORE_FILES),
        ("1", "20.10", IGNORE_FILES),
        ("0", "26.1", ()),
        ("false", None, ()),
        ("yes", None, IGNORE_FILES),
        ("", "20.10.24", ()),
        ("", "23.0.0", IGNORE_FILES),
        ("", "", IGNORE_FILES),
    ],
)
def test_a_build_without_buildkit(
    project: Path, variable: str, docker: str | None, names: tuple[str, ...]
) -> None:
    """It does not read `Dockerfile.dockerignore`."""
    plan = planned(project)
    if docker is not None:
        plan = plan.on(Builder(docker=docker, buildx=None if docker == "20.10.24" else ""))
    assert ignore_names(plan, "fn", {"DOCKER_BUILDKIT": variable}) == names


def test_nothing_is_left_out_where_nothing_is_built(project: Path) -> None:
    plan = planned(project)
    unbuilt = attrs.evolve(plan.request, purpose="contexts")
    assert ignore_names(attrs.evolve(plan, request=unbuilt), "fn", {}) == ()
    assert ignore_names(plan, "other", {}) == ()
    assert ignore_names(attrs.evolve(plan, front_end=None), "fn", {}) == ()


def test_shrinkwrap_writes_all_and_build_does_not(project: Path) -> None:
    """One project may do both: a context that holds too much is written again."""
    (project / "template/tiny/.dockerignore").write_text("function/lib\n")
    own = Project.of(attrs.evolve(SPEC, image="a/b"), root=project, environ={})
    plan = own.plan(flags=CacheFlags())
    own.write_contexts(plan)
    whole = files_of(project / "build/fn")
    own.prepare(plan)
    left = files_of(project / "build/fn")
    own.write_contexts(plan)
    assert whole == files_of(project / "build/fn") == {**left, "function/lib/x.sh": "x"}
    assert "function/lib/x.sh" not in left


def test_the_digest_of_a_handler_is_that_of_all_files(project: Path) -> None:
    """`--tag digest`, with an ignore file and without."""
    own = Project.of(attrs.evolve(SPEC, image="a/b"), root=project, environ={})
    options = BuildOptions(tag="digest")
    before = own.plan(options=options).plans[0].tags
    (project / "template/tiny/.dockerignore").write_text("function\n")
    assert own.plan(options=options).plans[0].tags == before
    (project / "fn/lib/x.sh").write_text("changed")
    assert own.plan(options=options).plans[0].tags != before


def test_without_an_ignore_file_contexts_stay_what_they_were(project: Path) -> None:
    """Byte for byte, with modes and times, whether ignore files are looked for or not."""
    make_tree(project / "fn")

    def state() -> list[tuple[str, int, int, bytes]]:
        context = project / "build/fn"
        return [
            (
                str(path.relative_to(context)),
                path.stat().st_mode,
                0 if path.is_dir() else path.stat().st_mtime_ns,
                b"" if path.is_dir() else path.read_bytes(),
            )
            for path in sorted(context.rglob("*"))
        ]

    for spec in (SPEC, DOCKERFILE):
        files(project, spec, names=())
        before = state()
        files(project, spec)
        assert state() == before
        assert len(before) > len(TREE)
