"""`faas-cache version`: prints the version."""

from __future__ import annotations

from faas_cache import __version__
from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import ExitCode
from faas_cache.cli.streams import write_stdout

__all__ = ["run"]


def run(_: Arguments) -> int:
    """Prints the version, as `--version` does."""
    write_stdout(f"{__version__}\n")
    return ExitCode.DONE
