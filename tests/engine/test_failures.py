"""What a failure reads like on real engines, and what is known before a build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs
import pytest

if TYPE_CHECKING:
    from engines import EngineProject

pytestmark = pytest.mark.engine


def failures(project: EngineProject, log: str) -> list[tuple[str, str, str, bool | None]]:
    """What `faas-cache explain` reads in a saved log: function, step, cause, and whether the image was pushed."""
    (project.folder / "build.log").write_text(log)
    done = project.faas_cache("explain", "--json", "build.log")
    assert done.returncode == 0, done.stderr
    return [
        (f["function"], f["step"], f["cause"], f["image_pushed"])
        for f in json.loads(done.stdout)["failures"]
    ]


@pytest.mark.parametrize("engine", ["docker20", "docker26", "docker28"])
def test_an_image_that_does_not_exist_is_built_first(project: EngineProject) -> None:
    """Each version of docker has its own words; the saved log is explained alike."""
    project.write("inline", "one")
    done = project.faas_cache("push")
    lines = done.stderr.splitlines()
    assert (done.returncode, [line for line in lines if "[build-failed]" in line]) == (
        1,
        ["fn: error: could not push the image: it does not exist [build-failed]"],
    )
    assert "    build first, with `faas-cache build`, or check the tag" in lines
    assert failures(project, done.stderr) == [("fn", "image-push", "missing", False)]


@pytest.mark.parametrize("engine", ["docker26"])
def test_a_refused_cache_has_the_setting_to_paste(project: EngineProject) -> None:
    """The setting in place of `max` passes with a registry that rejects an index."""
    registry = project.environ["FAAS_CACHE_TEST_REGISTRY"]
    picky = project.environ["FAAS_CACHE_TEST_REGISTRY_REJECT_INDEX"]
    project = attrs.evolve(project, image=project.image.replace(registry, picky))
    project.write("max", "one")
    done = project.faas_cache("build", "--push")
    (fix,) = [
        line for line in done.stderr.splitlines() if line.startswith("    write `build_cache: ")
    ]
    assert "#4 ERROR" not in done.stderr  # the cache that does not exist yet
    assert failures(project, done.stderr) == [("fn", "cache-export", "refused", True)]
    stack = project.folder / "stack.yaml"
    setting = fix.partition("`build_cache: ")[2].partition("` in place")[0]
    stack.write_text(stack.read_text().replace('"max"', setting))
    assert project.faas_cache("build", "--push").returncode == 0


@pytest.mark.parametrize("engine", ["docker20"])
@pytest.mark.parametrize("setting", ["max", None])
def test_publish_without_buildx_is_rejected(project: EngineProject, setting: str | None) -> None:
    """Exit code 3 and one sentence, before anything is built."""
    project.write(setting, "one")
    done = project.faas_cache("publish", "--prebuilt")
    assert (done.returncode, [line for line in done.stderr.splitlines() if "error:" in line]) == (
        3,
        [
            "stack.yaml:7:3: functions.fn: error: buildx is not installed, but required to publish `fn` [missing-feature]"
        ],
    )


@pytest.mark.parametrize("engine", ["docker26"])
def test_missing_credentials_are_known_before_a_build(project: EngineProject) -> None:
    """Those of a registry elsewhere; the one of the tests is on this machine, and needs none."""
    project.write("max", "one")
    assert "credentials" not in project.faas_cache("doctor").stdout
    attrs.evolve(project, image="ghcr.io/acme/fn:1").write("max", "one")
    assert "no credentials for `ghcr.io`" in project.faas_cache("doctor").stdout
    assert "no credentials for `ghcr.io`" in project.faas_cache("check", "--inspect").stdout
