"""`python -m faas_cache`, and the entry point of the program `faas-cache`."""

import gc
import sys

__all__ = ["run"]


def run() -> int:
    """Runs the command line; Ctrl-C prints no traceback while modules are imported.

    The process runs this and ends: looking for garbage, also at its end, would take a tenth of a
    short run.
    """
    gc.disable()
    try:
        from faas_cache.cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(run())
