"""`python -m faas_cache.conformance`."""

import sys

from faas_cache.conformance.command import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
