"""`python -m faas_cache`: the command line."""

import sys

from faas_cache.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
