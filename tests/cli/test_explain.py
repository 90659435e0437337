"""`faas-cache explain`: logs in files or on standard input, explained."""

import io
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer
from types import SimpleNamespace

import pytest

from faas_cache.buildkit.explanations import explain
from faas_cache.cli import explain as command
from faas_cache.cli.main import main
from faas_cache.serialization import to_dict

MISSING = "#1 importing cache manifest from a/b:c\n#1 ERROR: a/b:c: not found\n"
DENIED = f"{MISSING}ERROR: failed to solve: failed to push a/b:1: denied\n"
FAILED = "ERROR: failed to solve: dockerfile parse error on line 1: unknown instruction: FRM\n"
# faas-cli runs builds side by side without marking their lines, and repeats those that failed.
FAASCLI = f"""\
\x1b[33m[0] > Building a.
\x1b[0m\x1b[33m[1] > Building b.
\x1b[0mBuilding: x/a with node template. Please wait..
#0 building with "default" instance using docker driver
#1 [internal] load build definition from Dockerfile
#0 building with "default" instance using docker driver
{FAILED}\x1b[33m[1] < Building b done in 1.05s.
\x1b[0m
Errors received during build:
- [a] received non-zero exit code from build, error: #0 building with "default" instance
{FAILED}
- [c] received non-zero exit code from build, error: ERROR: failed to solve: secret tok: not found

"""
NO_LOG = (
    "error: no log of a build in {} [invalid-argument]\n"
    "    pass what `faas-cache build`, `docker build` or `docker push` printed, with stderr:"
    " `faas-cache build 2>&1 | tee build.log`\n"
)
UNREADABLE = (
    "error: cannot read the log {} [invalid-argument]\n"
    "    name the file with the log of a build, or pass the log on standard input\n"
)


def give(monkeypatch: pytest.MonkeyPatch, log: str) -> None:
    """A log on standard input."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(log.encode())))


@pytest.mark.parametrize("operands", [[], ["-"], ["-", "-"]])
@pytest.mark.parametrize("log", [MISSING, DENIED, "Successfully built 1\n"])
def test_a_log_is_explained(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    log: str,
    operands: list[str],
) -> None:
    """Failures, then notes; exit code 0, because it was explained."""
    explanations = explain(log.encode())
    failures = [item for item in explanations if item.severity == "error"]
    notes = [item for item in explanations if item.severity != "error"]
    outputs = []
    for words in (["explain", *operands], ["explain", "--json", *operands]):
        give(monkeypatch, log)
        assert main(words) == 0
        outputs.append(capsys.readouterr().out)
    end = "" if failures else "no failed build in the log\n"
    assert outputs[0] == "".join(f"{e}\n" for e in (*failures, *notes)) + end
    assert json.loads(outputs[1]) == json.loads(
        json.dumps({"failures": [*map(to_dict, failures)], "notes": [*map(to_dict, notes)]})
    )


def test_json_has_the_promised_keys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Programs read them."""
    give(monkeypatch, DENIED)
    assert main(["explain", "--json"]) == 0
    (failure,) = json.loads(capsys.readouterr().out)["failures"]
    keys = {"function", "step", "cause", "image_pushed", "message", "fix", "url"}
    assert keys <= failure.keys()


@pytest.mark.parametrize("log", ["", "hello\n", "a | b\n", "Error: no such user\n", "#1 of all\n"])
def test_a_text_without_a_build_is_not_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log: str
) -> None:
    """It does not say that nothing failed; exit code 1."""
    give(monkeypatch, log)
    assert main(["explain"]) == 1
    assert capsys.readouterr() == ("", NO_LOG.format("the standard input"))
    give(monkeypatch, log)
    assert main(["explain", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"failures": [], "notes": []}


def test_a_closed_input_is_not_a_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is empty."""
    monkeypatch.setattr("sys.stdin", None)
    assert main(["explain"]) == 1
    assert capsys.readouterr().out == ""


def test_files_are_read(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each failure says which file it is in; what is not a log, or cannot be read, is named."""
    for name, text in {"a.log": FAILED, "b.log": DENIED, "c.txt": "hello\n"}.items():
        (project / name).write_text(text)
    assert main(["explain", "a.log", "b.log", "a.log"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "error: the Dockerfile is invalid [build-failed]",
        "error: could not push the image: access denied [build-failed]",
        "note: no cache found at `a/b:c` [import-failed]",
    ]
    assert [line for line in lines if "log: " in line] == [
        "    log: a.log", "    log: b.log", "    log: b.log"
    ]  # fmt: skip
    assert main(["explain", "a.log", "c.txt"]) == 1
    output = capsys.readouterr()
    assert output.out.startswith("error: the Dockerfile is invalid")
    assert output.err == NO_LOG.format("`c.txt`")
    assert main(["explain", "a.log", "c.txt", "none.log", "."]) == 2
    output = capsys.readouterr()
    assert output.out.startswith("error: the Dockerfile is invalid")
    assert output.err == (
        NO_LOG.format("`c.txt`")
        + UNREADABLE.format("`none.log`: no such file or directory")
        + UNREADABLE.format("`.`: is a directory")
    )


def test_a_name_that_no_file_can_have_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the system says about it."""
    assert main(["explain", "a\0b"]) == 2
    assert capsys.readouterr().err == UNREADABLE.format("`a\\x00b`: embedded null byte")


def test_a_pipe_is_read(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`explain <(…)`."""
    assert project.exists()
    reader, writer = os.pipe()
    os.write(writer, FAILED.encode())
    os.close(writer)
    assert main(["explain", f"/dev/fd/{reader}"]) == 0
    os.close(reader)
    assert "the Dockerfile is invalid" in capsys.readouterr().out


def test_the_end_of_a_long_log_is_explained(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And one without an end is refused."""
    monkeypatch.setattr(command, "MAX_LOG", 2**10)
    (project / "log").write_text("x" * 2**12 + "\n" + FAILED)
    assert main(["explain", "log"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("error: the Dockerfile is invalid")
    assert output.err == "the log is long: only its last 0 MiB are explained\n"
    monkeypatch.setattr(command, "MAX_INPUT", 2**11)
    assert main(["explain", "log"]) == 2
    assert capsys.readouterr().err == UNREADABLE.format("`log`: it does not end within 0 GiB")


def test_every_failed_function_of_faascli_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By what it repeats at the end; until then by what it prints before a build."""
    give(monkeypatch, FAASCLI)
    assert main(["explain", "--json"]) == 0
    failures = json.loads(capsys.readouterr().out)["failures"]
    assert [(f["function"], f["step"]) for f in failures] == [
        ("a", "dockerfile"), ("c", "build-step")
    ]  # fmt: skip
    give(monkeypatch, FAASCLI.partition("Errors received")[0])
    assert main(["explain", "--json"]) == 0
    failures = json.loads(capsys.readouterr().out)["failures"]
    assert [(f["function"], f["step"]) for f in failures] == [("b", "dockerfile")]


def test_the_log_of_this_program_names_its_functions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the line before each build, without caching too; its own explanations are passed over."""
    log = (
        f"a: docker build --tag x/a:1 build/a\n{FAILED}"
        "b: DOCKER_BUILDKIT=1 docker buildx build --push --tag x/b:1 build/b\n"
        '#0 building with "default" instance\nERROR: failed to solve: secret tok: not found\n'
        "c: pushing\nThe push refers to repository [docker.io/x/c]\ndenied\n"
        "a: error: the Dockerfile is invalid [build-failed]\n    ERROR: failed to solve: EOF\n"
    )
    give(monkeypatch, log)
    assert main(["explain", "--json"]) == 0
    failures = json.loads(capsys.readouterr().out)["failures"]
    assert [(f["function"], f["step"]) for f in failures] == [
        ("a", "dockerfile"), ("b", "build-step"), ("c", "image-push")
    ]  # fmt: skip


PUSHES = {
    "push access denied, repository does not exist or may require authorization: server message:"
    " insufficient_scope: authorization failed": "unauthorized",
    "authorization failed: no basic auth credentials": "unauthorized",
    "no basic auth credentials": "unauthorized",
    "error from registry: denied\ndenied": "denied",
    "denied": "denied",
    "error from registry: unsupported\nunsupported": "denied",
    "unsupported": "denied",
    "unexpected status from POST request to http://x/v2/a/blobs/uploads/: 405 Method Not Allowed": "denied",
    "405 Method Not Allowed": "denied",
    "received unexpected HTTP status: 405 Method Not Allowed": "denied",
    'failed to do request: Head "https://x/v2/a/blobs/sha256:1": dial tcp 1.2.3.4:443: connect: connection refused': "unreachable",
    'Get "https://x.invalid/v2/": dial tcp: lookup x.invalid on 1.1.1.1:53: no such host': "unreachable",
    "An image does not exist locally with the tag: x/a": "missing",
    "tag does not exist: x/a:1": "missing",
    "EOF": "unreachable",
    "out of cheese": "unknown",
}


@pytest.mark.parametrize(("error", "cause"), PUSHES.items(), ids=lambda text: text[:30])
def test_a_log_of_docker_push_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: str, cause: str
) -> None:
    """As docker 20, 26 and 28 print it, and what only it can have printed alone, as stderr does."""
    head = "The push refers to repository [x/a]\n2a5a49432d2c: Waiting\n"
    foreign = ("Get ", "EOF", "out of cheese", "authorization failed")
    for log in (f"{head}{error}\n", *(() if error.startswith(foreign) else (f"{error}\n",))):
        give(monkeypatch, log)
        assert main(["explain", "--json"]) == 0
        (failure,) = json.loads(capsys.readouterr().out)["failures"]
        answer = (failure["step"], failure["cause"], failure["image_pushed"])
        assert answer == ("image-push", cause, False)


def test_each_push_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that succeeds does not hide the one before it."""
    head = "The push refers to repository [x/a]\n2a5a49432d2c: Pushed\n"
    end = f"1: digest: sha256:{'0' * 64} size: 502\n"
    give(monkeypatch, f"{head}{end}{head}denied\n{head}{end}")
    assert main(["explain", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["failures"]) == 1


def test_an_error_without_a_builder_is_unrecognized(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`EOF` alone may come from anywhere."""
    give(monkeypatch, "ERROR: EOF\n")
    assert main(["explain", "--json"]) == 0
    (failure,) = json.loads(capsys.readouterr().out)["failures"]
    assert (failure["step"], failure["cause"]) == (None, "unknown")


@pytest.mark.parametrize("polls", [True, False])
def test_a_log_may_come_late(
    polls: bool,  # noqa: FBT001  # whether the system has `poll`
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is waited for in turns, or by the read itself."""
    monkeypatch.setattr(command, "_TURN", 1)
    if not polls:
        monkeypatch.delattr(select, "poll")
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stream, os.fdopen(writer, "wb") as target:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stream))

        def write() -> None:
            target.write(DENIED.encode())
            target.close()

        timer = Timer(0.1, write)
        timer.start()
        assert main(["explain"]) == 0
        timer.join()
    assert "denied" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_reading_of_a_log(number: signal.Signals) -> None:
    """A log that does not end, as of a build that still runs: no traceback, and the exit code of the signal."""
    code = (
        "import sys\n"
        "from faas_cache.cli import explain\n"
        "from faas_cache.cli.main import main\n"
        "read = explain._read_log\n"
        "explain._read_log = lambda name: print(0, flush=True) or read(name)\n"
        "sys.exit(main(['explain']))"
    )
    pipe = subprocess.PIPE
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.read(2) == b"0\n"
        child.stdin.write(DENIED.encode() * 100)
        child.stdin.flush()
        child.send_signal(number)
        assert child.wait(60) == 128 + number
        assert (child.stdout.read(), child.stderr.read()) == (b"", b"")
