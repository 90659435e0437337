"""Build contexts: what is copied where, what is refused, and that nothing else is touched."""

import hashlib
import os
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faas_cache.cli.main import main
from faas_cache.contexts.assembly import Contexts, handler_digest, judged_name, prepared
from faas_cache.model.errors import FaasCacheError, InvalidFunction, InvalidStack
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.specs import FunctionSpec
from faas_cache.stack.templates import Template

SPEC = FunctionSpec(name="fn", image="a/b", lang="tiny", handler="./fn")


def write(root: Path, files: dict[str, str]) -> None:
    """Files by path."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one template and one handler."""
    root = tmp_path / "proj"
    files = {
        "template.yml": "",
        "Dockerfile": "FROM a\n",
        "function/sample": "s",
        "function/h": "sample",
        "meta.json": "{}",
    }
    write(
        root,
        {f"template/tiny/{name}": text for name, text in files.items()}
        | {"fn/h": "mine", "fn/lib/x.sh": "x"},
    )
    (root / "fn/lib/x.sh").chmod(0o700)
    return root


def assembled(project: Path, spec: FunctionSpec = SPEC, **more: object) -> dict[str, str]:
    """The files of a context, with their text."""
    contexts = Contexts(str(project), **more)  # type: ignore[arg-type]  # as the test says
    template = contexts.template(spec.lang)
    assert template is not None
    built = Path(contexts.assemble(spec, template))
    assert built == project / "build" / spec.name
    assert [path.name for path in (project / "build").iterdir() if path.name.startswith(".")] == []
    return {
        str(path.relative_to(built)): path.read_text()
        for path in sorted(built.rglob("*"))
        if path.is_file()
    }


def refused(project: Path, spec: FunctionSpec = SPEC, **more: object) -> str:
    """Why a context is not made; the last one is as it was."""
    before = digest(project / "build")
    with pytest.raises(FaasCacheError) as caught:
        assembled(project, spec, **more)
    assert digest(project / "build") == before
    return caught.value.diagnostics[0].message


def digest(folder: Path) -> str:
    """What BuildKit sees of a folder: paths, modes and bytes."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        whole.update(f"{path.relative_to(folder)} {path.lstat().st_mode:o}\n".encode())
        whole.update(path.read_bytes() if path.is_file() else b"")
    return whole.hexdigest()


def test_template_handler_and_extras_are_merged(project: Path) -> None:
    """The template whole but for meta.json, the handler over its sample, then the extras below the handler."""
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
    found = assembled(project, extras=("common", "one", "./common/../one", "common"))
    assert found == {
        "Dockerfile": "FROM a\n",
        "template.yml": "",
        "function/sample": "s",
        "function/h": "mine",
        "function/lib/x.sh": "x",
        "function/lib/build": "yes",
        "function/common/a": "a",
        "function/common/b/c": "c",
        "function/one": "1",
    }


def test_dockerfile_takes_the_handler_alone(project: Path) -> None:
    """`lang: dockerfile`, in any case, needs no template; the handler is the context."""
    for lang in ("dockerfile", "Dockerfile"):
        assert assembled(project, FunctionSpec(name="fn", lang=lang, handler="fn")) == {
            "h": "mine",
            "lib/x.sh": "x",
        }


def test_the_project_may_be_the_handler(project: Path) -> None:
    """`handler: .` leaves out the project's `build` and `template`, twice over."""
    spec = FunctionSpec(name="fn", lang="dockerfile", handler=".")
    assert (
        assembled(project, spec) == assembled(project, spec) == {"fn/h": "mine", "fn/lib/x.sh": "x"}
    )


@pytest.mark.parametrize(
    ("folder", "expected"), [("app/src", "app/src/h"), (".", "h"), ("app//src/", "app/src/h")]
)
def test_handler_folder(project: Path, folder: str, expected: str) -> None:
    """The template says where the handler goes."""
    (project / "template/tiny/template.yml").write_text(f"handler_folder: {folder}\n")
    assert assembled(project)[expected] == "mine"


def test_large_files_are_copied_whole(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a block, in the kernel where it can; through us where it cannot."""
    large = "0123456789abcdef" * 20_000
    write(project, {"fn/large": large, "template/tiny/large": large})
    assert assembled(project)["function/large"] == large

    def fails(*_: object) -> int:
        raise OSError(95, "not supported")

    monkeypatch.setattr(os, "copy_file_range", fails)
    found = assembled(project)
    assert (found["function/large"], found["large"]) == (large, large)


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_modes_and_times(project: Path, umask: int) -> None:
    """Folders 0755, files 0644, or 0755 where the owner may execute; times are the source's; no file is shared."""
    (project / "fn/h").chmod(0o4606)
    os.utime(project / "fn/h", ns=(1, 123_456_789))
    (project / "fn").chmod(0o700)
    before = os.umask(umask)
    try:
        assembled(project)
    finally:
        os.umask(before)
    built = project / "build/fn"
    modes = {
        str(path.relative_to(built)): stat.S_IMODE(path.stat().st_mode)
        for path in [built, *built.rglob("*")]
    }
    assert {name for name, mode in modes.items() if mode == 0o755} == {
        ".",
        "function",
        "function/lib",
        "function/lib/x.sh",
    }
    assert set(modes.values()) == {0o755, 0o644}
    assert (built / "function/h").stat().st_mtime_ns == 123_456_789
    assert (built / "function/h").stat().st_nlink == 1


def test_the_same_sources_make_the_same_context(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Umask, user and `CI` change nothing that BuildKit sees."""
    write(
        project,
        {
            "stack.yaml": "provider: {name: openfaas}\nfunctions: {fn: {image: a/b, lang: tiny, handler: ./fn}}\n"
        },
    )
    (project / "fn/lib/x.sh").chmod(0o755)  # the other user may read it
    monkeypatch.chdir(project)
    assert (
        main(["build", "--shrinkwrap"]) == 0
    )  # nothing is left to be loaded, by a user who may not
    seen = {digest(project / "build")}
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
                ["cp", "-r", "fn", "template", "stack.yaml", target], check=True, umask=0o022
            )
            monkeypatch.chdir(target)
            monkeypatch.setenv("CI", ci)
            child = os.fork()
            if child == 0:
                os.umask(umask)
                os.setuid(user)
                os._exit(main(["build", "--shrinkwrap"]))
            assert os.waitpid(child, 0)[1] == 0
            seen.add(digest(target / "build"))
            monkeypatch.chdir(project)
    assert len(seen) == 1


NAMES = ["", ".", "..", "a/b", "../x", "a\\b", "a\0b", "x" * 256, "é" * 128]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_component(project: Path, name: str) -> None:
    """A name that leads elsewhere is refused, and nothing is written."""
    found = [*judged_name(name)]
    assert [d.severity for d in found] == ["error"]
    spec = FunctionSpec(name=name.replace("\0", "/"), lang="tiny", handler="fn")
    assert "is no name of a folder" in refused(project, spec)
    assert not (project / "build").exists()


@pytest.mark.parametrize("name", ["Fn", "fn_1", "-fn", "x" * 64, "fn.x"])
def test_a_name_that_cannot_be_deployed_is_a_warning(project: Path, name: str) -> None:
    """It is built all the same."""
    assert [d.severity for d in judged_name(name)] == ["warning"]
    assert [*judged_name("fn-1")] == []
    assert "Dockerfile" in assembled(project, FunctionSpec(name=name, lang="tiny", handler="fn"))


def test_links_within_the_project_are_followed(project: Path, tmp_path: Path) -> None:
    """Files and folders; a handler elsewhere may hold links of its own."""
    write(project, {"common/x": "x"})
    (project / "fn/link").symlink_to("../common")
    (project / "fn/file").symlink_to(project / "common/x")
    found = assembled(project)
    assert (found["function/link/x"], found["function/file"]) == ("x", "x")
    write(tmp_path / "away", {"a/b": "b"})
    (tmp_path / "away/c").symlink_to("a/b")
    found = assembled(project, FunctionSpec(name="fn", lang="dockerfile", handler="../away"))
    assert found == {"a/b": "b", "c": "b"}


@pytest.mark.parametrize("where", ["fn/l", "template/tiny/l", "common/l", "extra"])
def test_links_that_lead_outside_are_refused(project: Path, tmp_path: Path, where: str) -> None:
    """A neighbour whose name begins like the project's is outside too; a flag allows it."""
    write(tmp_path, {"proj-other/secret/x": "hidden", "proj/common/y": "y"})
    (project / where).symlink_to(tmp_path / "proj-other/secret")
    extras = ("common", *(("extra",) if where == "extra" else ()))
    assert "leads outside the project, to" in refused(project, extras=extras)
    assert "hidden" in assembled(project, extras=extras, outside_links=True).values()


def test_a_template_that_is_a_link_stays_within(project: Path, tmp_path: Path) -> None:
    """A template may be a link within the project, and none that leads outside."""
    (project / "template/tiny").rename(project / "real")
    (project / "template/tiny").symlink_to("../real")
    assert "Dockerfile" in assembled(project)
    (project / "real").rename(tmp_path / "real")
    (project / "template/tiny").unlink()
    (project / "template/tiny").symlink_to(tmp_path / "real")
    assert "leads outside the project" in refused(project)


def bad(  # noqa: C901  # one branch for each way to spoil a project
    project: Path, what: str
) -> tuple[FunctionSpec, dict[str, object], str]:
    """A project that is spoiled in some way, and a part of what is said of it."""
    extras: tuple[str, ...] = ()
    spec = SPEC
    said = {
        "dangling": "'fn/l' leads nowhere", "loop": "leads nowhere: Too many levels", "cycle": "'fn/l' leads to a folder that it lies in",
        "fifo": "is neither a file nor a folder", "socket": "is neither", "device": "is neither", "no-handler": "'./gone' is not there",
        "file-handler": "'fn/h' is no folder", "empty-handler": "the handler '' is no folder", "extra-gone": "'gone' is not there",
        "extra-out": "'../proj-x' is not a part", "extra-all": "'.' is not a part", "extra-empty": "'' is not a part", "extra-abs": "'/etc' is not a part",
        "extra-build": "lies in `build`", "folder-up": "leads out of the context", "folder-abs": "leads out of the context",
        "file-on-folder": "'function/lib' is a file in one place", "folder-on-file": "'function/h' is a file in one place",
        "in-target": "the handler lies in the context", "holds-build": "holds the folder `build`", "build-file": "cannot be written: ",
        "build-link": "`build` is a link", "unreadable": "cannot be written: Is a directory",
    }[what]  # fmt: skip
    if what in ("dangling", "loop", "cycle", "device"):
        (project / "fn/l").symlink_to(
            {"dangling": "gone", "loop": "l", "cycle": ".", "device": "/dev/null"}[what]
        )
    elif what == "fifo":
        os.mkfifo(project / "fn/l")
    elif what == "socket":
        with socket.socket(socket.AF_UNIX) as found:
            os.chdir(project / "fn")
            found.bind("s")
    elif what.endswith("-handler"):
        spec = FunctionSpec(
            name="fn", lang="tiny", handler={"no": "./gone", "file": "fn/h", "empty": ""}[what[:-8]]
        )
    elif what.startswith("extra-"):
        extras = (
            {
                "gone": "gone",
                "out": "../proj-x",
                "all": ".",
                "empty": "",
                "abs": "/etc",
                "build": "build/other",
            }[what[6:]],
        )
    elif what.startswith("folder-") and what != "folder-on-file":
        (project / "template/tiny/template.yml").write_text(
            f"handler_folder: {'../../x' if what == 'folder-up' else '/x'}\n"
        )
    elif what == "file-on-folder":
        write(project, {"template/tiny/function/lib/y": "y"})
        (project / "fn/lib/x.sh").unlink()
        (project / "fn/lib").rmdir()
        write(project, {"fn/lib": "a file"})
    elif what == "folder-on-file":
        (project / "fn/h").unlink()
        write(project, {"fn/h/x": "x"})
    elif what == "in-target":
        write(project, {"build/fn/src/h": "h"})
        spec = FunctionSpec(name="fn", lang="tiny", handler="build/fn/src")
    elif what == "holds-build":
        write(project, {"build/old/x": "x"})
        spec = FunctionSpec(name="fn", lang="tiny", handler="..")
    elif what == "build-file":
        write(project, {"build": "a file"})
    elif what == "build-link":
        (project.parent / "elsewhere").mkdir()
        (project / "build").symlink_to("../elsewhere")
    return spec, {"extras": extras, "outside_links": what == "device"}, said


BAD = [
    *("dangling", "loop", "cycle", "fifo", "socket", "device", "no-handler", "file-handler", "empty-handler", "extra-gone", "extra-out"),
    *("extra-all", "extra-empty", "extra-abs", "extra-build", "folder-up", "folder-abs", "file-on-folder", "folder-on-file", "in-target"),
    *("holds-build", "build-file", "build-link"),
]  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_a_context_is_refused(
    project: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is named with its cause, nothing outside is touched, and the context that was there stays."""
    monkeypatch.chdir(project)
    if what not in ("build-file", "build-link", "in-target"):
        assembled(project)
    spec, more, said = bad(project, what)
    sources = digest(project / "fn"), digest(project / "template")
    assert said in refused(project, spec, **more)
    assert (digest(project / "fn"), digest(project / "template")) == sources
    assert not (project.parent / "elsewhere").is_dir() or not list(
        (project.parent / "elsewhere").iterdir()
    )


def test_a_context_is_swapped_whole(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last step fails, the last good context is back; what lay there, a link too, is replaced."""
    first = assembled(project)
    rename = os.rename

    def fails(source: str, target: str) -> None:
        if target.endswith("/fn") and not source.endswith("/old"):
            raise OSError(5, "Input/output error", target)
        rename(source, target)

    monkeypatch.setattr(os, "rename", fails)
    assert "cannot be written: Input/output error" in refused(project)
    monkeypatch.undo()
    (project / "build/fn").rename(project / "kept")
    (project / "build/fn").symlink_to("../kept")
    (project / "fn/h").write_text("new")
    assert assembled(project) == first | {"function/h": "new"}
    assert (project / "kept/function/h").read_text() == "mine"


def test_what_a_killed_run_left_is_in_nobodys_way(project: Path) -> None:
    """A folder beside, of our own process's number, can only be another's that is gone."""
    write(project, {f"build/.faas-cache-{os.getpid()}-1/x": "x"})
    assert "Dockerfile" in assembled(project)


def test_a_file_that_changes_its_kind_holds_nobody_up(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A FIFO that takes a file's place between look and copy is read as an empty file, and nothing waits."""
    open_file = os.open

    def opened(path: str, flags: int, mode: int = 0o777, **more: int) -> int:
        if path.endswith("proj/./fn/h"):
            Path(path).unlink()
            os.mkfifo(path)
        return open_file(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", opened)
    assert assembled(project)["function/h"] == ""


PARTS = st.sampled_from(
    ["..", ".", "a", "b", "build", "fn", "template", "", "proj", "proj-x", "~", "/", "..a", "a\n"]
)
PATHS = st.lists(PARTS, max_size=4).map("/".join)


@settings(max_examples=60, deadline=None)
@given(
    name=PATHS, handler=PATHS, folder=PATHS, extras=st.lists(PATHS, max_size=2), links=st.lists(st.tuples(PATHS, PATHS), max_size=3),
    outside=st.booleans(),
)  # fmt: skip
def test_nothing_outside_build_name_is_ever_written(  # what can try to escape
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    handler: str,
    folder: str,
    extras: list[str],
    links: list[tuple[str, str]],
    outside: bool,  # noqa: FBT001  # drawn
) -> None:
    """Names, paths and links that try to escape are refused, or lead nowhere but into `build/NAME`."""
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
    for where, target in links:
        target = f"{top}{target}" if target.startswith("/") else target  # noqa: PLW2901  # the same
        path = top / "proj/fn" / f"link{where.replace('/', '_')}"
        if not path.is_symlink():
            path.symlink_to(target or ".")
    kept = {path: path.read_bytes() for path in top.rglob("*") if path.is_file()}
    try:
        # an absolute path is one within the watched folder: nobody wants to copy the whole machine
        spec = FunctionSpec(
            name=name, lang="t", handler=f"{top}{handler}" if handler.startswith("/") else handler
        )
        Contexts(str(top / "proj"), extras=extras, outside_links=outside).assemble(
            spec, Template(name="t", handler_folder=folder)
        )
    except FaasCacheError:
        pass
    left = {path for path in top.rglob("*") if path.is_file() and path not in kept}
    assert {path: path.read_bytes() for path in kept} == kept
    assert all(
        path.is_relative_to(top / "proj/build" / name)
        and name not in ("", ".", "..")
        and "/" not in name
        for path in left
    )


# Templates.


def test_a_template_is_read(project: Path) -> None:
    """What template.yml says of builds; what it says of the rest is not looked at."""
    text = "language: x\nhandler_folder: app\nmount_ssh: yes\nbuild_options:\n- {name: dev, packages: [make, gcc]}\n- name: none\n"
    (project / "template/tiny/template.yml").write_text(text)
    assert Contexts(str(project)).template("tiny") == Template(
        name="tiny",
        handler_folder="app",
        mount_ssh=True,
        build_options=FrozenMap({"dev": ("make", "gcc"), "none": ()}),
    )


@pytest.mark.parametrize("lang", ["gone", "", "..", "a/b", "."])
def test_a_template_that_is_not_there(project: Path, lang: str) -> None:
    """No folder of that name, no template."""
    assert Contexts(str(project)).template(lang) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "template.yml: No such file"),
        ("[", "cannot be read"),
        ("- a", "this must be a mapping"),
        ("mount_ssh: maybe", "this must be a boolean"),
        ("build_options: {a: b}", "this must be a list"),
    ],
)
def test_a_template_at_fault(project: Path, text: str | None, said: str) -> None:
    """A template.yml that is not there or is wrong is named with its place."""
    path = project / "template/tiny/template.yml"
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvalidStack, match=r"template\.yml") as caught:
        Contexts(str(project)).template("tiny")
    assert said in caught.value.diagnostics[0].message


def test_packages_of_build_options() -> None:
    """Packages of the options and words of the user's own, each once, in the order of their bytes."""
    template = Template(
        name="t", build_options=FrozenMap({"dev": ("make", "gcc"), "x": ("Zlib",)}), mount_ssh=True
    )
    spec = FunctionSpec(
        name="fn",
        build_args={"ADDITIONAL_PACKAGE": " curl  make", "A": "1"},
        build_options=("dev", "x"),
    )
    made = prepared(spec, template)
    assert (made.build_args["ADDITIONAL_PACKAGE"], made.ssh) == ("Zlib curl gcc make", ("default",))
    assert prepared(FunctionSpec(name="fn", ssh=("a=b",)), template).ssh == ("a=b",)
    assert dict(prepared(FunctionSpec(name="fn", build_options=("gone",)), None).build_args) == {
        "ADDITIONAL_PACKAGE": ""
    }
    with pytest.raises(InvalidFunction, match="has no build option 'nope'"):
        prepared(FunctionSpec(name="fn", build_options=("nope",)), template)


def test_the_digest_of_a_handler(project: Path) -> None:
    """As faas-cli's: bytes in the order of paths; names, modes and links do not count."""
    first = handler_digest(str(project / "fn"))
    (project / "fn/link").symlink_to("h")
    (project / "fn/h").chmod(0o755)
    assert handler_digest(str(project / "fn/")) == first
    (project / "link").symlink_to("fn")
    assert handler_digest(str(project / "link")) == hashlib.md5(b"").hexdigest()
    both = "".join(hashlib.md5(text).hexdigest() for text in (b"mine", b"x"))
    assert first == hashlib.md5(both.encode()).hexdigest()


def test_a_template_is_taken_once(project: Path, tmp_path: Path) -> None:
    """Only the named template is taken; one that is there stays; nothing is left beside it."""
    write(
        tmp_path / "repo",
        {
            "template/new/Dockerfile": "FROM x\n",
            "template/new/bin/x": "x",
            "template/tiny/Dockerfile": "theirs",
        },
    )
    contexts = Contexts(str(project))
    contexts.take_template("new@v1", str(tmp_path / "repo"), "source", "new")
    assert (project / "template/new@v1/bin/x").read_text() == "x"
    assert sorted(path.name for path in (project / "template").iterdir()) == ["new@v1", "tiny"]
    with pytest.raises(
        InvalidFunction, match=r"source holds no template 'gone'.*\n.*it holds: new, tiny"
    ):
        contexts.take_template("gone", str(tmp_path / "repo"), "source", "gone")
    with pytest.raises(InvalidFunction, match="it holds: none"):
        contexts.take_template("gone", str(tmp_path), "source", "gone")
