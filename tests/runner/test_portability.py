"""Systems that lack what POSIX has: everything is imported, and what needs no process works."""

import pytest
from runner_values import interpreter

GONE = """
import os, signal, subprocess, sys
import random, selectors, socket, tempfile, threading  # they look at what is there, too
for name in ("killpg", "waitid", "openpty", "register_at_fork"):
    delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGCONT", "SIGWINCH"):
    delattr(signal, name)
for name in ("termios", "tty", "pty", "fcntl"):
    sys.modules[name] = None
"""
MODULES = "asynchronous builds children execution git inspection processes recording records results stop supervision terminal workers"


@pytest.mark.parametrize("module", MODULES.split())
def test_every_module_can_be_imported(module: str) -> None:
    """Without process groups, terminals, and half of the signals."""
    child = interpreter(f"{GONE}\nimport faas_cache.runner.{module}")
    assert child.communicate() == (b"", b"")
    assert child.returncode == 0


def test_pure_parts_work() -> None:
    """Output, results, stops, and what docker printed."""
    code = f"""{GONE}
import io
from faas_cache.runner.inspection import parse_nodes
from faas_cache.runner.results import BuildResult
from faas_cache.runner.stop import Stop
from faas_cache.runner.terminal import terminal_of, writer_for
stop = Stop()
stop.stop()
stream = io.StringIO()
writer_for(stream)(b"text")
print(stop.stopped, stream.getvalue(), terminal_of(None), BuildResult().ok)
print(parse_nodes("Nodes:"))
"""
    child = interpreter(code)
    assert child.communicate() == (b"True text None True\n()\n", b"")


def test_a_program_is_run_and_ended() -> None:
    """As far as a POSIX system without these names can show it; `Popen.kill` needs one of them."""
    code = f"""{GONE.replace('"SIGKILL", ', "")}
from faas_cache.runner.processes import ask
print(ask(("sh", "-c", "echo text")).stdout, end="")
print(ask(("sleep", "300"), timeout=0.1).problem)
"""
    child = interpreter(code)
    assert child.communicate() == (b"text\nno answer within 0.1 seconds\n", b"")
