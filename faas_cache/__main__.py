"""`python -m faas_cache`, and the entry point of the program `faas-cache`."""

import sys

__all__ = ["run"]


def run() -> int:
    """Runs the command line; Ctrl-C is no traceback while its modules are still being imported."""
    try:
        from faas_cache.cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run())
