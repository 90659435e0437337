"""CI systems by their environment: whether a job builds a pull or merge request (rule D10).

A variable that is empty, `false` or `0` counts as unset, since Buildkite sets
 `BUILDKITE_PULL_REQUEST=false`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import attrs

from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import EMPTY, FrozenMap

__all__ = [
    "CI_SYSTEMS",
    "CI_VARIABLES",
    "CIJob",
    "CISystem",
    "detect_job",
    "job_variables",
    "resolve_export",
]

_UNSET = frozenset({"", "false", "0"})


class CISystem(NamedTuple):
    """One CI system.

    Attributes:
        name: The name of the system.
        marker: The variable that is set in all its jobs, and its value if that matters.
        request: The variables that are set for a pull or merge request, each with the values that
            say so (none: any value).
        target: The variables that name the branch that a request is to be merged into.
        source: The page of the provider that documents them.
    """

    name: str
    marker: tuple[str, str]
    request: tuple[tuple[str, tuple[str, ...]], ...]
    target: tuple[str, ...]
    source: str


CI_SYSTEMS = (
    CISystem(
        "GitHub Actions",
        ("GITHUB_ACTIONS", ""),
        (("GITHUB_EVENT_NAME", ("pull_request", "pull_request_target")),),
        ("GITHUB_BASE_REF",),
        "https://docs.github.com/en/actions/reference/workflows-and-actions/variables",
    ),
    CISystem(
        "GitLab CI",
        ("GITLAB_CI", ""),
        (
            ("CI_PIPELINE_SOURCE", ("merge_request_event", "external_pull_request_event")),
            ("CI_MERGE_REQUEST_IID", ()),
            ("CI_EXTERNAL_PULL_REQUEST_IID", ()),
        ),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME"),
        "https://docs.gitlab.com/ci/variables/predefined_variables/",
    ),
    CISystem(
        "Azure Pipelines",
        ("TF_BUILD", ""),
        (("BUILD_REASON", ("PullRequest",)), ("SYSTEM_PULLREQUEST_PULLREQUESTID", ())),
        ("SYSTEM_PULLREQUEST_TARGETBRANCHNAME", "SYSTEM_PULLREQUEST_TARGETBRANCH"),
        "https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables",
    ),
    CISystem(
        "Bitbucket Pipelines",
        ("BITBUCKET_BUILD_NUMBER", ""),
        (("BITBUCKET_PR_ID", ()),),
        ("BITBUCKET_PR_DESTINATION_BRANCH",),
        "https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/",
    ),
    CISystem(
        "CircleCI",
        ("CIRCLECI", ""),
        (("CIRCLE_PULL_REQUEST", ()), ("CIRCLE_PR_NUMBER", ())),
        (),
        "https://circleci.com/docs/reference/variables/",
    ),
    CISystem(
        "Buildkite",
        ("BUILDKITE", ""),
        (("BUILDKITE_PULL_REQUEST", ()),),
        ("BUILDKITE_PULL_REQUEST_BASE_BRANCH",),
        "https://buildkite.com/docs/pipelines/configure/environment-variables",
    ),
    CISystem(
        "Jenkins",
        ("JENKINS_URL", ""),
        (("CHANGE_ID", ()),),
        ("CHANGE_TARGET",),
        "https://www.jenkins.io/doc/book/pipeline/multibranch/",
    ),
    CISystem(
        "Woodpecker CI",
        ("CI", "woodpecker"),
        (
            ("CI_PIPELINE_EVENT", ("pull_request", "pull_request_closed", "pull_request_metadata")),
            ("CI_COMMIT_PULL_REQUEST", ()),
        ),
        ("CI_COMMIT_TARGET_BRANCH",),
        "https://woodpecker-ci.org/docs/usage/environment",
    ),
)
# What a plan keeps of the environment for this table.
CI_VARIABLES = frozenset(
    {"CI"}
    | {system.marker[0] for system in CI_SYSTEMS}
    | {name for system in CI_SYSTEMS for name, _ in system.request}
    | {name for system in CI_SYSTEMS for name in system.target}
)
# Variables whose values matter.
_KEPT = frozenset(
    {system.marker[0] for system in CI_SYSTEMS if system.marker[1]}
    | {name for system in CI_SYSTEMS for name, values in system.request if values}
)


class CIJob(NamedTuple):
    """A job of a CI system.

    Attributes:
        system: The name of the system; empty for one that only sets `CI`.
        is_request: Whether the job builds a pull or merge request.
        target: The branch that the request is to be merged into; empty if unknown.
    """

    system: str
    is_request: bool = False
    target: str = ""


def detect_job(environ: Mapping[str, str]) -> CIJob | None:
    """The CI job of an environment; `None` outside of CI.

    >>> detect_job({"BUILDKITE": "true", "BUILDKITE_PULL_REQUEST": "12"})
    CIJob(system='Buildkite', is_request=True, target='')
    """
    for system in CI_SYSTEMS:
        variable, value = system.marker
        if _is_set(environ, variable) and value in ("", environ[variable]):
            is_request = any(_matches(environ, name, values) for name, values in system.request)
            targets = (environ[name] for name in system.target if _is_set(environ, name))
            target = next(targets, "").removeprefix("refs/heads/") if is_request else ""
            return CIJob(system=system.name, is_request=is_request, target=target)
    return CIJob(system="") if _is_set(environ, "CI") else None


def resolve_export(flags: CacheFlags, environ: Mapping[str, str] | None) -> CacheFlags:
    """The flags with `auto` replaced by what the environment says (rule D10).

    It is `off` in a pull or merge request and outside of CI. `None` is an environment that nobody
    looked at, which counts as outside of CI.

    >>> resolve_export(CacheFlags(export="auto"), {"CI": "true"}).export
    True
    """
    if flags.export != "auto":
        return flags
    job = detect_job(environ or EMPTY)
    return attrs.evolve(flags, export=job is not None and not job.is_request)


def job_variables(environ: Mapping[str, str]) -> FrozenMap[str]:
    """The variables that identify the CI job of an environment, if they are set.

    Values that do not matter are left out: the URL of a server may have a password.
    """
    kept = _KEPT | {name for system in CI_SYSTEMS for name in system.target}
    present = (name for name in sorted(CI_VARIABLES) if _is_set(environ, name))
    return FrozenMap({name: environ[name] if name in kept else "1" for name in present})


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").lower() not in _UNSET


def _matches(environ: Mapping[str, str], name: str, values: tuple[str, ...]) -> bool:
    return _is_set(environ, name) and (not values or environ[name] in values)
