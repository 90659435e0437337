"""The exact forms of examples."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faas_cache import from_dict, to_dict
from faas_cache.buildkit.reports import Step
from faas_cache.model.builders import Builder
from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.entries import parse_entries
from faas_cache.model.flags import CacheFlags
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import BuildPlan
from faas_cache.render.commands import Command

FORM_OF_A_PLAN = {
    "type": "BuildPlan",
    "version": 1,
    "masked": True,
    "function": "resize",
    "tags": ["acme/resize:1"],
    "context": ".",
    "build_args": {"http_proxy": "http://***@proxy:3128"},
    "labels": {},
    "secrets": {},
    "platforms": [],
    "cache_from": [],
    "cache_to": [{"text": "type=gha,token=***", "backend": "gha", "fields": {"token": "***"}}],
    "builder": None,
    "address": None,
    "builder_flags": [],
    "env": {"DOCKER_BUILDKIT": "1"},
    "ssh": [],
    "no_cache": False,
    "pull": False,
    "squash": False,
    "output": None,
    "provenance": None,
    "sbom": None,
    "needs": ["buildkit", "gha"],
    "lang": "",
    "handler": "",
    "build_options": [],
    "scopes": [],
    "diagnostics": [],
    "origins": [{"field": "cache_to", "key": 0, "rule": "C5", "path": ["functions", "resize", 1]}],
    "caching": True,
    "why": [
        {
            "part": "--cache-to type=gha,token=***",
            "rule": "C5",
            "location": {
                "path": ["functions", "resize", 1],
                "file": None,
                "line": None,
                "column": None,
            },
        }
    ],
}


def plan() -> BuildPlan:
    """A plan with two secrets."""
    from faas_cache.planning.plan import Origin

    return BuildPlan(
        function="resize",
        tags=["acme/resize:1"],
        build_args={"http_proxy": "http://user:s3cr3t@proxy:3128"},
        cache_to=["type=gha,token=s3cr3t"],
        env={"DOCKER_BUILDKIT": "1"},
        needs={"gha", "buildkit"},
        origins=[Origin(field="cache_to", key=0, rule="C5", path=("functions", "resize", 1))],
    )


FORMS_OF_VALUES = {
    "reference": (
        Reference.parse("fn:1"),
        {
            "type": "Reference",
            "version": 1,
            "text": "fn:1",
            "domain": "docker.io",
            "path": "library/fn",
            "tag": "1",
            "digest": None,
            "canonical": "docker.io/library/fn:1",
        },
    ),
    "entry": (
        parse_entries("type=gha,token=s3cr3t,scope=main")[0],
        {
            "type": "CacheEntry",
            "version": 1,
            "masked": True,
            "text": "type=gha,token=***,scope=main",
            "backend": "gha",
            "fields": {"token": "***", "scope": "main"},
        },
    ),
    "builder": (
        Builder(docker="20.10.24", name="ci"),
        {
            "type": "Builder",
            "version": 1,
            "docker": "20.10.24",
            "buildx": None,
            "buildkit": None,
            "driver": "docker",
            "containerd_store": False,
            "program": "docker",
            "declared_features": None,
            "name": "ci",
            "nodes": [],
            "node_platforms": [],
            "silent_nodes": [],
            "daemon_error": "",
            "registries": None,
            "buildkit_version": "0.8",
            "features": ["buildkit", "inline", "registry"],
        },
    ),
    "diagnostic": (
        Diagnostic(
            name="cache-overwrites-image",
            message="the cache overwrites the image",
            url="https://example.org/",
            location=Location(path=("functions", "fn", "build_cache", "to", 1), line=7),
        ),
        {
            "type": "Diagnostic",
            "version": 1,
            "name": "cache-overwrites-image",
            "severity": "error",
            "message": "the cache overwrites the image",
            "hint": "",
            "location": {
                "path": ["functions", "fn", "build_cache", "to", 1],
                "file": None,
                "line": 7,
                "column": None,
            },
            "rule": "E4",
            "url": "https://example.org/",
        },
    ),
    "flags": (
        CacheFlags(
            build_cache={"to": [{"type": "s3", "access_key_id": ["s3cr3t", 1, True], "n": 1.5}]}
        ),
        {
            "type": "CacheFlags",
            "version": 1,
            "masked": True,
            "build_cache": {
                "to": [{"type": "s3", "access_key_id": ["***", "***", True], "n": 1.5}]
            },
            "cache_from": [],
            "cache_to": [],
            "no_cache": False,
            "export": True,
            "ignore_export_errors": False,
            "scope": None,
            "fallback_scopes": [],
            "enabled": True,
            "variables": [],
        },
    ),
}


@pytest.mark.parametrize(("value", "form"), FORMS_OF_VALUES.values(), ids=FORMS_OF_VALUES)
def test_the_form_of_a_value(value: object, form: dict[str, Any]) -> None:
    """Whole, in its order: fields first, then what is only for readers."""
    assert list(to_dict(value).items()) == list(form.items())


def test_the_form_of_a_plan() -> None:
    """Nested values have no header; secrets are masked in arguments, entries and reasons."""
    assert to_dict(plan()) == FORM_OF_A_PLAN


def test_a_masked_command_has_a_masked_form() -> None:
    """A command masks itself, its arguments one by one."""
    command = Command(argv=("docker", "build", "--cache-to", "type=gha,token=s3cr3t", "."))
    form = to_dict(command)
    assert form["argv"] == ["docker", "build", "--cache-to", "type=gha,token=***", "."]
    assert form["masked"] is True


def test_a_secret_in_prose_ends_with_its_word() -> None:
    """In names of steps and in logs; a message of ours is masked when it is made."""
    step = Step(name="RUN NPM_TOKEN=s3cr3t npm ci", kind="build")
    assert to_dict(step)["name"] == "RUN NPM_TOKEN=*** npm ci"
    message = "the build argument `NPM_TOKEN=***` is a secret"
    assert to_dict(Diagnostic(name="secret-in-file", message=message)).get("masked") is None


def test_bytes_that_are_not_utf_8_pass_through_json() -> None:
    """As surrogate escapes, which is how Python holds arguments and file names."""
    spec = FunctionSpec(name="fn", handler="caf\udce9")
    text = json.dumps(to_dict(spec))
    assert text.isascii()
    assert from_dict(json.loads(text)) == spec


def test_what_is_not_a_number_is_written_as_text() -> None:
    """JSON has no infinity; such a setting is invalid anyhow."""
    assert to_dict(CacheFlags(build_cache=float("inf")))["build_cache"] == "inf"


def test_integers_have_any_size() -> None:
    """Larger than a float can be, for one."""
    flags = CacheFlags(build_cache=2**2000)
    assert from_dict(to_dict(flags)) == flags


def test_properties_for_readers_are_ignored() -> None:
    """They follow from the fields."""
    form = to_dict(Builder(docker="26.1.5"))
    assert from_dict({**form, "features": "anything"}) == Builder(docker="26.1.5")


def test_keys_with_a_default_may_be_absent() -> None:
    """A form may be written by hand."""
    form = {"type": "FunctionSpec", "version": 1, "name": "fn", "build_cache": "max"}
    assert from_dict(form, FunctionSpec) == FunctionSpec(name="fn", build_cache="max")
