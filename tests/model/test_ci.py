"""CI systems by their environment."""

import pytest

from faas_cache.model.ci import CI_SYSTEMS, CI_VARIABLES, CIJob, CISystem, detect_job

# The environment of a job of each system: on a branch, and for a pull or merge request into `main`.
JOBS = {
    "GitHub Actions": (
        {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_BASE_REF": "",
        },
        {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main"},
    ),
    "GitLab CI": (
        {"CI": "true", "GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "push"},
        {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        },
    ),
    "Azure Pipelines": (
        {"TF_BUILD": "True", "BUILD_REASON": "IndividualCI"},
        {
            "BUILD_REASON": "PullRequest",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
            "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
        },
    ),
    "Bitbucket Pipelines": (
        {"CI": "true", "BITBUCKET_BUILD_NUMBER": "3"},
        {"BITBUCKET_PR_ID": "7", "BITBUCKET_PR_DESTINATION_BRANCH": "main"},
    ),
    "Buildkite": (
        {"CI": "true", "BUILDKITE": "true", "BUILDKITE_PULL_REQUEST": "false"},
        {"BUILDKITE_PULL_REQUEST": "7", "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main"},
    ),
    "Jenkins": (
        {"JENKINS_URL": "https://ci.example.com/"},
        {"CHANGE_ID": "7", "CHANGE_TARGET": "main"},
    ),
    "Woodpecker CI": (
        {"CI": "woodpecker", "CI_PIPELINE_EVENT": "push"},
        {"CI_PIPELINE_EVENT": "pull_request", "CI_COMMIT_TARGET_BRANCH": "main"},
    ),
    # It does not name the branch.
    "CircleCI": (
        {"CI": "true", "CIRCLECI": "true"},
        {"CIRCLE_PULL_REQUEST": "https://github.com/acme/fn/pull/7"},
    ),
}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_on_a_branch_is_not_a_request(name: str) -> None:
    """Whatever else is set; a target that is set all the same counts for nothing."""
    environ, request = JOBS[name]
    targets = {key: value for key, value in request.items() if "TARGET" in key or "BASE" in key}
    assert detect_job(targets | environ) == CIJob(system=name)


@pytest.mark.parametrize("name", JOBS)
def test_a_job_for_a_request_has_a_target(name: str) -> None:
    """The branch that it is to be merged into, without `refs/heads/`."""
    environ, request = JOBS[name]
    target = "" if name == "CircleCI" else "main"
    assert detect_job(environ | request) == CIJob(system=name, is_request=True, target=target)


@pytest.mark.parametrize(
    ("system", "variable", "value"),
    [
        (system, variable, value)
        for system in CI_SYSTEMS
        for variable, values in system.request
        for value in values or ("7",)
    ],
    ids=lambda part: part.name if isinstance(part, CISystem) else part,
)
def test_each_variable_alone_says_that_it_is_a_request(
    system: CISystem, variable: str, value: str
) -> None:
    """With each of its values."""
    marker, marker_value = system.marker
    job = detect_job({marker: marker_value or "true", variable: value})
    assert job == CIJob(system=system.name, is_request=True)


@pytest.mark.parametrize(
    ("environ", "job"),
    [
        ({}, None),
        ({"CI": ""}, None),
        ({"CI": "false"}, None),
        ({"CI": "0", "GITHUB_ACTIONS": "False"}, None),
        ({"CI": "true"}, CIJob(system="")),
        ({"CI": "drone", "CI_PIPELINE_EVENT": "pull_request"}, CIJob(system="")),
        ({"GITHUB_ACTIONS": "", "GITHUB_EVENT_NAME": "pull_request", "CI": "1"}, CIJob(system="")),
    ],
)
def test_an_unknown_system_is_one(environ: dict[str, str], job: CIJob | None) -> None:
    """Where `CI` is set; empty, `false` and `0` count as unset."""
    assert detect_job(environ) == job


def test_the_table_names_every_system_once() -> None:
    """Each with a page of its provider, and a test."""
    assert sorted(system.name for system in CI_SYSTEMS) == sorted(JOBS)
    assert [s.name for s in CI_SYSTEMS if not s.source.startswith("https://")] == []


def test_what_a_plan_keeps_is_all_that_is_read() -> None:
    """Nothing else of the environment changes the answer."""
    for environ, request in JOBS.values():
        whole = environ | request
        kept = {key: value for key, value in whole.items() if key in CI_VARIABLES}
        assert (kept, detect_job(kept)) == (whole, detect_job(whole))
