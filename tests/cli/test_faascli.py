"""A drop-in for faas-cli: its recorded runs, replayed with a docker that records its calls.

The recordings are beside the project, where they exist; the cases that matter are also here.
"""

import hashlib
import json
import os
import stat
import subprocess
from base64 import b64decode
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from faas_cache.cli.main import main

SHARED = Path(__file__).parents[3] / "shared" / "vectors"

DOCKER = """#!/bin/sh
case "$1 $2" in
  "version --format") echo '{"Client": {"Version": "26.1.5"}, "Server": {"Version": "26.1.5"}}'; exit;;
  "info --format") echo '[["driver-type", "io.containerd.snapshotter.v1"]]'; exit;;
  "buildx version") echo 'github.com/docker/buildx 0.13.1 x'; exit;;
  "buildx inspect") printf 'Driver: docker-container\\n'; exit;;
esac
{ printf '%s\\001' "$DOCKER_BUILDKIT" "$@"; printf '\\002'; } >> "$CALLS"
case "$*" in *"$FAIL_AT"*) echo 'fake docker: failing' >&2; exit "$FAIL_WITH";; esac
"""


def write_case(case: dict[str, Any], folder: Path) -> Path:
    """The project of a case, as files."""
    project = folder / "proj"
    project.mkdir()
    files = case.get("template_files", {}) | case.get("files", {}) | case.get("input_files", {})
    if case["stack_yaml"]:
        files[case.get("stack_file") or "stack.yaml"] = case["stack_yaml"].replace(
            "$DIR", str(project)
        )
    for name, content in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            b64decode(content["base64"]) if isinstance(content, dict) else content.encode()
        )
    for name in case.get("dirs", ()):
        (project / name).mkdir(parents=True, exist_ok=True)
    for name, target in case.get("symlinks", {}).items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).symlink_to(target)
    for name, mode in case.get("modes", {}).items():
        (project / name).chmod(int(mode, 8))
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (
            ("NAME", "t"),
            ("EMAIL", "t@example.com"),
            ("DATE", "2024-01-01T00:00:00Z"),
        )
    }
    for line in case.get("setup", ()):
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
        } | identity
        subprocess.run(
            ["sh", "-ec", line.replace("$DIR", str(project))], check=True, cwd=project, env=environ
        )
    return project


def replay(
    case: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, list[tuple[str, ...]]]:
    """Runs the command line on a case; returns its exit code, and the calls of docker."""
    project = write_case(case, folder)
    (folder / "bin").mkdir()
    (folder / "bin" / "docker").write_text(DOCKER)
    (folder / "bin" / "docker").chmod(0o755)
    monkeypatch.chdir(project)
    fail_at, _, fail_with = (case.get("docker_exit") or "no such words=0").partition("=")
    for name in tuple(os.environ):
        if name not in ("PYTEST_CURRENT_TEST", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
            monkeypatch.delenv(name)
    environ = {
        "PATH": f"{folder}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "GIT_CEILING_DIRECTORIES": str(folder),
    }
    environ |= {"CALLS": str(folder / "calls"), "FAIL_AT": fail_at, "FAIL_WITH": fail_with}
    for name, value in (environ | case["env"]).items():
        monkeypatch.setenv(name, value.replace("$DIR", str(project)))
    words = [word.replace("$DIR", str(project)) for word in case["command"]]
    try:
        code = main(words)
    except SystemExit as end:
        code = int(end.code or 0)
    calls = (folder / "calls").read_text().split("\2")[:-1] if (folder / "calls").exists() else []
    return code, [tuple(call.split("\1")[:-1]) for call in calls]


def meaning(words: tuple[str, ...], context: str) -> tuple[tuple[str, ...], Counter[str]]:
    """One call without the order of its arguments: the command, and flags with their values."""
    head = words[:2] if words[0] == "buildx" else words[:1]
    words_with_values: Counter[str] = Counter()
    rest = iter(words[len(head) :])
    for word in rest:
        if word in ("--build-arg", "--tag", "--label", "--secret", "--platform", "--ssh"):
            words_with_values[f"{word}={next(rest)}"] += 1
        elif word == "--metadata-file":
            next(rest)  # how we learn the digest
        elif not word.startswith("--builder=") and word != "--progress=plain":
            words_with_values[
                "--push"
                if word == "--output=type=registry,push=true"
                else context
                if word == "."
                else word
            ] += 1
    return head, words_with_values


TEMPLATE = {
    "template/py/template.yml": "build_options: [{name: dev, packages: [make, gcc]}]\n",
    "template/py/Dockerfile": "FROM a\n",
}


def own(name: str, function: str, command: list[str], *argv: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of a case
    """A case of our own: one function, its handler, and what docker is called with."""
    head = "provider: {name: openfaas}\nfunctions:\n  fn:\n    lang: py\n    handler: ./fn\n"
    calls = [{"cwd": "build/fn", "env": more.pop("buildkit", [])}] if argv else []
    return {
        "case": name,
        "stack_yaml": f"{head}    {function}\n",
        "template_files": TEMPLATE,
        "files": {"fn/h": "h"} | more.pop("files", {}),
        "command": command,
        "env": more.pop("env", {}),
        "docker_argv": [["docker", *argv]] if argv else [],
        "docker_calls": calls,
        "exit_code": 0,
        **more,
    }


OUT = ("--output=type=registry,push=true", "--platform=linux/amd64")
NO_PACKAGE = ("--build-arg", "ADDITIONAL_PACKAGE=")
OWN = [
    own("own-latest", "image: a/b", ["build"], "build", *NO_PACKAGE, "--tag", "a/b:latest", "."),
    own("own-substituted", "image: a/b:${T:-1}", ["build"], "build", *NO_PACKAGE, "--tag", "a/b:2", ".", env={"T": "2"}),
    own(
        "own-packages", "image: a/b:1\n    build_args: {ADDITIONAL_PACKAGE: zlib curl}",
        ["build", "-o", "dev", "-b", "ADDITIONAL_PACKAGE=zlib", "-b", "ADDITIONAL_PACKAGE=curl"],
        "build", "--build-arg", "ADDITIONAL_PACKAGE=curl gcc make zlib", "--tag", "a/b:1", ".",
    ),
    own("own-unknown-option", "image: a/b", ["build", "-o", "nope"], exit_code=1),
    own("own-bad-label", "image: a/b", ["build", "--build-label", "a="], exit_code=1),
    own(
        "own-label-pull-proxy", "image: a/b", ["build", "--build-label", " l = 1 ", "--pull", "--no-cache", "--squash"],
        "build", "--build-arg", "http_proxy=http://p", *NO_PACKAGE, "--label", "l=1", "--pull", "--no-cache", "--squash", "--tag", "a/b:latest", ".",
        env={"http_proxy": "http://p", "https_proxy": ""},
    ),
    own(
        "own-secret", "image: a/b\n    build_secrets: {s: ./s.txt}", ["build"],
        "build", *NO_PACKAGE, "--secret", "id=s,src=$DIR/s.txt", "--tag", "a/b:latest", ".",
        files={"s.txt": "x"}, buildkit=["DOCKER_BUILDKIT=1"],
    ),
    own("own-publish", "image: h:5000/b", ["publish", "--extra-tag", "v1"], "buildx", "build", *OUT, *NO_PACKAGE, "--tag", "h:5000/b:latest", "--tag", "h:5000/b:v1", "."),
    own("own-digest", "image: a/b:1", ["build", "--tag", "DIGEST"], "build", *NO_PACKAGE, "--tag", "a/b:fe48d9de8ee2c143940417fd4894278a", "."),
    own("own-push", "image: a/b", ["push"], "push", "a/b:latest"),
    own("own-filter", "image: a/b", ["build", "--filter", "f?"], exit_code=1),
    own("own-regex", "image: a/b", ["build", "--regex", "^f"], "build", *NO_PACKAGE, "--tag", "a/b:latest", "."),
    own("own-both", "image: a/b", ["build", "--regex", "^f", "--filter", "fn"], exit_code=1),
    own("own-skipped", "skip_build: yes", ["build"]),
]  # fmt: skip
ARGV = OWN + (
    [json.loads(line) for line in (SHARED / "faascli_argv.jsonl").read_text().splitlines()]
    if SHARED.exists()
    else []
)
NOT_OURS = {"up", "deploy", "local-run"}

# Where we differ and mean to: the case, and why.
ERROR = "what docker would reject is an error before docker runs"
DIFFERENCES = {
    "image_quoted_with_space": ERROR,
    "image_missing": ERROR,
    "proxy_upper_ignored": "upper-case proxies are passed on too",
    "proxy_and_yaml_build_arg": "a build argument is passed once, and the value of the file wins",
    "tag_sha_not_a_repo": "an error of git is not used as a tag",
    "tag_branch_not_a_repo": "an error of git is not used as a tag",
    "tag_describe_tag_with_plus": "characters that a tag cannot have become dashes",
    "build_secrets_tilde": "`~` is the home folder",
    "template_dir_is_symlink": "a template may be a link within the project",
    "dockerfile_lang_without_template_dir": "`dockerfile` needs no template",
    "positional_args_ignored": "names given as arguments select functions",
    "yaml_unknown_function_field": "`build_cache` is a known field here",
    "publish_platforms_empty": "an empty list of platforms is the default",
    "publish_buildx_create_fails": "no builder is created",
    "publish_mount_ssh": "`mount_ssh` mounts",
    "template_store_pull_local_repo": "nothing is pulled from a store",
    "template_capital_dir_publish": "the name of a template keeps its case",
}


def same(case: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a case ends like faas-cli: the same builds and pushes, or none and a failure."""
    code, calls = replay(case, folder, monkeypatch)
    project = str(folder / "proj")
    theirs = []
    for words, call in zip(case.get("docker_argv", []), case.get("docker_calls", []), strict=True):
        if words[1:3] != ["buildx", "create"]:
            argv = tuple(word.replace("$DIR", project) for word in words[1:])
            theirs.append(
                (*meaning(argv, call["cwd"]), "1" if "DOCKER_BUILDKIT=1" in call["env"] else "")
            )
    ours = [(*meaning(words[1:], ""), words[0]) for words in calls]
    key = str
    return ((code != 0) == (case["exit_code"] != 0)) and sorted(ours, key=key) == sorted(
        theirs, key=key
    )


@pytest.mark.parametrize(
    "case",
    [case for case in ARGV if case["command"][0] not in NOT_OURS],
    ids=lambda case: case["case"],
)
def test_docker_is_called_as_faas_cli_calls_it(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same calls in any order of arguments; the cases in `DIFFERENCES` do differ."""
    assert same(case, tmp_path, monkeypatch) is (case["case"] not in DIFFERENCES)


OWN_TREE = own("own-tree", "image: a/b", ["build", "--shrinkwrap"]) | {
    "output_tree": {
        name: {"mode": "0700"}
        if text is None
        else {"mode": "0755", "sha256": hashlib.sha256(text.encode()).hexdigest()}
        for name, text in {".": None, "fn": None, "fn/function": None, "fn/function/h": "h"}.items()
    }
    | {
        f"fn/{name[12:]}": {"mode": "0600", "sha256": hashlib.sha256(text.encode()).hexdigest()}
        for name, text in TEMPLATE.items()
    },
    "modes": {"fn/h": "0755"},
}
TREES = [OWN_TREE] + (
    [json.loads(line) for line in (SHARED / "faascli_shrinkwrap.jsonl").read_text().splitlines()]
    if SHARED.exists()
    else []
)
WHOLE = "a context that cannot be written is not written in part"
TREE_DIFFERENCES = {
    "handler_is_file": WHOLE,
    "symlink_self_loop": WHOLE,
    "symlink_directory_cycle": WHOLE,
    "copy_missing": WHOLE,
    "copy_symlink_outside": "a link out of the project is an error",
    "name_nested_in_other": "a name is one component of a path",
}


def tree_of(build: Path) -> dict[str, tuple[str, str]]:
    """What is in a folder: modes, and the digests of files."""
    entries = {}
    for path in sorted([build, *build.rglob("*")]) if build.exists() else ():
        mode = f"{stat.S_IMODE(path.lstat().st_mode):04o}"
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "dir"
        entries[str(path.relative_to(build))] = (mode, content)
    return entries


@pytest.mark.parametrize("case", TREES, ids=lambda case: case["case"])
def test_contexts_are_those_of_faas_cli(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same files with the same bytes; folders are 0755, files 0644 or 0755."""
    code, calls = replay(case, tmp_path, monkeypatch)
    theirs = {
        name: (
            "0755" if "sha256" not in entry or int(entry["mode"], 8) & 0o100 else "0644",
            entry.get("sha256", "dir"),
        )
        for name, entry in case["output_tree"].items()
    }
    ours = tree_of(tmp_path / "proj" / "build")
    assert calls == []
    assert (((code != 0) == (case["exit_code"] != 0)) and ours == theirs) is (
        case["case"] not in TREE_DIFFERENCES
    ), (
        ours,
        theirs,
    )
