"""Build contexts: what is copied where, what is refused, and that nothing else is touched."""

import os
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from context_projects import (
    FILES,
    SPEC,
    digest,
    files_of,
    make_project,
    refusal,
    state_of,
    write,
    write_context,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from faas_cache.contexts.assembly import Contexts
from faas_cache.contexts.locks import lock_context
from faas_cache.contexts.names import is_folder_name
from faas_cache.contexts.sources import Limits
from faas_cache.contexts.templates import find_template
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import FaasCacheError, InvalidFunction
from faas_cache.model.specs import FunctionSpec
from faas_cache.stack.templates import Template

TINY = Template(name="tiny")
project = pytest.fixture(make_project)


def test_template_handler_and_extras_are_merged(project: Path) -> None:
    """The template but for meta.json, the handler over its sample, the extras below the handler."""
    write(
        project,
        {
            "common/a": "a",
            "common/b/c": "c",
            "one": "1",
            "fn/build/x": "no",
            "fn/template": "no",
            "fn/lib/build": "yes",
        },
    )
    assert write_context(
        project, extras=("common", "one", "./common/../one", "common")
    ) == FILES | {
        "function/lib/build": "yes",
        "function/common/a": "a",
        "function/common/b/c": "c",
        "function/one": "1",
    }


@pytest.mark.parametrize("lang", ["dockerfile", "Dockerfile"])
def test_for_dockerfile_the_handler_is_the_context(project: Path, lang: str) -> None:
    spec = FunctionSpec(name="fn", lang=lang, handler="fn")
    assert write_context(project, spec) == {"h": "mine", "lib/x.sh": "x"}


@pytest.mark.parametrize("handler", [".", "./", "fn/..", "link"])
def test_the_project_may_be_the_handler(project: Path, handler: str) -> None:
    """Its folders `build` and `template` are left out."""
    spec = FunctionSpec(name="fn", lang="dockerfile", handler=handler)
    (project / "link").symlink_to("fn")
    if handler == "link":
        expected = {"h": "mine", "lib/x.sh": "x"}
    else:
        (project / "link").unlink()
        expected = {"fn/h": "mine", "fn/lib/x.sh": "x"}
    assert write_context(project, spec) == write_context(project, spec) == expected


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("app/src", "app/src/h"), (".", "h"), ("app//src/", "app/src/h")],
)
def test_the_template_decides_where_the_handler_goes(
    project: Path, folder: str, expected: str
) -> None:
    write(project, {"template/tiny/template.yml": f"handler_folder: {folder}\n"})
    assert write_context(project)[expected] == "mine"


def test_a_file_of_any_size_is_copied(project: Path) -> None:
    large = "0123456789abcdef" * 20_000
    write(project, {"fn/large": large, "template/tiny/large": large, "fn/empty": ""})
    files = write_context(project)
    assert (files["function/large"], files["large"], files["function/empty"]) == (large, large, "")


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_modes_are_fixed_and_times_are_those_of_the_sources(project: Path, umask: int) -> None:
    """Folders 0755, files 0644, or 0755 where the owner may execute them; no file is shared."""
    (project / "fn/h").chmod(0o4606)
    os.utime(project / "fn/h", ns=(1, 123_456_789))
    (project / "fn").chmod(0o700)
    before = os.umask(umask)
    try:
        write_context(project)
    finally:
        os.umask(before)
    built = project / "build/fn"
    modes = {
        path.relative_to(built).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in [built, *built.rglob("*")]
    }
    executable = {".", "function", "function/lib", "function/lib/x.sh"}
    assert modes == {name: 0o755 if name in executable else 0o644 for name in modes}
    assert (built / "function/h").stat().st_mtime_ns == 123_456_789
    assert (built / "function/h").stat().st_nlink == 1


def test_the_same_sources_make_the_same_context(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither umask, user, current directory nor `CI` change what BuildKit sees."""
    (project / "fn/lib/x.sh").chmod(0o755)  # another user may read it
    write_context(project)
    digests = {digest(project / "build")}
    other = 65534 if os.geteuid() == 0 else os.geteuid()
    for umask, user, ci in (
        (0o022, os.geteuid(), "false"),
        (0o077, os.geteuid(), "true"),
        (0o027, other, "1"),
    ):
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder)
            target.chmod(0o777)
            subprocess.run(
                ["cp", "-r", project / "fn", project / "template", target], check=True, umask=0o022
            )
            monkeypatch.setenv("CI", ci)
            template = find_template(folder, "tiny")
            assert template is not None
            child = os.fork()
            if child == 0:
                os.umask(umask)
                os.setuid(user)
                Contexts(folder).write(SPEC, template)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            digests.add(digest(target / "build"))
    assert len(digests) == 1


def test_nothing_depends_on_the_current_directory(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "fn")
    template = find_template("..", "tiny")
    assert template is not None
    contexts = Contexts("..")
    monkeypatch.chdir(tmp_path)
    contexts.write(SPEC, template)
    assert files_of(project / "build/fn") == FILES


def test_a_later_function_uses_what_was_read_of_the_template(project: Path) -> None:
    contexts = Contexts(str(project))
    contexts.write(SPEC, TINY)
    write(project, {"template/tiny/Dockerfile": "FROM b\n"})
    contexts.write(FunctionSpec(name="two", lang="tiny", handler="fn"), TINY)
    assert files_of(project / "build/two") == FILES
    contexts.forget()
    contexts.write(SPEC, TINY)
    assert files_of(project / "build/fn") == FILES | {"Dockerfile": "FROM b\n"}


def test_an_invalid_name_is_refused_before_anything_is_written(project: Path) -> None:
    assert refusal(project, FunctionSpec(name="../x", lang="tiny")).name == "invalid-function-name"
    assert not (project / "build").exists()


def test_links_in_the_project_are_followed(project: Path, tmp_path: Path) -> None:
    """A handler in another folder may have links of its own."""
    write(project, {"common/x": "x"})
    (project / "fn/link").symlink_to("../common")
    (project / "fn/file").symlink_to(project / "common/x")
    assert write_context(project) == FILES | {"function/link/x": "x", "function/file": "x"}
    (project / "common/same").symlink_to("x")
    (project / "fn/other").symlink_to("../common")
    twice = {f"function/{link}/{name}": "x" for link in ("link", "other") for name in ("x", "same")}
    assert write_context(project) == FILES | twice | {"function/file": "x"}
    write(tmp_path / "away", {"a/b": "b"})
    (tmp_path / "away/c").symlink_to("a/b")
    (tmp_path / "away/d").symlink_to("a/../a")
    spec = FunctionSpec(name="fn", lang="dockerfile", handler="../away")
    assert write_context(project, spec) == {"a/b": "b", "c": "b", "d/b": "b"}


@pytest.mark.parametrize("link", ["fn/l", "common/l", "extra"])
def test_a_link_that_leads_outside_is_refused_unless_it_is_allowed(
    project: Path, tmp_path: Path, link: str
) -> None:
    """A neighbour whose name starts with that of the project is outside, too."""
    write(tmp_path, {"proj-other/secret/x": "hidden", "proj/common/y": "y"})
    (project / link).symlink_to(tmp_path / "proj-other/secret")
    extras = ("common", *(("extra",) if link == "extra" else ()))
    key = ("handler",) if link == "fn/l" else ()
    assert refusal(project, extras=extras) == Diagnostic(
        name="invalid-context",
        message=f"`{link}` leads outside the project",
        hint="copy its target into the project, or pass --allow-outside-links",
        location=Location(path=("functions", "fn", *key)),
    )
    assert "hidden" in write_context(project, extras=extras, outside_links=True).values()


def test_a_template_may_be_a_link_in_the_project(project: Path, tmp_path: Path) -> None:
    (project / "template/tiny").rename(project / "real")
    (project / "template/tiny").symlink_to("../real")
    assert write_context(project) == FILES
    (project / "real").rename(tmp_path / "real")
    (project / "template/tiny").unlink()
    (project / "template/tiny").symlink_to(tmp_path / "real")
    assert refusal(project).message == "`template/tiny` leads outside the project"
    with pytest.raises(InvalidFunction, match="`template/tiny` leads outside the project"):
        Contexts(str(project)).write(SPEC, TINY)
    assert write_context(project, outside_links=True) == FILES


# Each row: how a project is spoiled, the handler, the extra paths, the message, and the key.


def _link(path: str, target: str) -> Callable[[Path], object]:
    return lambda project: (project / path).symlink_to(target)


def _files(**files: str) -> Callable[[Path], object]:
    return lambda project: write(
        project, {name.replace("__", "/"): text for name, text in files.items()}
    )


def _nothing(project: Path) -> None:
    assert project.is_dir()


def _socket(project: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unix, pytest.MonkeyPatch.context() as patch:
        patch.chdir(project / "fn")
        unix.bind("l")


def _file_on_folder(project: Path) -> None:
    write(project, {"template/tiny/function/lib/y": "y"})
    (project / "fn/lib/x.sh").unlink()
    (project / "fn/lib").rmdir()
    write(project, {"fn/lib": "a file"})


def _folder_on_file(project: Path) -> None:
    (project / "fn/h").unlink()
    write(project, {"fn/h/x": "x"})


def _handler_folder(folder: str) -> Callable[[Path], object]:
    return lambda project: write(
        project, {"template/tiny/template.yml": f"handler_folder: {folder}\n"}
    )


OUTSIDE = "of template `tiny` is outside the build context"
MERGED = "is a file in one source and a folder in another"
BAD = {
    "dangling": (_link("fn/l", "gone"), "fn", (), "`fn/l` is a broken link: No such file or directory", "handler"),
    "loop": (_link("fn/l", "l"), "fn", (), "`fn/l` is a broken link: Too many levels of symbolic links", "handler"),
    "cycle": (_link("fn/l", "."), "fn", (), "`fn/l` is a link to a folder that contains it", "handler"),
    "long cycle": (_link("fn/lib/l", ".."), "fn", (), "`fn/lib/l` is a link to a folder that contains it", "handler"),
    "fifo": (lambda p: os.mkfifo(p / "fn/l"), "fn", (), "`fn/l` is neither a file nor a folder", "handler"),
    "socket": (_socket, "fn", (), "`fn/l` is neither a file nor a folder", "handler"),
    "no handler": (_nothing, "./gone", (), "the handler `./gone` does not exist", "handler"),
    "below a file": (_nothing, "fn/h/x", (), "the handler `fn/h/x` does not exist", "handler"),
    "broken handler": (_link("l", "gone"), "l", (), "the handler `l` does not exist", "handler"),
    "file as handler": (_nothing, "fn/h", (), "the handler `fn/h` is not a folder", "handler"),
    "empty handler": (_nothing, "", (), "the handler `` is not a folder", "handler"),
    "handler in its context": (_files(build__fn__src__h="h"), "build/fn/src", (), "the handler `build/fn/src` is inside its own build context", "handler"),
    "handler build": (_files(build__x__h="h"), "build", (), "the handler `build` contains the build contexts", "handler"),
    "handler above": (_nothing, "..", (), "`.` contains the folder `build` of this project", "handler"),
    "link to build": (_link("fn/l", "../build"), "fn", (), "`fn/l` contains the folder `build` of this project", "handler"),
    "no extra": (_nothing, "fn", ("gone",), "the extra path `gone` does not exist", None),
    "extra outside": (_nothing, "fn", ("../proj-x",), "the extra path `../proj-x` is not inside the project", None),
    "extra project": (_nothing, "fn", (".",), "the extra path `.` is not inside the project", None),
    "empty extra": (_nothing, "fn", ("",), "the extra path `` is not inside the project", None),
    "NUL in extra": (_nothing, "fn", ("\0",), "the extra path `\0` is not inside the project", None),
    "absolute extra": (_nothing, "fn", ("/etc",), "the extra path `/etc` is not inside the project", None),
    "extra in build": (_nothing, "fn", ("build/x",), "the extra path `build/x` is inside `build`, which is generated", None),
    "extra fifo": (lambda p: os.mkfifo(p / "l"), "fn", ("l",), "`l` is neither a file nor a folder", None),
    "folder above": (_handler_folder("../../x"), "fn", (), f"`handler_folder` `../../x` {OUTSIDE}", "lang"),
    "absolute folder": (_handler_folder("/x"), "fn", (), f"`handler_folder` `/x` {OUTSIDE}", "lang"),
    "file on folder": (_file_on_folder, "fn", (), f"`function/lib` {MERGED}", None),
    "folder on file": (_folder_on_file, "fn", (), f"`function/h` {MERGED}", None),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_a_context_is_refused(project: Path, case: str) -> None:
    """The last context stays, and no source is changed."""
    spoil, handler, extras, message, key = BAD[case]
    write_context(project)
    spoil(project)
    sources = digest(project / "fn"), digest(project / "template")
    diagnostic = refusal(
        project, FunctionSpec(name="fn", lang="tiny", handler=handler), extras=extras
    )
    path = ("functions", "fn", *((key,) if key else ()))
    assert (diagnostic.name, diagnostic.location.path) == ("invalid-context", path)
    assert diagnostic.message == message
    assert (digest(project / "fn"), digest(project / "template")) == sources


def test_a_device_is_refused_though_outside_links_are_allowed(project: Path) -> None:
    (project / "fn/l").symlink_to("/dev/null")
    diagnostic = refusal(project, outside_links=True)
    assert diagnostic.message == "`/dev/null` is neither a file nor a folder"


def test_all_sources_are_checked_at_once(project: Path) -> None:
    (project / "fn/l").symlink_to("gone")
    (project / "template/tiny/l").symlink_to("gone")
    with pytest.raises(InvalidFunction) as caught:
        Contexts(str(project), ("x", "y")).write(SPEC, TINY)
    assert [d.location.path for d in caught.value.diagnostics] == [
        ("functions", "fn", "lang"),
        ("functions", "fn", "handler"),
        ("functions", "fn"),
        ("functions", "fn"),
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "template `gone` not found in the folder `template`"),
        ("../fn", "invalid template name `../fn`: not a valid folder name"),
    ],
)
def test_a_template_value_is_checked_again(project: Path, name: str, message: str) -> None:
    with pytest.raises(InvalidFunction) as caught:
        Contexts(str(project)).write(SPEC, Template(name=name))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == message
    assert diagnostic.location == Location(path=("functions", "fn", "lang"))


@pytest.mark.parametrize("kind", ["link", "file"])
def test_build_must_be_a_folder(project: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    if kind == "link":
        (project / "build").symlink_to("../elsewhere")
    else:
        write(project, {"build": "a file"})
    with pytest.raises(InvalidFunction) as caught:
        Contexts(str(project)).write(SPEC, TINY)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic == Diagnostic(
        name="invalid-context",
        message="`build` is a link, but files are written only inside the project"
        if kind == "link"
        else "`build` is not a folder",
        hint="remove `build`",
        location=Location(path=("functions", "fn")),
    )
    assert [*(tmp_path / "elsewhere").iterdir()] == []


LIMITS = {
    "entries": (Limits(entries=20), "the build context has more than 20 files and folders"),
    "depth": (Limits(depth=10), "is nested more than 10 folders deep"),
    "size": (Limits(size=1000), "the build context is larger than 1000 bytes"),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_context_has_limits(project: Path, limit: str) -> None:
    """Links that multiply, nested folders, and a sparse file."""
    limits, message = LIMITS[limit]
    if limit == "entries":
        for level in range(19):
            (project / f"fn/{level}").mkdir()
            for link in "abc":
                (project / f"fn/{level}/{link}").symlink_to(f"../{level + 1}")
        (project / "fn/19").mkdir()
    elif limit == "depth":
        (project / f"fn{'/d' * 12}").mkdir(parents=True)
    else:
        with (project / "fn/sparse").open("wb") as file:
            file.truncate(10**12)
    assert refusal(project, limits=limits).message.endswith(message)


def test_an_extra_file_counts_too(project: Path) -> None:
    write(project, {"one": "1" * 2000})
    diagnostic = refusal(project, extras=("one",), limits=Limits(size=1000))
    assert diagnostic.message == "the build context is larger than 1000 bytes"


def test_an_error_of_the_system_names_the_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", f"{project}/build/x")

    monkeypatch.setattr(os, "utime", fail)
    assert refusal(project) == Diagnostic(
        name="invalid-context",
        message="cannot write the build context `build/fn`: No space left on device (`build/x`)",
        hint="check the permissions and the free space of the project",
        location=Location(path=("functions", "fn")),
    )
    assert state_of(project / "build") == []


def test_a_missing_project_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidFunction, match=r"the handler `\./fn` does not exist"):
        Contexts(str(tmp_path / "gone")).write(SPEC, Template(name="dockerfile"))


def test_a_context_that_the_caller_has_locked_is_written_with_that_lock(project: Path) -> None:
    with lock_context(str(project), "fn") as lock:
        Contexts(str(project)).write(SPEC, TINY, lock)
    assert files_of(project / "build/fn") == FILES


# Sources that change while they are copied.


def swapping(
    monkeypatch: pytest.MonkeyPatch, path: Path, replace: Callable[[], object], times: int
) -> None:
    """Replaces a file just before it is opened, as often as said."""
    open_file, left = os.open, [times]

    def replacing(name: str, *more: int, **options: int) -> int:
        if str(name) == str(path) and left[0]:
            left[0] -= 1
            replace()
        return open_file(name, *more, **options)

    monkeypatch.setattr(os, "open", replacing)


def test_a_file_that_is_replaced_while_it_is_copied_is_copied_anew(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an editor replaces it."""
    source = project / "fn/h"

    def replace() -> None:
        write(project, {"new": "newer"})
        (project / "new").rename(source)

    swapping(monkeypatch, source, replace, 1)
    assert write_context(project) == FILES | {"function/h": "newer"}


def test_a_file_that_changes_for_ever_is_an_error(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = project / "fn/h"

    def replace() -> None:
        write(project, {"new": "newer"})
        (project / "new").rename(source)

    swapping(monkeypatch, source, replace, -1)
    assert refusal(project).message == (
        "cannot write the build context `build/fn`: changed while it was copied (`fn/h`)"
    )


SWAPS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "link": ("fn/h", lambda path: path.symlink_to("../../secret/x"), "`fn/h` leads outside the project"),
    "fifo": ("fn/h", os.mkfifo, "`fn/h` is neither a file nor a folder"),
    "folder": ("fn/lib", lambda path: path.symlink_to("../../secret"), "`fn/lib` leads outside the project"),
}  # fmt: skip


@pytest.mark.parametrize("swap", SWAPS)
def test_what_is_swapped_while_it_is_copied_leads_nowhere(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: str
) -> None:
    """A link, a FIFO or a folder that takes the place of what was checked is checked again."""
    write(tmp_path, {"secret/x": "hidden", "secret/x.sh": "hidden"})
    name, create, message = SWAPS[swap]
    path = project / name

    def replace() -> None:
        path.rename(tmp_path / "old")
        create(path)

    swapping(monkeypatch, path, replace, 1)
    assert refusal(project).message == message


def test_build_may_be_deleted_while_a_context_is_written(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    swapping(monkeypatch, project / "fn/h", lambda: shutil.rmtree(project / "build"), 1)
    assert write_context(project) == FILES


PARTS = st.sampled_from(
    ["..", ".", "a", "b", "build", "fn", "template", "", "proj", "proj-x", "~", "/", "..a", "a\n"]
)
PATHS = st.lists(PARTS, max_size=4).map("/".join)


@settings(max_examples=60, deadline=None)
@given(
    name=PATHS, handler=PATHS, folder=PATHS, extras=st.lists(PATHS, max_size=2), links=st.lists(st.tuples(PATHS, PATHS), max_size=3),
    outside=st.booleans(),
)  # fmt: skip
def test_nothing_but_the_context_is_ever_written(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    handler: str,
    folder: str,
    extras: list[str],
    links: list[tuple[str, str]],
    outside: bool,  # noqa: FBT001  # drawn
) -> None:
    """Names, paths and links that try to escape are refused, or lead only into `build/NAME`."""
    top = tmp_path_factory.mktemp("top")
    write(
        top,
        {
            "proj/template/t/x": "t",
            "proj/fn/h": "h",
            "proj/a/b/c": "c",
            "proj-x/y": "y",
            "proj/build/other/z": "z",
        },
    )
    for number, (_, target) in enumerate(links):
        # An absolute path is one in the folder that is watched.
        real = f"{top}{target}" if target.startswith("/") else target or "."
        (top / f"proj/fn/link{number}").symlink_to(real)
    before = {path: path.read_bytes() for path in top.rglob("*") if path.is_file()}
    contexts = Contexts(str(top / "proj"), extras, outside_links=outside)
    given_handler = f"{top}{handler}" if handler.startswith("/") else handler
    try:
        spec = FunctionSpec(name=name, lang="t", handler=given_handler)
        contexts.write(spec, Template(name="t", handler_folder=folder))
    except FaasCacheError:
        pass
    else:
        assert is_folder_name(name)
    written = {path for path in top.rglob("*") if path.is_file() and path not in before}
    assert {path: path.read_bytes() for path in before} == before
    assert all(path.is_relative_to(top / "proj/build" / name) for path in written)
