"""What differs between the inputs of two builds, and the sentences about it."""

import attrs
import pytest
from hypothesis import given
from values import instance_of

from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.inputs import BuildInputs, Change, Comparison, ContextFile, changes

ONE, TWO = (f"sha256:{digit * 64}" for digit in "12")
BASE = "docker.io/library/python:3"
FILES = FrozenMap(
    {
        "handler/app.py": ContextFile(mode="0644", digest=ONE),
        "entry.sh": ContextFile(mode="0755", digest=ONE),
        "lib/": ContextFile(mode="0755"),
    }
)
INPUTS = BuildInputs(
    base_images=FrozenMap({BASE: ONE}),
    dockerfile=ONE,
    build_args=FrozenMap(GIT_SHA=ONE),
    masked_args=("NPM_TOKEN",),
    secrets=("conf",),
    platforms=("linux/amd64",),
    context=ONE,
    files=FILES,
)


def files(**changed: ContextFile | None) -> dict[str, object]:
    """The fields of a context in which files differ; `None` removes one."""
    names = {"app": "handler/app.py", "entry": "entry.sh", "lib": "lib/", "new": "new.py"}
    merged = FILES | {names[key]: file for key, file in changed.items() if file}
    removed = {names[key] for key, file in changed.items() if not file}
    kept = {path: file for path, file in merged.items() if path not in removed}
    return {"context": TWO, "files": FrozenMap(kept)}


@pytest.mark.parametrize(
    ("changed", "sentences"),
    [
        ({}, []),
        (
            {"base_images": FrozenMap({BASE: TWO})},
            [f"`{BASE}` moved from sha256:111111111111 to sha256:222222222222"],
        ),
        (
            {"base_images": FrozenMap({"python:4": TWO})},
            ["base image `python:4` was added", f"base image `{BASE}` was removed"],
        ),
        ({"base_images": FrozenMap()}, []),  # the builder did not print them
        ({"dockerfile": TWO}, ["`Dockerfile` changed"]),
        ({"dockerfile": ""}, []),
        ({"build_args": FrozenMap(GIT_SHA=TWO)}, ["build argument `GIT_SHA` changed"]),
        (
            {"build_args": FrozenMap(OTHER=ONE)},
            ["build argument `OTHER` was added", "build argument `GIT_SHA` was removed"],
        ),
        # A value that one of the two reports does not record is not compared.
        ({"build_args": FrozenMap(), "masked_args": ("GIT_SHA", "NPM_TOKEN")}, []),
        ({"build_args": FrozenMap(GIT_SHA=ONE, NPM_TOKEN=ONE), "masked_args": ()}, []),
        ({"masked_args": ()}, ["build argument `NPM_TOKEN` was removed"]),
        ({"secrets": ("conf", "key")}, ["build secret `key` was added"]),
        (
            {"platforms": ()},
            ["the platforms changed from `linux/amd64` to `the default`"],
        ),
        (files(app=ContextFile(mode="0644", digest=TWO)), ["`handler/app.py` changed"]),
        (files(entry=ContextFile(mode="0644", digest=ONE)), ["mode of `entry.sh` 0755 → 0644"]),
        (
            files(entry=ContextFile(mode="0644", digest=TWO)),
            ["`entry.sh` changed", "mode of `entry.sh` 0755 → 0644"],
        ),
        (files(lib=ContextFile(mode="0700")), ["mode of `lib/` 0755 → 0700"]),
        (files(new=ContextFile(mode="0644", digest=ONE)), ["`new.py` was added"]),
        (files(app=None, lib=None), ["`handler/app.py` was removed", "`lib/` was removed"]),
        ({"context": ""}, []),
        ({"context": TWO, "files": FrozenMap()}, ["files of the build context changed"]),
    ],
)
def test_a_sentence_names_each_change(changed: dict[str, object], sentences: list[str]) -> None:
    """What is known of both builds, and differs."""
    new = attrs.evolve(INPUTS, **changed)  # type: ignore[arg-type]  # the fields of the table
    assert [str(change) for change in changes(INPUTS, new)] == sentences


def test_the_dockerfile_is_named_once() -> None:
    """It is a file of the context, too; a change of its mode is another one."""

    def inputs(digest: str, mode: str = "0644") -> BuildInputs:
        file = ContextFile(mode=mode, digest=digest)
        return BuildInputs(
            dockerfile=digest, context=digest + mode, files=FrozenMap(Dockerfile=file)
        )

    differences = changes(inputs(ONE), inputs(TWO, "0600"))
    assert [str(change) for change in differences] == [
        "`Dockerfile` changed",
        "mode of `Dockerfile` 0644 → 0600",
    ]


@given(instance_of("BuildInputs"))
def test_equal_inputs_have_no_changes(inputs: BuildInputs) -> None:
    """Whatever is in them."""
    assert list(changes(inputs, inputs)) == []


@given(instance_of("BuildInputs"), instance_of("BuildInputs"))
def test_changes_go_both_ways(one: BuildInputs, two: BuildInputs) -> None:
    """What was added one way was removed the other way, and no sentence has a value of an argument."""

    def keys(found: object) -> list[tuple[str, str, str, str]]:
        return sorted((c.kind, c.name, c.old, c.new) for c in found)  # type: ignore[attr-defined]  # changes

    back = [attrs.evolve(c, old=c.new, new=c.old) for c in changes(two, one)]
    assert keys(changes(one, two)) == keys(back)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            Change(kind="cache", name="a/fn:buildcache", new="other"),
            "the cache `a/fn:buildcache` was written by another function, `other`",
        ),
        (
            Change(kind="cache", name="a/fn:buildcache"),
            (
                "the cache `a/fn:buildcache` was written since by another function,"
                " or by a build with other inputs"
            ),
        ),
        (
            Change(kind="platforms", old="linux/amd64", new="linux/arm64,linux/amd64"),
            "the platforms changed from `linux/amd64` to `linux/arm64,linux/amd64`",
        ),
    ],
)
def test_sentences(change: Change, sentence: str) -> None:
    """Of changes that are not between two inputs."""
    assert str(change) == sentence


CHANGE = Change(kind="file", name="a", old=ONE, new=TWO)


@pytest.mark.parametrize(
    ("comparison", "lines"),
    [
        (Comparison(function="fn", changes=(CHANGE,)), ["`a` changed"]),
        (Comparison(function="fn"), ["nothing that we know of changed"]),
        (
            Comparison(function="fn", unrecorded=("A_TOKEN", "conf")),
            [
                "nothing that we know of changed (values that are not recorded: `A_TOKEN`, `conf`)",
            ],
        ),
        (
            Comparison(function="fn", missing="function"),
            ["the earlier report does not have this function"],
        ),
        (
            Comparison(function="fn", missing="inputs"),
            ["a report has no digests of this function"],
        ),
        (
            Comparison(function="fn", changes=(CHANGE,) * 52),
            ["`a` changed"] * 50 + ["2 more changes"],
        ),
    ],
)
def test_a_comparison_is_a_line_for_each_change(comparison: Comparison, lines: list[str]) -> None:
    """Behind the name of the function."""
    assert str(comparison) == "\n".join(f"fn: {line}" for line in lines)


@given(instance_of("Comparison"))
def test_each_sentence_is_one_line(comparison: Comparison) -> None:
    """Whatever the names of files and functions are."""
    lines = [*comparison.lines()]
    assert [line for line in lines if not line.isprintable()] == []
    assert len(str(comparison).split("\n")) == len(lines)
