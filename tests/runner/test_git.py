"""git: real repositories, and servers that do not answer."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from fake_docker import FakeDocker

from faas_cache.model.errors import InvalidInput
from faas_cache.runner.git import clone, tag_value

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b"}
    identity |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=ENVIRON | identity,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two commits, a branch and a tag."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    for text in ("one", "two"):
        (folder / "file").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", text)
    git(folder, "branch", "old", "HEAD~1")
    git(folder, "tag", "v1")
    return folder


def failure(call: object) -> list[tuple[str, str]]:
    """The names and messages of the error that a call raises."""
    with pytest.raises(InvalidInput) as caught:
        call()  # type: ignore[operator]  # it is a function
    return [(d.name, d.message) for d in caught.value.diagnostics]


def opened(source: str, **options: object) -> str:
    """The content of `file` in a clone."""
    with clone(source, environ=ENVIRON, **options) as folder:  # type: ignore[arg-type]  # its options
        return (Path(folder) / "file").read_text()


def test_words_of_tag(repository: Path) -> None:
    """As faas-cli asks git; the repository is that of the folder, whatever a hook has set."""
    sha = git(repository, "rev-parse", "--short", "HEAD")
    environ = ENVIRON | {"GIT_DIR": "/nonexistent", "GIT_INDEX_FILE": "/nonexistent"}
    words = [
        tag_value(kind, cwd=str(repository), environ=environ)
        for kind in ("sha", "branch", "describe")
    ]
    assert words == [sha, f"main-{sha}", "v1"]


def test_no_repository_is_an_error_with_the_words_of_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is ours if none is given."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert failure(lambda: tag_value("sha", cwd=str(tmp_path))) == [
        (
            "git-failed",
            "`git rev-parse` failed: fatal: not a git repository (or any of the parent directories): .git",
        )
    ]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "printf 'a\\nfatal: \\033[1m http://u:p@h\\n' >&2; exit 1",
            "fatal: \\x1b[1m http://***@h",
        ),
        ("exit 3", "exit code 3"),
    ],
)
def test_the_last_line_of_git_is_escaped_and_masked(
    fake_docker: FakeDocker, script: str, message: str
) -> None:
    """Without a line, its exit code says what is known."""
    fake_docker.answer("*", script=script)
    (fake_docker.bin / "git").symlink_to("docker")
    environ = fake_docker.environ
    assert failure(lambda: tag_value("describe", environ=environ)) == [
        ("git-failed", f"`git describe` failed: {message}")
    ]


def test_no_git_is_an_error(tmp_path: Path) -> None:
    """Of the input, not of the builder."""
    assert failure(lambda: tag_value("sha", environ={"PATH": str(tmp_path)})) == [
        ("git-failed", "`git` not found on PATH")
    ]


def test_clones(repository: Path) -> None:
    """The default branch, a branch, a commit, and a path relative to a folder; a clone is removed after its use."""
    old = git(repository, "rev-parse", "old")
    assert [
        opened(f"file://{repository}"),
        opened(f"file://{repository}#old"),
        opened(f"file://{repository}#sha-{old[:10]}"),
        opened("repository", cwd=str(repository.parent)),
    ] == ["two", "one", "one", "two"]
    with clone(f"file://{repository}", environ=ENVIRON) as folder:
        assert Path(folder, ".git").exists()
    assert not Path(folder).exists()


def test_a_plain_folder_is_used_as_it_is(tmp_path: Path) -> None:
    """It needs no git."""
    (tmp_path / "templates").mkdir()
    for source, cwd in (("templates", str(tmp_path)), (str(tmp_path / "templates"), None)):
        with clone(source, cwd=cwd, environ={}) as folder:
            assert folder == str(tmp_path / "templates")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("fd::17", "fatal: transport 'fd' not allowed"),
        ("ext::sh -c true", "fatal: transport 'ext' not allowed"),
        ("/nonexistent/repository", "fatal: repository '/nonexistent/repository' does not exist"),
    ],
)
def test_sources_that_git_must_not_or_cannot_read(source: str, message: str) -> None:
    """Nothing but files and the network is read."""
    assert failure(lambda: opened(source)) == [("git-failed", f"`git clone` failed: {message}")]


def test_a_silent_server_is_not_waited_for() -> None:
    """It accepts the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        assert failure(lambda: opened(source, timeout=0.5)) == [
            ("git-failed", "`git clone` failed: no answer within 0.5 seconds")
        ]


@pytest.mark.parametrize("program", ["sshCommand", "uploadpack"])
@pytest.mark.parametrize("kind", ["sha", "branch", "describe"])
def test_files_of_a_project_are_not_a_repository(tmp_path: Path, program: str, kind: str) -> None:
    """A stranger's files can be laid out as a bare repository, whose configuration names programs."""
    folder, proof = tmp_path / "project", tmp_path / "proof"
    for name in ("objects", "refs/heads", "refs/tags"):
        (folder / name).mkdir(parents=True)
    url = "ssh://x/y" if program == "sshCommand" else f"file://{tmp_path}"
    command = f'{program}="touch {proof}; false"'
    (folder / "config").write_text(
        "[core]\nrepositoryformatversion = 1\nbare = true\n"
        f"{command if program == 'sshCommand' else ''}\n"
        f'[extensions]\npartialClone = origin\n[remote "origin"]\nurl = {url}\npromisor = true\n'
        f"{command if program == 'uploadpack' else ''}\n"
    )
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    for ref in ("refs/heads/main", "refs/tags/v1"):
        (folder / ref).write_text("1" * 40 + "\n")
    [(name, message)] = failure(lambda: tag_value(kind, cwd=str(folder), environ=ENVIRON))
    assert (name, "cannot use bare repository" in message, proof.exists()) == (
        "git-failed",
        True,
        False,
    )


@pytest.mark.parametrize("program", ["sshCommand", "uploadpack"])
def test_a_question_about_a_repository_fetches_nothing(repository: Path, program: str) -> None:
    """A commit that is missing would be fetched by a program of the configuration of the repository."""
    proof = repository.parent / "proof"
    key = "core.sshCommand" if program == "sshCommand" else "remote.origin.uploadpack"
    git(repository, "config", key, f"touch {proof}; false")
    git(repository, "config", "core.repositoryformatversion", "1")
    git(repository, "config", "extensions.partialClone", "origin")
    url = "ssh://x/y" if program == "sshCommand" else f"file://{repository.parent}"
    git(repository, "config", "remote.origin.url", url)
    git(repository, "config", "remote.origin.promisor", "true")
    (repository / ".git" / "refs" / "heads" / "main").write_text("1" * 40 + "\n")
    failure(lambda: tag_value("describe", cwd=str(repository), environ=ENVIRON))
    assert not proof.exists()


def test_a_bare_repository_is_a_source(repository: Path) -> None:
    """The user names it."""
    bare = repository.parent / "bare.git"
    git(repository, "clone", "--quiet", "--bare", str(repository), str(bare))
    assert [opened(str(bare)), opened("bare.git", cwd=str(repository.parent))] == ["two", "two"]


def test_a_clone_in_a_hook_leaves_the_index_alone(repository: Path) -> None:
    """What the user commits is what was added, not the files of the template."""
    source = repository.parent / "source"
    git(repository, "clone", "--quiet", str(repository), str(source))
    (source / "template.yml").write_text("language: py")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "--message", "template")
    index = repository / ".git" / "index"
    before = index.read_bytes()
    hook = ENVIRON | {"GIT_INDEX_FILE": str(index), "GIT_DIR": str(repository / ".git")}
    with clone(str(source), cwd=str(repository), environ=hook) as folder:
        assert (Path(folder) / "template.yml").exists()
    assert (index.read_bytes(), git(repository, "status", "--porcelain")) == (before, "")
