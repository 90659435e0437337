"""Checks of plans for a builder apart from the docker daemon, and for its nodes.

Each node runs a separate BuildKit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from faas_cache.model.builders import Builder
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.text import printable
from faas_cache.planning.exports import destination_text, destinations, sets_output
from faas_cache.planning.plan import BuildPlan

__all__ = ["check_loading", "check_nodes"]

_SEVERAL = 2


def check_loading(plans: Iterable[BuildPlan], builder: Builder) -> Iterator[Diagnostic]:
    """F2, F5: the images that a docker daemon should store that does not respond."""
    plans = tuple(plans)
    if not builder.daemon_error or not any(plan.needs for plan in plans):  # F3: `docker build`
        return
    for plan in plans:
        own = any(map(sets_output, plan.builder_flags))
        if "--load" in plan.builder_flags if own else plan.output in (None, "load"):
            yield Diagnostic(
                name="daemon-unreachable",
                message="cannot connect to the Docker daemon, which stores the image of `--load`:"
                f" {printable(builder.daemon_error)}",
                hint="start it, check DOCKER_HOST and `docker context ls`, or push the image with"
                " `--push`",
                location=Location(path=("functions", plan.function)),
            )


def check_nodes(plans: Iterable[BuildPlan], builder: Builder) -> Iterator[Diagnostic]:
    """F2: the nodes that do not respond; E5: the caches that each node replaces."""
    for name in builder.silent_nodes:
        yield Diagnostic(
            name="daemon-unreachable",
            severity="warning",
            message=f"node `{printable(name)}` of the builder `{printable(builder.name)}`"
            " does not respond",
            hint="start it, or build only for platforms of the other nodes",
        )
    if len(builder.nodes) >= _SEVERAL:
        for plan in plans:
            if len(plan.platforms) >= _SEVERAL and not _is_one_node(plan, builder):
                yield from _check_exports(plan, builder)


def _is_one_node(plan: BuildPlan, builder: Builder) -> bool:
    """Whether one node is known to build all platforms, as with replicas in a cluster.

    For each platform, buildx takes the first node that was created for it; if there is none for one
    of them, the first node that has it (buildx build/driver.go).
    """
    lists = [text.split(",") for text in builder.node_platforms]
    for suffixes in (("*",), ("*", "")):
        chosen = {
            next((i for i, names in enumerate(lists) if {p + s for s in suffixes} & {*names}), None)
            for p in plan.platforms
        }
        if None not in chosen:
            return len(chosen) == 1
    return False


def _check_exports(plan: BuildPlan, builder: Builder) -> Iterator[Diagnostic]:
    """Each node exports the cache of its platforms to the same destination: the last one wins."""
    for direction, entry, path in plan.entries():
        if direction != "to" or entry.type == "inline":  # the cache in an image is its own
            continue
        for destination in sorted(destinations(entry)):
            yield Diagnostic(
                name="shared-cache-destination",
                severity="warning",
                message=f"the {len(builder.nodes)} nodes of the builder `{printable(builder.name)}`"
                f" export to `{destination_text(destination)}`, and the last one replaces the"
                " others",
                hint="build each platform by itself with `--cache-scope '{platform}'`,"
                " or use a builder with one node",
                location=Location(path=path),
            )
