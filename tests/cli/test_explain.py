"""`faas-cache explain`: a log on standard input, explained."""

import io
import json
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from faas_cache.buildkit.explanations import explain
from faas_cache.cli.main import main
from faas_cache.serialization import to_dict

MISSING = "#1 importing cache manifest from a/b:c\n#1 ERROR: a/b:c: not found\n"
DENIED = f"{MISSING}ERROR: failed to solve: failed to push a/b:1: denied\n"


@pytest.mark.parametrize("log", [MISSING, DENIED, "", "no log\n"])
def test_a_log_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log: str
) -> None:
    """Failures, then notes; exit code 0, because it was explained."""
    explanations = explain(log.encode())
    failures = [item for item in explanations if item.severity == "error"]
    notes = [item for item in explanations if item.severity != "error"]
    outputs = []
    for words in (["explain"], ["explain", "--json"]):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(log.encode())))
        assert main(words) == 0
        outputs.append(capsys.readouterr().out)
    end = "" if failures else "no failed build in the log\n"
    assert outputs[0] == "".join(f"{e}\n" for e in (*failures, *notes)) + end
    assert json.loads(outputs[1]) == json.loads(
        json.dumps({"failures": [*map(to_dict, failures)], "notes": [*map(to_dict, notes)]})
    )


def test_without_an_input_there_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A closed standard input is an empty log."""
    monkeypatch.setattr("sys.stdin", None)
    assert (main(["explain"]), capsys.readouterr().out) == (0, "no failed build in the log\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_reading_of_a_log(number: signal.Signals) -> None:
    """A log that does not end, as of a build that still runs: no traceback, and the exit code of the signal."""
    code = (
        "import sys\n"
        "from faas_cache.cli import explain\n"
        "from faas_cache.cli.main import main\n"
        "read = explain._read_log\n"
        "explain._read_log = lambda stream: print(0, flush=True) or read(stream)\n"
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
