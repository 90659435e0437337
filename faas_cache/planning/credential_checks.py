"""Exports to registries for which docker's configuration has no credentials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from faas_cache.model.builders import Builder
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.features import function_names
from faas_cache.model.text import printable
from faas_cache.planning.entry_checks import parsed_reference
from faas_cache.planning.plan import BuildPlan

__all__ = ["check_credentials"]

# Names of machines in a local network, whose registries often need no login.
_LOCAL_NAMES = (".local", ".localhost", ".internal")


def check_credentials(plans: Iterable[BuildPlan], builder: Builder) -> Iterator[Diagnostic]:
    """F2: a warning for each registry that caches are exported to without credentials."""
    if builder.registries is None:
        return
    exports: dict[str, dict[str, KeyPath]] = {}
    for plan in plans:
        for direction, entry, path in plan.entries():
            ref = parsed_reference(entry.attrs.get("ref")) if entry.type == "registry" else None
            if direction == "to" and ref is not None and not _is_local(ref.domain):
                exports.setdefault(ref.domain, {}).setdefault(plan.function, path)
    for domain, paths in exports.items():
        if domain not in builder.registries:
            host = "" if domain == "docker.io" else f" {printable(domain)}"
            yield Diagnostic(
                name="missing-credentials",
                severity="warning",
                message=f"docker's configuration has no credentials for `{printable(domain)}`,"
                f" to which the cache of {function_names(list(paths))} is exported",
                hint=f"run `docker login{host}`, or build with `--no-cache-export`",
                location=Location(path=next(iter(paths.values()))),
            )


def _is_local(domain: str) -> bool:
    """Whether a registry is one of this machine or of a local network."""
    host = domain[1:].partition("]")[0] if domain.startswith("[") else domain.partition(":")[0]
    if host.endswith(_LOCAL_NAMES):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host
    return address.is_private or address.is_loopback
