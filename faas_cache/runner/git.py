"""What git is run for: the values of `--tag`, and clones of template sources."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.text import last_line
from faas_cache.runner.processes import CannotStart, ask
from faas_cache.runner.stop import Stop

__all__ = ["CLONE_TIMEOUT", "clone", "tag_value"]

# `git rev-parse --local-env-vars` of git 2.39: they name another repository than that of the
# folder, in a hook for one.
_LOCAL_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
_SET = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
# Not `fd` and `ext`, which read and run anything.
_CLONING = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"}
# A question about a local repository fetches nothing: what a repository lacks would be fetched by a
# program that its own configuration names.
_ASKING = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
# A folder of the project that is laid out as a bare repository is not one: its configuration would
# come with the files of the project, and can name programs (git 2.38).
_NO_BARE = ("-c", "safe.bareRepository=explicit")
_TAG_HINT = "run it in a clone with at least one commit, or leave out `--tag`"
_CLONE_HINT = "check the address of the source, or copy the template into `template/`"
# How long a question about a local repository may take, and a clone, in seconds.
_TAG_TIMEOUT, CLONE_TIMEOUT = 30.0, 300.0
# `#sha-` and an abbreviated or whole commit, as faas-cli has it.
_COMMIT = re.compile(r"sha-([0-9a-f]{7,40})")


def tag_value(
    kind: str,
    *,
    cwd: str | None = None,
    environ: Mapping[str, str] | None = None,
    timeout: float = _TAG_TIMEOUT,
    stop: Stop | None = None,
) -> str:
    """The value of `--tag sha`, `branch` or `describe`, from git; raises `InvalidInput`."""

    def ask_git(*arguments: str) -> str:
        return _git(arguments, cwd, environ, timeout, stop, _TAG_HINT, _ASKING)

    if kind == "describe":
        return ask_git("describe", "--tags", "--always")
    sha = ask_git("rev-parse", "--short", "HEAD")
    if kind == "sha":
        return sha
    branch = ask_git("rev-parse", "--symbolic-full-name", "--abbrev-ref", "HEAD")
    return f"{branch}-{sha}"


@contextmanager
def clone(
    source: str,
    *,
    cwd: str | None = None,
    environ: Mapping[str, str] | None = None,
    timeout: float = CLONE_TIMEOUT,
    stop: Stop | None = None,
) -> Iterator[str]:
    """A folder with the files of a source of templates, for as long as it is used.

    A source is a git URL, `URL#branch-or-tag`, `URL#sha-COMMIT`, or a local folder, which is used
    as it is unless it is a repository. `timeout` is in seconds. Raises `InvalidInput` with the last
    words of git.
    """
    url, _, ref = source.partition("#")
    local = os.path.join(cwd or "", url)  # noqa: PTH118  # text, as git takes it
    if not ref and os.path.isdir(local) and not _is_repository(local):  # noqa: PTH112  # the same
        yield local
        return
    with tempfile.TemporaryDirectory(prefix="faas-cache-", ignore_cleanup_errors=True) as folder:
        target = os.path.join(folder, "clone")  # noqa: PTH118  # the same
        commit = _COMMIT.fullmatch(ref)
        part = () if commit else ("--depth=1", *((f"--branch={ref}",) if ref else ()))
        arguments = ("clone", "--quiet", *part, "--", url, target)
        _git(arguments, cwd, environ, timeout, stop, _CLONE_HINT, _CLONING)
        if commit:
            arguments = ("checkout", "--quiet", commit[1])
            _git(arguments, target, environ, timeout, stop, _CLONE_HINT, _CLONING)
        yield target


def _is_repository(folder: str) -> bool:
    """Whether git can clone a folder: it has a `.git`, or it is a bare repository."""

    def has(*names: str) -> bool:
        return all(os.path.exists(os.path.join(folder, name)) for name in names)  # noqa: PTH110, PTH118  # the same

    return has(".git") or has("HEAD", "objects", "refs")


def _git(  # noqa: PLR0913  # what `ask` takes
    arguments: tuple[str, ...],
    cwd: str | None,
    environ: Mapping[str, str] | None,
    timeout: float,
    stop: Stop | None,
    hint: str,
    protocols: Mapping[str, str],
) -> str:
    """What git prints; raises `InvalidInput` where it fails."""
    variables = {
        key: value
        for key, value in (os.environ if environ is None else environ).items()
        if key not in _LOCAL_VARIABLES
    }
    try:
        answer = ask(
            ("git", *_NO_BARE, *arguments),
            cwd=cwd,
            environ=variables | _SET | dict(protocols),
            timeout=timeout,
            stop=stop,
        )
    except CannotStart as error:
        message = error.diagnostics[0].message
        raise InvalidInput(Diagnostic(name="git-failed", message=message, hint=hint)) from None
    if answer.ok:
        return answer.stdout.strip()
    words = answer.problem or last_line(answer.stderr) or f"exit code {answer.exit_code}"
    message = f"`git {arguments[0]}` failed: {words}"
    raise InvalidInput(Diagnostic(name="git-failed", message=message, hint=hint))
