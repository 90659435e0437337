"""`python -m faas_cache.conformance`: real programs under test, right and wrong ones, and exit codes."""

from __future__ import annotations

import io
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import pytest

from faas_cache.conformance.command import USAGE, main

SERVE = (sys.executable, "-m", "faas_cache.conformance", "serve")
PROPOSAL = Path(__file__).parent / "proposal.mjs"
HELP = "    run `python -m faas_cache.conformance --help`"


def wrong(code: str) -> list[str]:
    """A program that changes the answers of this package."""
    program = f"""
        import json, sys
        from faas_cache.conformance.protocol import Question, answer
        for line in sys.stdin:
            question = json.loads(line)
            data = {{"id": question["id"], **answer(Question(**question)).to_json()}}
            {code}
            print(json.dumps(data), flush=True)
    """
    return [sys.executable, "-c", textwrap.dedent(program)]


def test_ours_passes_behind_the_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    """`serve` passes all vectors and generated cases."""
    assert main(["run", "--generated", "20", "--", *SERVE]) == 0
    out, err = capsys.readouterr()
    assert (out.splitlines()[-2:], err) == (
        ["205 of 205 vectors pass", "20 generated cases pass"],
        "",
    )


@pytest.mark.program("node")
def test_a_small_javascript_implementation_passes_the_proposal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An implementation of the proposal alone passes the proposal's part, generated cases included."""
    assert main(["run", "--source=proposal", "--generated=100", "--", "node", str(PROPOSAL)]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "33 of 33 vectors pass",
        "100 generated cases pass",
    ]


@pytest.mark.program("node")
def test_the_proposal_alone_does_not_pass_the_extensions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An implementation of the proposal alone fails vectors of the extensions."""
    assert main(["run", "--source", "extension", "--", "node", str(PROPOSAL)]) == 1
    assert "B4   1 of 4 vectors pass\n" in capsys.readouterr().out


def test_a_wrong_answer_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, and the vector with what was expected; generated cases are not tried then."""
    program = wrong("data['env'] = {}")
    assert main(["run", "--source", "proposal", "--generated", "5", "--", *program]) == 1
    out = capsys.readouterr().out
    assert '       env: expected {"DOCKER_BUILDKIT": "1"}, got {}\n' in out
    assert out.splitlines()[-1] == "3 of 33 vectors pass"


def test_a_generated_case_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 where only a generated case differs."""
    program = wrong(
        "'VERSION' in str(line) and 'generated' in line and data.update(env={'A': 'b'})"
    )
    flags = ["--source", "proposal", "--generated", "300"]
    assert main(["run", *flags, "--", *program]) == 1
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "33 of 33 vectors pass",
        "a generated case differs:",
        '       function: {"image": "0", "build_cache": "inline", "build_args": {"VERSION": ""}}',
        '       env: expected {"DOCKER_BUILDKIT": "1"}, got {"A": "b"}',
    ]


def test_a_program_that_dies(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, with the vector and the line that the program did not answer."""
    assert main(["run", "--", sys.executable, "-S", "-c", "raise SystemExit(4)"]) == 2
    err = capsys.readouterr().err.splitlines()
    assert err == [
        'the input was {"id": "A1-absent", "function": {"image": "ghcr.io/lucasroesler/my-function:latest"}, "flags": {}}',
        "A1-absent: error: the program exited with code 4 before it answered [program-failed]",
        "    answer every line until the input ends",
        "    https://jsonlines.org/",
    ]


def test_a_program_that_hangs(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 after the time for one answer."""
    program = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    assert main(["run", "--timeout", "1", "--", *program]) == 2
    assert "error: no answer within 1 seconds [program-failed]\n" in capsys.readouterr().err


def test_a_program_that_prints_garbage(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, with what it printed."""
    program = [sys.executable, "-S", "-c", "print('hello', flush=True); input(); input()"]
    assert main(["run", "--", *program]) == 2
    assert "error: expected JSON, got `hello` [program-failed]\n" in capsys.readouterr().err


def test_a_program_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2."""
    assert main(["run", "--", "faas-cache-no-such-program"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: `faas-cache-no-such-program` not found on PATH [program-failed]",
        "    install `faas-cache-no-such-program`, or add its folder to PATH",
        "    https://jsonlines.org/",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected `run` or `serve`, got ``"),
        (["walk"], "expected `run` or `serve`, got `walk`"),
        (["serve", "x"], "expected `run` or `serve`, got `serve x`"),
        (["run"], "no command to test"),
        (["run", "--"], "no command to test"),
        (["run", "--generated", "5"], "no command to test"),
        (["run", "--generated"], "the flag `--generated` has no value"),
        (["run", "node", "x"], "unknown flag `node`"),
        (["run", "--source", "ours", "--", "x"], "invalid value of the flag `--source`"),
        (["run", "--generated=-1", "--", "x"], "invalid value of the flag `--generated`"),
        (["run", "--seed=a", "--", "x"], "invalid value of the flag `--seed`"),
        (["run", "--timeout=0", "--", "x"], "invalid value of the flag `--timeout`"),
        (["run", "--timeout=nan", "--", "x"], "invalid value of the flag `--timeout`"),
        (["run", "--timeout=x", "--", "x"], "invalid value of the flag `--timeout`"),
    ],
)  # fmt: skip
def test_wrong_command_lines(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and one message."""
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[:2]) == ("", [f"error: {message} [invalid-argument]", HELP])


def test_importing_the_command_does_nothing() -> None:
    """The module of the command can be imported, as tools for documentation do."""
    assert import_module("faas_cache.conformance.__main__").main is main


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["run", "--help"], ["serve", "-h"]])
def test_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The usage is printed on standard output."""
    assert main(words) == 0
    assert capsys.readouterr() == (USAGE, "")


def test_ctrl_c_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 130, without a traceback."""

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("faas_cache.conformance.command.load_vectors", interrupt)
    assert main(["run", "--", *SERVE]) == 130


def test_serve_reads_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`serve` answers the lines of its standard input."""
    line = '{"id": "1", "function": {"image": ""}, "flags": {}}\n'
    monkeypatch.setattr(sys, "stdin", io.StringIO(line))
    assert main(["serve"]) == 0
    assert capsys.readouterr().out == '{"id": "1", "errors": ["missing-image"]}\n'
