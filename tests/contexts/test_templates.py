"""Finding and installing templates."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from context_projects import files_of, make_project, state_of, write

from faas_cache.contexts.installation import install_template
from faas_cache.contexts.names import quoted
from faas_cache.contexts.templates import find_template, missing_template
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import FaasCacheError, InvalidFunction, InvalidStack
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.stack.templates import Template

project = pytest.fixture(make_project)
KEY = Location(path=("configuration", "templates"))


def test_a_template_is_read(project: Path) -> None:
    write(
        project,
        {
            "template/tiny/template.yml": "language: x\nhandler_folder: app\nmount_ssh: yes\nbuild_options:\n"
            "- {name: dev, packages: [make, gcc]}\n- name: none\n"
        },
    )
    assert find_template(str(project), "tiny") == Template(
        name="tiny",
        handler_folder="app",
        mount_ssh=True,
        build_options=FrozenMap({"dev": ("make", "gcc"), "none": ()}),
    )


@pytest.mark.parametrize("lang", ["dockerfile", "Dockerfile"])
def test_dockerfile_needs_no_template(tmp_path: Path, lang: str) -> None:
    assert find_template(str(tmp_path), lang) == Template(name="dockerfile", handler_folder="")


@pytest.mark.parametrize("lang", ["gone", ""])
def test_a_missing_template_is_none(project: Path, lang: str) -> None:
    assert find_template(str(project), lang) is None


def test_the_diagnostic_of_a_missing_template() -> None:
    assert missing_template("py") == Diagnostic(
        name="missing-template",
        message="template `py` not found in the folder `template`",
        hint="run `faas-cli template store pull py`, or add its source to `configuration.templates`",
        location=Location(path=("lang",)),
    )


NAMES = ["..", ".", "a/b", "py@/../../../X", "a\\b", "a\0", ".faas-cache-1", "x" * 300]


def invalid_name(name: str, location: Location) -> Diagnostic:
    """The diagnostic of a name that is not one folder."""
    return Diagnostic(
        name="invalid-template",
        message=f"invalid template name {quoted(name)}: not a valid folder name",
        hint="write the name of a folder in `template`",
        location=location,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_template_name_is_one_folder(project: Path, tmp_path: Path, name: str) -> None:
    """Nothing is read or written elsewhere."""
    root = str(project)
    write(tmp_path, {"repo/template/py/x": "x"})
    before = files_of(tmp_path)
    with pytest.raises(InvalidFunction) as caught:
        find_template(root, name)
    assert caught.value.diagnostics == (invalid_name(name, Location(path=("lang",))),)
    for lang, of_source in ((name, "py"), ("py", name)):
        with pytest.raises(InvalidFunction) as caught:
            install_template(root, lang, str(tmp_path / "repo"), "source", of_source)
        assert caught.value.diagnostics == (invalid_name(name, KEY),)
    assert files_of(tmp_path) == before


def steps(*changes: Callable[[Path], object]) -> Callable[[Path], object]:
    """Several changes, one after the other."""

    def change(folder: Path) -> None:
        for one in changes:
            one(folder)

    return change


def spoil(
    project: Path, link: str, target: str, *, elsewhere: str = "", folder: bool = False
) -> None:
    """Replaces a path of the project by a link, a folder, or nothing."""
    path = project / link
    if path.exists():
        path.rename(project.parent / "old")
    if elsewhere:
        write(project.parent, {elsewhere: "secret: [\n"})
    if folder:
        path.mkdir()
    elif target:
        path.symlink_to(target)


# Each row: how the project is spoiled, the file in the location, and the message.
UNUSABLE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "template outside": (lambda p: spoil(p, "template", "../away", elsewhere="away/tiny/template.yml"), "template/tiny", "`template/tiny` leads outside the project"),
    "folder outside": (lambda p: spoil(p, "template/tiny", "../../away", elsewhere="away/template.yml"), "template/tiny", "`template/tiny` leads outside the project"),
    "file outside": (lambda p: spoil(p, "template/tiny/template.yml", "../../../away", elsewhere="away"), "template/tiny/template.yml", "`template/tiny/template.yml` leads outside the project"),
    "broken link": (lambda p: spoil(p, "template/tiny", "gone"), "template/tiny", "`template/tiny` is a broken link: No such file or directory"),
    "a file": (steps(lambda p: spoil(p, "template/tiny", ""), lambda p: write(p, {"template/tiny": ""})), "template/tiny", "`template/tiny` is not a folder"),
    "no file": (lambda p: spoil(p, "template/tiny/template.yml", ""), "template/tiny/template.yml", "template `tiny` has no template.yml"),
    "file is a folder": (lambda p: spoil(p, "template/tiny/template.yml", "", folder=True), "template/tiny/template.yml", "`template/tiny/template.yml` is not a file"),
    "file is a FIFO": (steps(lambda p: spoil(p, "template/tiny/template.yml", ""), lambda p: os.mkfifo(p / "template/tiny/template.yml")), "template/tiny/template.yml", "`template/tiny/template.yml` is not a file"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_template_names_its_file(project: Path, case: str) -> None:
    change, file, message = UNUSABLE[case]
    change(project)
    with pytest.raises(InvalidStack) as caught:
        find_template(str(project), "tiny")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.name, diagnostic.message) == ("invalid-template", message)
    assert diagnostic.location == Location(file=file)


def test_a_link_outside_may_be_allowed(project: Path) -> None:
    (project / "template/tiny").rename(project.parent / "away")
    (project / "template/tiny").symlink_to("../../away")
    assert find_template(str(project), "tiny", outside_links=True) == Template(name="tiny")


def test_a_fault_in_template_yml_has_a_location_relative_to_the_project(project: Path) -> None:
    write(project, {"template/tiny/template.yml": "x: 1\nmount_ssh: maybe\n"})
    with pytest.raises(InvalidStack) as caught:
        find_template(str(project), "tiny")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.location.file, diagnostic.location.line) == ("template/tiny/template.yml", 2)
    assert str(project) not in str(caught.value)


def test_a_template_that_cannot_be_looked_at_is_an_error(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("faas_cache.contexts.sources._status_below", refuse)
    with pytest.raises(InvalidStack, match="cannot read `template/tiny`: Permission denied"):
        find_template(str(project), "tiny")


# Installing.


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with two templates, credentials and a neighbour."""
    write(
        tmp_path / "repo",
        {
            "template/new/Dockerfile": "FROM x\n",
            "template/new/bin/x": "x",
            "template/tiny/Dockerfile": "theirs",
            ".git/config": "password",
        },
    )
    write(tmp_path, {"home/.ssh/id": "key"})
    return tmp_path / "repo"


def test_only_the_named_template_is_installed(project: Path, clone: Path) -> None:
    (clone / "template/new/bin/y").symlink_to("x")
    (clone / "template/alias").symlink_to("new")
    expected = {"Dockerfile": "FROM x\n", "bin/x": "x", "bin/y": "x"}
    assert install_template(str(project), "new@v1", str(clone), "source", "new")
    assert install_template(str(project), "alias", str(clone), "source", "alias")
    assert files_of(project / "template/new@v1") == files_of(project / "template/alias") == expected
    assert sorted(p.name for p in (project / "template").iterdir()) == ["alias", "new@v1", "tiny"]


def test_a_template_that_is_there_stays(project: Path, clone: Path) -> None:
    before = files_of(project)
    assert not install_template(str(project), "tiny", str(clone), "source", "tiny")
    assert files_of(project) == before


def test_the_first_template_of_a_project_makes_the_folder(tmp_path: Path, clone: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert install_template(str(tmp_path / "empty"), "new", str(clone), "source", "new")
    assert [p.name for p in (tmp_path / "empty").iterdir()] == ["template"]


BAD_CLONES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "git": (lambda c: (c / "template/new/c").symlink_to("../../.git/config"), "`template/new/c` leads outside the template", "report it to the owner of `source`"),
    "neighbour": (lambda c: (c / "template/new/c").symlink_to("../tiny"), "`template/new/c` leads outside the template", "report it to the owner of `source`"),
    "absolute": (lambda c: (c / "template/new/c").symlink_to("/etc"), "`template/new/c` leads outside the template", "report it to the owner of `source`"),
    "fifo": (lambda c: os.mkfifo(c / "template/new/c"), "`template/new/c` is neither a file nor a folder", "remove it: a FIFO, a socket or a device cannot be copied"),
    "itself a link to .git": (steps(lambda c: (c / "template/new").rename(c / "old"), lambda c: (c / "template/new").symlink_to("../.git")), "`source` has no template `new`", "use one of its templates: tiny"),
    "itself a link outside": (steps(lambda c: (c / "template/new").rename(c / "old"), lambda c: (c / "template/new").symlink_to("../../home/.ssh")), "`source` has no template `new`", "use one of its templates: tiny"),
    "all a link": (steps(lambda c: (c / "template").rename(c / "old"), lambda c: (c / "template").symlink_to("../home")), "`source` has no template `new`", "check the source"),
    "none": (lambda c: (c / "template").rename(c / "old"), "`source` has no template `new`", "check the source"),
    "a file": (steps(lambda c: (c / "template").rename(c / "old"), lambda c: (c / "template").touch()), "`source` has no template `new`", "check the source"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_CLONES)
def test_a_pulled_template_stays_in_its_folder(project: Path, clone: Path, case: str) -> None:
    """Nothing outside of it is copied, nor named."""
    change, message, hint = BAD_CLONES[case]
    change(clone)
    before = files_of(project)
    with pytest.raises(InvalidFunction) as caught:
        install_template(str(project), "new", str(clone), "source", "new")
    assert caught.value.diagnostics == (
        Diagnostic(name="invalid-template", message=message, hint=hint, location=KEY),
    )
    assert files_of(project) == before


def test_a_source_is_shown_without_its_credentials(project: Path, clone: Path) -> None:
    source = "https://u:secret@h/x?private_token=secret"
    with pytest.raises(InvalidFunction) as caught:
        install_template(str(project), "gone", str(clone), source, "gone")
    message = "`https://***@h/x?***` has no template `gone`"
    assert caught.value.diagnostics[0].message == message
    assert caught.value.diagnostics[0].hint == "use one of its templates: new, tiny"


def test_nothing_is_installed_through_a_link(project: Path, clone: Path, tmp_path: Path) -> None:
    (project / "template").rename(project / "real")
    (project / "template").symlink_to(tmp_path / "home")
    with pytest.raises(InvalidFunction) as caught:
        install_template(str(project), "new", str(clone), "source", "new")
    assert caught.value.diagnostics == (
        Diagnostic(
            name="invalid-template",
            message="`template` is a link, but files are written only inside the project",
            hint="remove `template`",
            location=KEY,
        ),
    )
    assert files_of(tmp_path / "home") == {".ssh/id": "key"}


def test_an_error_of_the_system_names_the_file(
    project: Path, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: str) -> None:
        raise OSError(28, "No space left on device", f"{project}/template/x")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(InvalidFunction) as caught:
        install_template(str(project), "new", str(clone), "source", "new")
    message = "cannot install template `new`: No space left on device (`template/x`)"
    assert caught.value.diagnostics[0].message == message
    assert state_of(project / "template") == []


def test_two_runs_install_one_template(project: Path, clone: Path) -> None:
    """One wins, both succeed, and nothing is left of the other."""
    start = threading.Barrier(4)
    results: list[bool | FaasCacheError] = []

    def install() -> None:
        start.wait()
        try:
            results.append(install_template(str(project), "new", str(clone), "source", "new"))
        except FaasCacheError as error:
            results.append(error)

    threads = [threading.Thread(target=install) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == ["False", "False", "False", "True"]
    assert state_of(project / "template") == []


def test_a_template_that_appears_meanwhile_stays(
    project: Path, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def slower(source: str, target: str) -> None:
        write(project, {"template/new/theirs": ""})
        rename(source, target)

    monkeypatch.setattr(os, "rename", slower)
    assert not install_template(str(project), "new", str(clone), "source", "new")
    assert files_of(project / "template/new") == {"theirs": ""}
