"""`faas-cache registries`: lists what is known of registries and caches."""

from __future__ import annotations

import attrs

from faas_cache.cli.arguments import Arguments
from faas_cache.cli.output import ExitCode, print_json
from faas_cache.cli.streams import write_stdout
from faas_cache.model.registries import REGISTRIES

__all__ = ["run"]


def run(arguments: Arguments) -> int:
    """Prints the table of registries, with the evidence for each row and its date."""
    if arguments.json:
        print_json([attrs.asdict(row) for row in REGISTRIES])
        return ExitCode.DONE
    for row in REGISTRIES:
        needs = f"; needs {row.need}" if row.need else ""
        lines = (
            f"{row.name}: {', '.join(row.hosts) or 'any host'}",
            f"    image index: {row.index}; image manifest: {row.image_manifest}{needs}",
            *(f"    {text}" for text in (row.note, f"{row.evidence} ({row.date})") if text),
        )
        write_stdout("".join(f"{line}\n" for line in lines))
    return ExitCode.DONE
