"""`check`: a vector and a near miss for every diagnostic, then whole sentences."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from faas_cache.model.builders import Builder
from faas_cache.model.catalogue import CATALOGUE
from faas_cache.model.diagnostics import Diagnostic, path_text
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.flags import CacheFlags
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.checks import check
from faas_cache.planning.context_files import ContextFiles
from faas_cache.planning.equal_builds import MAX_PAIRS_OF
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.resolution import resolve
from faas_cache.stack.stack_file import Stack

VECTORS = Path(__file__).parents[1] / "vectors"
ROWS = [json.loads(line) for line in (VECTORS / "checks.jsonl").read_text().splitlines()]


def findings(case: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    """The diagnostics of a case: of its stack file, of `resolve` and of `check`."""
    functions = {"provider": {"name": "openfaas"}, "functions": case.get("functions")}
    try:
        stack = Stack.loads(case.get("stack") or json.dumps(functions), {})
        flags = CacheFlags(**case.get("flags", {}))
        builder = Builder(**case["builder"]) if "builder" in case else None
        plans = [resolve(spec, flags) for spec in stack.functions.values()]
        environ, dockerfiles = case.get("environ"), case.get("dockerfiles", {})
        contexts = case.get("context_files", {})
        files = {name: ContextFiles(**fields) for name, fields in contexts.items()}
        return (*stack.diagnostics, *check(plans, builder, environ, dockerfiles, files))
    except FaasCacheError as error:
        return error.diagnostics


def row_id(row: Mapping[str, Any]) -> str:
    """The rule of a row, its diagnostic, and its case."""
    rule = CATALOGUE[row["name"]].rule.lower()
    return "-".join(filter(None, (rule, row["name"], row["id"])))


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_a_diagnostic_is_reported_and_not_for_its_near_miss(row: dict[str, Any]) -> None:
    """Each name is reported where its case is, at a severity of the catalogue, and not beside it."""
    name = row["name"]
    raised = [d for d in findings(row["raises"]) if d.name == name]
    assert raised
    assert {d.severity for d in raised} <= set(CATALOGUE[name].severities)
    assert all(d.message and d.url for d in raised)
    assert [d for d in findings(row["spares"]) if d.name == name] == []


def test_rows_have_unique_names() -> None:
    """No two rows of the table have the same name and id, and every name is in the catalogue."""
    assert len({(row["name"], row["id"]) for row in ROWS}) == len(ROWS)
    assert {row["name"] for row in ROWS} <= set(CATALOGUE)


def test_no_diagnostic_shows_a_secret() -> None:
    """Whatever a case holds, its diagnostics mask it."""
    assert [
        diagnostic
        for row in ROWS
        for case in (row["raises"], row["spares"])
        for diagnostic in findings(case)
        if "hunter2" in repr(diagnostic) + str(diagnostic)
    ] == []


# Sentences.


def sentences(case: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Name, severity, key path, message and hint of each diagnostic."""
    return [
        (d.name, d.severity, path_text(d.location.path), d.message, d.hint) for d in findings(case)
    ]


def entry(direction: str, text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # parts of a case
    """A case of one function with one entry."""
    return {"functions": {"fn": {"image": "a/b:1", "build_cache": {direction: [text]}}}, **more}


OLD = {"docker": "26.1.5", "buildx": "0.13.1", "containerd_store": True}
TOKEN = {"ACTIONS_RUNTIME_TOKEN": "t"}
SENTENCES: list[tuple[dict[str, Any], list[tuple[str, str, str, str]]]] = [
    (
        entry("to", "type=foo,dest=x"),
        [
            (
                "unknown-backend",
                "error",
                "unknown cache backend `foo`: BuildKit rejects the export",
                (
                    "use one of registry, inline, local, gha, s3, azblob,"
                    " or pass the entry as one of `builder_flags`"
                ),
            )
        ],
    ),
    (
        entry("from", "type=registr,ref=x"),
        [
            (
                "unknown-backend",
                "warning",
                "unknown cache backend `registr`: BuildKit silently imports nothing",
                "did you mean `registry`?",
            )
        ],
    ),
    (
        entry("from", "type=inline,bogus=1"),
        [
            (
                "inline-import",
                "warning",
                "`type=inline` imports nothing, because BuildKit has no such importer",
                "import the image itself: `a/b:1`",
            )
        ],
    ),
    (
        entry("to", "type=registry, ref=a/b:c"),
        [
            (
                "missing-field",
                "error",
                "`type=registry` requires the field `ref`",
                "remove the space around `ref`: it is a part of the name",
            ),
            (
                "unknown-field",
                "warning",
                "unknown field ` ref` of `type=registry` (ignored by BuildKit)",
                "did you mean `ref`?",
            ),
        ],
    ),
    (
        entry("from", "type=s3,bucket=b"),
        [
            (
                "missing-field",
                "warning",
                "`type=s3` requires the field `region`, unless the daemon's environment has it",
                "write `type=s3,bucket=b,region=…`",
            )
        ],
    ),
    (
        entry("from", "type=registry,ref=x/y:c,mode=max"),
        [
            (
                "unread-field",
                "warning",
                "`mode` has no effect in `from`, only in `to`",
                "move it to the entry in `to`, or remove it",
            )
        ],
    ),
    (
        entry("to", "type=local,dest=/c,src=/d"),
        [
            (
                "unread-field",
                "warning",
                "`src` has no effect in `to`, only in `from`",
                "move it to the entry in `from`, or remove it",
            )
        ],
    ),
    (
        entry("to", "type=local,dest=/c,mode=medium"),
        [
            (
                "invalid-mode",
                "warning",
                "invalid mode `medium`: BuildKit silently falls back to `min`",
                "write `mode=max` for the layers of every stage",
            )
        ],
    ),
    (
        entry("to", "type=local,dest=/c,mode=MAX"),
        [
            (
                "invalid-mode",
                "warning",
                "invalid mode `MAX`: BuildKit silently falls back to `min`",
                "write `mode=max` in lower case",
            )
        ],
    ),
    (
        entry("to", "type=inline,mode=max"),
        [
            (
                "invalid-mode",
                "warning",
                "`type=inline` ignores `mode=max` and exports only the last stage",
                "remove the mode, or write `build_cache: max` for the layers of every stage",
            )
        ],
    ),
    (
        entry("to", "type=local,dest=/c,oci-mediatypes=yes,ignore-error=on"),
        [
            (
                "invalid-boolean",
                "error",
                "invalid boolean `yes` for `oci-mediatypes`: BuildKit rejects it",
                "write `oci-mediatypes=true` or `oci-mediatypes=false`",
            ),
            (
                "invalid-boolean",
                "warning",
                "invalid boolean `on` for `ignore-error`: BuildKit silently ignores it",
                "write `ignore-error=true` or `ignore-error=false`",
            ),
        ],
    ),
    (
        entry("to", "type=local,dest=/c,compression=lz4"),
        [
            (
                "invalid-compression",
                "error",
                "invalid compression `lz4`: BuildKit rejects the entry",
                "use one of estargz, gzip, uncompressed, zstd",
            )
        ],
    ),
    (
        entry("to", "type=local,dest=/c,compression-level=x"),
        [
            (
                "invalid-value",
                "error",
                "invalid integer `x` for `compression-level`",
                "write a number, or remove `compression-level`",
            )
        ],
    ),
    (
        entry("to", "type=local,dest=/c,compression=zstd,compression-level=23"),
        [
            (
                "invalid-value",
                "warning",
                "invalid level `23` for the compression `zstd`",
                "write a level from 0 to 22",
            )
        ],
    ),
    (
        entry("to", "type=gha,timeout=10"),
        [
            (
                "invalid-value",
                "error",
                "invalid duration `10` for `timeout`",
                "write a duration such as `10m` or `1h30m`",
            )
        ],
    ),
    (
        entry("from", "type=s3,bucket=b,region=r,retry_mode=never,retry_max_attempts=3"),
        [
            (
                "invalid-value",
                "warning",
                "invalid value `never` for `retry_mode`",
                "use one of adaptive, standard",
            )
        ],
    ),
    (
        entry("to", "type=local,dest=/c,image-manifest=true,oci-mediatypes=false"),
        [
            (
                "conflicting-media-types",
                "error",
                "`image-manifest=true` requires OCI media types",
                "remove `oci-mediatypes=false`",
            )
        ],
    ),
    (
        entry("from", "type=gha", environ={}),
        [
            (
                "missing-gha-environment",
                "warning",
                "buildx silently drops `type=gha`, because `ACTIONS_RUNTIME_TOKEN` is not set",
                (
                    "export it in the workflow, for example with `crazy-max/ghaction-github-runtime`;"
                    " elsewhere, use a registry"
                ),
            )
        ],
    ),
    (
        entry("to", "type=gha", environ=TOKEN),
        [
            (
                "missing-gha-environment",
                "warning",
                "buildx silently drops `type=gha`, because `ACTIONS_RESULTS_URL` is not set",
                (
                    "export it in the workflow, for example with `crazy-max/ghaction-github-runtime`;"
                    " elsewhere, use a registry"
                ),
            )
        ],
    ),
    (
        entry(
            "from",
            "type=gha",
            environ={**TOKEN, "ACTIONS_RESULTS_URL": "u", "ACTIONS_CACHE_SERVICE_V2": "1"},
            builder=OLD,
        ),
        [
            (
                "outdated-gha-service",
                "warning",
                "BuildKit 0.13 does not support the cache service of GitHub Actions",
                "use BuildKit 0.20 or newer, or a registry",
            ),
            (
                "outdated-gha-service",
                "warning",
                "buildx 0.13.1 does not support the cache service of GitHub Actions",
                "use buildx 0.21 or newer, or a registry",
            ),
        ],
    ),
    (
        entry(
            "from",
            "type=gha",
            environ={**TOKEN, "ACTIONS_RESULTS_URL": "u", "ACTIONS_CACHE_SERVICE_V2": "1"},
        ),
        [],
    ),
    (
        entry("to", "type=local,dest=/c,reset=true", builder=OLD),
        [
            (
                "unsupported-field",
                "warning",
                "`reset` requires BuildKit 0.31: version 0.13 ignores it",
                "use BuildKit 0.31 or newer, or remove `reset`",
            )
        ],
    ),
    (
        entry("to", "type=registry,ref=quay.io/a/b:c,oci-mediatypes=false"),
        [
            (
                "unsupported-cache-manifest",
                "warning",
                "Quay rejects the manifest of this cache entry",
                "write `type=registry,ref=quay.io/a/b:c,oci-mediatypes=true,image-manifest=true`",
            )
        ],
    ),
    (
        entry("from", "a/b:latest"),
        [
            (
                "inline-tag-mismatch",
                "warning",
                (
                    "the inline cache is imported from `docker.io/a/b:latest`,"
                    " but the build only tags `docker.io/a/b:1`"
                ),
                "push that tag as well, or write `build_cache: max`, whose cache has its own tag",
            )
        ],
    ),
    (
        entry("to", "type=local,dest=build/fn/cache"),
        [
            (
                "cache-in-context",
                "warning",
                "the cache in `build/fn/cache` is inside the build context `build/fn`",
                "move it to another folder, or exclude it in `.dockerignore`",
            )
        ],
    ),
]


def id_of(case: Mapping[str, Any]) -> str:
    """The entry of a case, and what is known of the machine."""
    ((_, (text,)),) = case["functions"]["fn"]["build_cache"].items()
    return " ".join([text, *case.get("environ", ()), *(["builder"] if "builder" in case else [])])


@pytest.mark.parametrize(
    ("case", "expected"), SENTENCES, ids=[id_of(case) for case, _ in SENTENCES]
)
def test_sentences(case: dict[str, Any], expected: list[tuple[str, str, str, str]]) -> None:
    """One sentence for each failure: the value in backticks, then what to do."""
    direction = next(iter(case["functions"]["fn"]["build_cache"]))
    path = f"functions.fn.build_cache.{direction}[0]"
    assert sentences(case) == [
        (name, severity, path, message, hint) for name, severity, message, hint in expected
    ]


def test_stages_that_inline_does_not_cache() -> None:
    """F4: the stages are named in the order of the Dockerfile."""
    dockerfile = (
        "FROM x AS a\nRUN x\nFROM x AS b\nRUN y\nFROM c\nCOPY --from=a / /\nCOPY --from=b / /"
    )
    function = {"image": "a/b", "build_cache": "inline"}
    assert sentences({"functions": {"fn": function}, "dockerfiles": {"fn": dockerfile}}) == [
        (
            "uncached-stages",
            "warning",
            "functions.fn.build_cache",
            "`inline` does not cache `a`, `b`, because it keeps only the last stage",
            "write `build_cache: max`, which keeps the layers of every stage",
        )
    ]


def plan_of(name: str, **more: Any) -> BuildPlan:  # noqa: ANN401  # fields of a spec
    """The plan of one function."""
    return resolve(FunctionSpec(name=name, image=f"a/{name}", **more))


def test_inline_import_without_tags() -> None:
    """A plan that a program made may have no tags."""
    plan = attrs.evolve(plan_of("fn"), tags=[], cache_from=["type=inline"], needs=["inline"])
    assert [d.hint for d in check([plan])] == ["import the image itself: `IMAGE`"]


# Between functions.


def test_e4_an_invalid_tag_is_not_an_image() -> None:
    """A plan that a program made may have any tag."""
    plans = [attrs.evolve(plan_of("a", build_cache="max"), tags=["A"]), plan_of("b")]
    assert check(plans) == ()


def test_e4_names_both_functions() -> None:
    """E4: the cache of one function over the image of another, with a tag to use instead."""
    functions = {
        "one": {"image": "a/one", "build_cache": {"to": ["a/two"]}},
        "two": {"image": "a/two"},
    }
    assert sentences({"functions": functions}) == [
        (
            "cache-overwrites-image",
            "error",
            "functions.one.build_cache.to[0]",
            "the cache of `one` would overwrite the image of `two`, `docker.io/a/two:latest`",
            "export to another tag, such as `a/two:buildcache-cache`",
        )
    ]


def test_e5_names_both_and_prints_what_to_write() -> None:
    """E5: the worked case: two functions in the default scope of gha."""
    functions = {
        name: {"image": f"a/{name}", "build_cache": {"to": ["type=gha,mode=max"]}}
        for name in ("one", "two")
    }
    assert sentences({"functions": functions}) == [
        (
            "shared-cache-destination",
            "error",
            "functions.two.build_cache.to[0]",
            "`one` and `two` export their caches to `type=gha buildkit` and overwrite each other",
            (
                "write `type=gha,mode=max,scope=one` for `one` and `type=gha,mode=max,scope=two` for"
                " `two`, and import from the same"
            ),
        )
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ghcr.io/a/shared", "type=registry,ref=ghcr.io/a/shared:buildcache-one,mode=max"),
        ("type=registry,ref=ghcr.io/a/shared:x", "type=registry,ref=ghcr.io/a/shared:x-one"),
        ('type=local,"dest=/a,b/"', 'type=local,"dest=/a,b-one"'),
        ("type=s3,bucket=b,region=r", "type=s3,bucket=b,region=r,name=one"),
    ],
)
def test_e5_prints_an_own_destination(text: str, expected: str) -> None:
    """E5: the value to write keeps the user's fields, with the function's name in one of them."""
    plans = [plan_of(name, build_cache={"to": [text]}) for name in ("one", "two")]
    (diagnostic,) = check(plans)
    assert diagnostic.hint.startswith(f"write `{expected}` for `one` and ")


SAME: dict[str, Any] = {
    "image": "a/same",
    "build_cache": "max",
    "lang": "py",
    "handler": "./h",
    "platforms": "linux/amd64",
    "output": "push",
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 0),
        ({"handler": "h/"}, 0),
        ({"handler": ""}, 1),
        ({"lang": "go"}, 1),
        ({"build_args": {"A": "1"}}, 1),
        ({"build_options": ["dev"]}, 1),
        ({"platforms": "linux/arm64"}, 1),
        ({"context": "src"}, 1),
    ],
)
def test_e5_one_build_listed_twice_is_allowed(changes: dict[str, Any], expected: int) -> None:
    """E5: functions that are equal in what they build share their cache."""
    functions = {"a": SAME, "b": {**SAME, **changes}}
    plans = [resolve(FunctionSpec(name=name, **fields)) for name, fields in functions.items()]
    assert len(check(plans)) == expected


def test_e5_of_many_functions_is_linear() -> None:
    """E5: with many functions at one destination, each is compared with the first only."""
    plans = [plan_of(f"f{i:03}", build_cache={"to": ["type=gha"]}) for i in range(100)]
    assert len(check(plans)) == 99
    assert len(check(plans[:MAX_PAIRS_OF])) == MAX_PAIRS_OF * (MAX_PAIRS_OF - 1) // 2


# The builder.


def test_f2_is_reported_for_each_function() -> None:
    """F2: what the builder lacks is located at each function; an unknown version is one note."""
    plans = [plan_of(name, build_cache="max") for name in ("one", "two")]
    missing = check(plans, Builder(docker="26.1.5", buildx="0.13.1"))
    assert [(d.name, path_text(d.location.path)) for d in missing] == [
        ("missing-feature", "functions.one"),
        ("missing-feature", "functions.two"),
    ]
    unknown = check(plans, Builder(docker="26.1.5", buildx="", containerd_store=True))
    assert [(d.name, d.severity, d.location.path) for d in unknown] == [
        ("unknown-version", "note", ())
    ]


@pytest.mark.parametrize(
    ("builder", "expected"),
    [
        (None, []),
        (Builder(docker="26.1.5", buildx="0.13.1"), ["missing-feature"]),
        (Builder(docker="26.1.5", buildx="0.13.1", containerd_store=True), []),
        (Builder(docker="26.1.5", buildx="0.13.1", driver="docker-container"), []),
        (Builder(program="podman", declared_features=[]), []),
    ],
)
def test_f2_several_platforms_need_the_containerd_store(
    builder: Builder | None, expected: list[str]
) -> None:
    """F2: Docker's own builder with the classic image store builds for one platform."""
    plan = plan_of("fn", platforms="a,b", output="push")
    assert [d.name for d in check([plan], builder)] == expected
    assert check([attrs.evolve(plan, platforms=["a"])], builder) == ()
