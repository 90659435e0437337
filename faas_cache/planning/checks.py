"""`check`: what can be said of plans before they run. BuildKit ignores in silence what it does not know; here it is named.

What BuildKit refuses is an error, what it drops or weakens without a word is a warning; both were seen on BuildKit 0.13 and
0.25 unless the table of backends says otherwise. Every sentence is of one function, or of one pair of functions, so that no
function takes away what is said of another.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Literal, NamedTuple

import attrs

from faas_cache.model.backends import BACKENDS, VALUES, Backend, Direction, Field
from faas_cache.model.builders import Builder, missing_features
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, nearest
from faas_cache.model.dockerfiles import uncached_stages
from faas_cache.model.entries import CacheEntry, csv_field
from faas_cache.model.errors import InvalidReference
from faas_cache.model.frozen_map import EMPTY
from faas_cache.model.go import FALSE, TRUE
from faas_cache.model.masking import SECRET_FIELDS, masked, masked_value
from faas_cache.model.references import Reference
from faas_cache.model.registries import IMAGE_MANIFEST, find_registry
from faas_cache.model.versions import at_least
from faas_cache.planning.plan import CACHE_TAG, BuildPlan, destinations, folded_scope, place_text

# Beyond so many functions with one place, each is told of the first alone: pairs of a thousand would be half a million.
MAX_PAIRS_OF = 10

# BuildKit 0.21: image manifests by default. BuildKit 0.20 and buildx 0.21: the second cache service of GitHub Actions.
_IMAGE_MANIFEST_DEFAULT = "0.21"
_SERVICE_2 = (("BuildKit", "0.20"), ("buildx", "0.21"))
# Compression levels: gzip and estargz 0 to 9, zstd 0 to 22 (BuildKit's util/compression).
_LEVELS = {"gzip": 9, "estargz": 9, "zstd": 22}
# Go's time.ParseDuration; both signs for micro are taken.
_DURATION = re.compile(
    r"[-+]?+(?:0|(?>(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:ns|us|µs|μs|ms|s|m|h))+)"
)
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")


class _Item(NamedTuple):
    """One entry of a plan, the direction it serves, and the place of its text."""

    plan: BuildPlan
    direction: Direction
    entry: CacheEntry
    path: KeyPath
    backend: Backend | None


class _World(NamedTuple):
    """What is known of the machine: nothing, where nobody asked."""

    builder: Builder | None
    environ: Mapping[str, str] | None


def check(
    plans: Iterable[BuildPlan],
    builder: Builder | None = None,
    environ: Mapping[str, str] | None = None,
    dockerfiles: Mapping[str, str] = EMPTY,
    *,
    others: Iterable[BuildPlan] = (),
) -> tuple[Diagnostic, ...]:
    """What there is to say of the plans before they run, each once: of each plan, then between plans, then of the builder.

    `builder` and `environ` are what is known of the machine, `None` where nobody asked; `dockerfiles` holds the text of a
    function's Dockerfile by the function's name. `others` are plans of the same stack that are not to run now: of them only
    what lies between two functions is said. Never raises for plans that `resolve` made.

    >>> from faas_cache.planning.plan import resolve
    >>> from faas_cache.model.specs import FunctionSpec
    >>> plan = resolve(FunctionSpec(name="fn", image="a/b", build_cache={"to": ["type=local,dest=/c,mode=medium"]}))
    >>> [d.name for d in check([plan])]
    ['bad-mode']
    """
    plans, others = tuple(plans), tuple(others)
    world = _World(builder, environ)
    items = [item for plan in plans for item in _items(plan)]
    found: list[Diagnostic] = []
    for plan in plans:
        found += plan.diagnostics
    for item in items:
        for judge in _ENTRY_JUDGES if item.backend is not None else (_unknown_type,):
            found += judge(item, world)
    for plan in plans:
        found += _written_secrets(plan)
        found += _inline_of_another_tag(plan)
        found += _lost_stages(plan, dockerfiles.get(plan.function, ""))
    found += _caches_inside_contexts(items, plans)
    every = (*plans, *others)
    exports = [item for plan in every for item in _items(plan) if item.direction == "to"]
    found += _caches_over_images(exports, every)
    found += _shared_places(exports)
    found += _what_the_builder_lacks(plans, builder)
    return tuple(dict.fromkeys(found))


def _items(plan: BuildPlan) -> Iterator[_Item]:
    return (
        _Item(plan, way, entry, path, BACKENDS.get(entry.type))
        for way, entry, path in plan.entries()
    )


def _say(
    code: str,
    message: str,
    path: KeyPath,
    hint: str = "",
    severity: Literal["error", "warning", "note"] = "warning",
) -> Diagnostic:
    """One diagnostic."""
    return Diagnostic(
        name=code, severity=severity, message=message, location=Location(path=path), hint=hint
    )


def _text(entry: CacheEntry, changes: Mapping[str, str] = EMPTY) -> str:
    """The entry as it would be written with some fields changed, masked."""
    fields = {"type": entry.type, **entry.attrs, **changes}
    return masked(",".join(csv_field(f"{key}={value}") for key, value in fields.items()))


# F4: one entry against the table of backends.


def _unknown_type(item: _Item, _: _World) -> Iterator[Diagnostic]:
    """A type that is in no table: an export fails, an import is passed over."""
    kind = masked(item.entry.type)[:60]
    hint = (
        nearest(kind, BACKENDS)
        or f"the types are {', '.join(BACKENDS)}; `builder_flags` passes anything on unread"
    )
    refused = item.direction == "to"
    what = (
        "BuildKit refuses to export to it" if refused else "BuildKit imports nothing, and builds on"
    )
    yield _say(
        "unknown-type",
        f"there is no cache backend `{kind}`: {what}",
        item.path,
        hint,
        "error" if refused else "warning",
    )


def _inline_import(item: _Item, _: _World) -> Iterator[Diagnostic]:
    """`inline` in `from`: the importer of an inline cache is `registry`."""
    if item.entry.type == "inline" and item.direction == "from":
        hint = f"import the image itself: `{item.plan.tags[0] if item.plan.tags else '…'}`"
        yield _say(
            "inline-import",
            "`type=inline` in `from` imports nothing: BuildKit has no such importer",
            item.path,
            hint,
        )


def _missing_fields(item: _Item, _: _World) -> Iterator[Diagnostic]:
    """Fields without which an entry is refused, or depends on the daemon's environment (s3 and azblob)."""
    backend, attributes = _known(item), item.entry.attrs
    lacking = [name for name in backend.required(item.direction) if not attributes.get(name)]
    for name in lacking:
        if backend.name in ("registry", "local"):
            message = f"`type={backend.name}` needs a `{name}`: BuildKit refuses the entry"
            hint = _near_key(name, attributes) or f"write `{_text(item.entry, {name: '…'})}`"
            yield _say("missing-field", message, item.path, hint, "error")
        else:
            message = f"`type={backend.name}` needs a `{name}`, unless the daemon's own environment gives one"
            yield _say(
                "missing-field", message, item.path, f"write `{_text(item.entry, {name: '…'})}`"
            )


def _near_key(name: str, attributes: Mapping[str, str]) -> str:
    """A key that was probably meant to be the one that is missing."""
    key = next((key for key in attributes if key.strip() == name and key != name), None)
    return (
        ""
        if key is None
        else f"remove the space around `{name}`: nothing is trimmed, so the key is {key!r}"
    )


def _fields(item: _Item, _: _World) -> Iterator[Diagnostic]:
    """Every field against its row: unknown, of the other direction, or with a value that it does not take."""
    backend = _known(item)
    if backend.name == "inline" and item.direction == "from":
        return  # nothing of it is read
    for key, value in item.entry.attrs.items():
        field = backend.fields.get(key)
        if field is None:
            name = masked(key)[:60]
            known = [f.name for f in backend.fields.values() if item.direction in f.directions]
            hint = (
                nearest(key.strip(), known)
                or f"remove it; `type={backend.name}` reads {', '.join(known)}"
            )
            yield _say(
                "unknown-field",
                f"`{name}` is no field of `type={backend.name}`: BuildKit ignores it",
                item.path,
                hint,
            )
        elif item.direction not in field.directions:
            other = "to" if item.direction == "from" else "from"
            message = f"`{key}` says nothing in `{item.direction}`: only `{other}` reads it"
            yield _say(
                "wrong-direction",
                message,
                item.path,
                f"move it to the entry in `{other}`, or remove it",
            )
        else:
            yield from _value(item, field, value)


def _value(item: _Item, field: Field, value: str) -> Iterator[Diagnostic]:
    """One value against its field's kind; what BuildKit refuses in an export is an error."""
    severity: Literal["error", "warning"] = (
        "error" if field.strict and item.direction == "to" else "warning"
    )
    shown, key = masked_value(field.name, value)[:60], field.name
    allowed = VALUES.get(field.kind)
    if field.kind == "mode" and item.entry.type == "inline" and value == "max":
        hint = "remove it; for the layers of every stage write `build_cache: max`"
        yield _say(
            "bad-mode",
            "`type=inline` ignores its mode: it keeps the last stage alone",
            item.path,
            hint,
        )
    elif field.kind == "mode" and allowed is not None and value not in allowed:
        hint = (
            nearest(value, allowed)
            if value.lower() not in allowed
            else f"modes are in lower case: `mode={value.lower()}`"
        )
        hint = hint or "write `mode=max` for the layers of every stage"
        yield _say(
            "bad-mode",
            f"`mode={shown}` is no mode: BuildKit takes it for `min`, and says nothing",
            item.path,
            hint,
        )
    elif field.kind in ("bool", "flag") and allowed is not None and value not in allowed:
        ending = (
            "BuildKit refuses it"
            if severity == "error"
            else f"BuildKit takes it for {field.default or 'the default'}"
        )
        hint = f"write `{key}=true` or `{key}=false`"
        yield _say(
            "bad-boolean",
            f"`{key}={shown}` is neither true nor false: {ending}",
            item.path,
            hint,
            severity,
        )
    elif field.kind == "compression" and allowed is not None and value not in allowed:
        hint = nearest(value, allowed) or f"write one of {', '.join(sorted(allowed))}"
        yield _say(
            "bad-compression",
            f"BuildKit has no compression `{shown}`, and refuses the entry",
            item.path,
            hint,
            "error",
        )
    elif problem := _bad_value(field, value):
        yield _say(
            "bad-value",
            f"`{key}={shown}` {problem}",
            item.path,
            f"correct it, or remove `{key}`",
            severity,
        )
    elif key == "compression-level":
        yield from _level(item, int(value))


def _level(item: _Item, level: int) -> Iterator[Diagnostic]:
    """A level that its compression does not have; BuildKit passes it on, and nobody checks it."""
    compression = item.entry.attrs.get("compression", "gzip")
    most = _LEVELS.get(compression)
    if most is not None and not 0 <= level <= most:
        message = f"`compression-level={level}` is no level of {compression}, which has 0 to {most}: BuildKit says nothing"
        yield _say("bad-value", message, item.path, f"write a level up to {most}")


def _bad_value(field: Field, value: str) -> str:
    """What is wrong with a number, a duration or a word; nothing where nothing is."""
    if field.kind == "integer" and not _INTEGER.fullmatch(value):
        return "is no number"
    if field.kind == "duration" and not _DURATION.fullmatch(value):
        return "is no duration such as `10m` or `1h30m`"
    if field.kind == "retry" and value not in VALUES["retry"]:
        return f"is none of {', '.join(sorted(VALUES['retry']))}"
    return ""


def _oci_mediatypes(item: _Item, _: _World) -> Iterator[Diagnostic]:
    """An image manifest is an OCI manifest: asking for it without OCI media types fails at the export."""
    attributes = item.entry.attrs
    if (
        item.direction == "to"
        and attributes.get("image-manifest") in TRUE
        and attributes.get("oci-mediatypes") in FALSE
    ):
        message = "`image-manifest=true` needs OCI media types: BuildKit fails when it exports"
        yield _say("oci-mediatypes", message, item.path, "remove `oci-mediatypes=false`", "error")


def _gha(item: _Item, world: _World) -> Iterator[Diagnostic]:
    """`gha` needs what only a GitHub workflow has: buildx drops the entry without a word."""
    if item.entry.type != "gha" or world.environ is None:
        return
    attributes, environ = item.entry.attrs, world.environ
    url = attributes.get("url") or attributes.get("url_v2")
    token = attributes.get("token") or environ.get("ACTIONS_RUNTIME_TOKEN")
    if not token or not (
        url or environ.get("ACTIONS_CACHE_URL") or environ.get("ACTIONS_RESULTS_URL")
    ):
        yield _say(
            "gha-environment",
            "`type=gha` is dropped here without a word: this environment has no ACTIONS_RUNTIME_TOKEN, or no URL beside it",
            item.path,
            "in a workflow, let an action such as crazy-max/ghaction-github-runtime export both; elsewhere use a registry",
        )
    elif (
        world.builder is not None
        and environ.get("ACTIONS_CACHE_SERVICE_V2") in TRUE
        and "version" not in attributes
    ):
        versions = (world.builder.buildkit_version, world.builder.buildx)
        for (program, least), version in zip(_SERVICE_2, versions, strict=True):
            if not at_least(version, least, unknown=True):
                message = f"{program} {version} does not know the cache service of GitHub Actions, which came with {least}"
                yield _say(
                    "gha-service",
                    message,
                    item.path,
                    f"use {program} {least} or newer, or a registry",
                )


def _new_fields(item: _Item, world: _World) -> Iterator[Diagnostic]:
    """Fields that came after the builder's BuildKit or buildx: they are ignored."""
    if world.builder is None:
        return
    for key in item.entry.attrs:
        field = _known(item).fields.get(key)
        if field is None or item.direction not in field.directions:
            continue
        known = (
            ("BuildKit", world.builder.buildkit_version, field.buildkit),
            ("buildx", world.builder.buildx, field.buildx),
        )
        for program, version, least in known:
            if least and version is not None and not at_least(version, least, unknown=True):
                message = f"`{key}` came with {program} {least}, and this builder's {program} {version} ignores it"
                yield _say(
                    "new-field",
                    message,
                    item.path,
                    f"use {program} {least} or newer, or do without `{key}`",
                )


def _refused_form(item: _Item, world: _World) -> Iterator[Diagnostic]:
    """E6: an entry that its registry will refuse, in a form of the user's that is passed as written."""
    if item.entry.type != "registry" or item.direction != "to":
        return
    attributes = item.entry.attrs
    row = find_registry(Reference.parse(attributes["ref"]).domain) if attributes.get("ref") else None
    if row is None or row.index != "rejects" or attributes.get("image-manifest") in TRUE:
        return
    left_alone = (
        "image-manifest" not in attributes and attributes.get("oci-mediatypes") not in FALSE
    )
    if (
        left_alone
        and world.builder
        and at_least(world.builder.buildkit_version, _IMAGE_MANIFEST_DEFAULT, unknown=False)
    ):
        return
    hint = f"write `{_text(item.entry, IMAGE_MANIFEST)}`"
    yield _say(
        "E6", f"{row.name} refuses the form that this entry gives its cache", item.path, hint
    )


def _known(item: _Item) -> Backend:
    """The row of an item that has one."""
    return BACKENDS[item.entry.type]


_ENTRY_JUDGES: tuple[Callable[[_Item, _World], Iterator[Diagnostic]], ...] = (
    _inline_import,
    _missing_fields,
    _fields,
    _oci_mediatypes,
    _gha,
    _new_fields,
    _refused_form,
)


# One plan.

# What serves instead of a credential in the file.
_INSTEAD = {
    "token": "leave it out: buildx takes ACTIONS_RUNTIME_TOKEN from the environment",
    "ghtoken": "give the whole entry by `--cache-to` in the workflow, from a secret of the repository",
    "access_key_id": "leave it out: buildx takes AWS_ACCESS_KEY_ID, a profile or a role from the environment",
    "session_token": "leave it out: buildx takes AWS_SESSION_TOKEN, a profile or a role from the environment",
    "s3": "leave it out: buildx takes AWS_SECRET_ACCESS_KEY, a profile or a role from the environment",
    "azblob": "leave it out: the daemon takes a managed identity or AZURE_CLIENT_SECRET from its own environment",
    "url": "leave the credential out of the URL, and give the entry by a flag, from a secret of the CI",
    "proxy": "leave it out: docker takes proxies from `proxies` in its config.json",
    "argument": "a build argument stays in the image's history: use `build_secrets`, and mount the secret where it is needed",
    "flag": "give the flag on the command line, from a secret of the CI",
}


def _written_secrets(plan: BuildPlan) -> Iterator[Diagnostic]:
    """Credentials in the text of the file; a reference to a variable is none."""
    if not plan.caching:
        return
    for item in _items(plan):
        for key, value in item.entry.attrs.items():
            if item.path[:1] == ("functions",) and _is_secret(key, value):
                instead = _INSTEAD.get(key) or _INSTEAD.get(
                    item.entry.type if key in SECRET_FIELDS else "url", _INSTEAD["url"]
                )
                yield _secret(f"the value of `{masked(key)[:60]}`", item.path, instead)
    for key, value in plan.build_args.items():
        if _is_secret(key, value):
            instead = _INSTEAD["proxy" if key.lower().endswith("_proxy") else "argument"]
            yield _secret(
                f"the value of `{masked(key)[:60]}`",
                ("functions", plan.function, "build_args", key),
                instead,
            )


def _secret(what: str, path: KeyPath, instead: str) -> Diagnostic:
    return _say(
        "secret-in-file",
        f"{what} is a credential, and whoever can read the file can read it",
        path,
        instead,
    )


def _is_secret(key: str, value: str) -> bool:
    return bool(value) and "${" not in value and masked_value(key, value) != value


def _inline_of_another_tag(plan: BuildPlan) -> Iterator[Diagnostic]:
    """E3: an inline cache is in the image that is pushed; it is looked for in the image that is imported."""
    if "inline" not in plan.needs or "cache-export" in plan.needs or not plan.tags:
        return
    built = [Reference.parse(tag) for tag in plan.tags]
    names = {(ref.domain, ref.path) for ref in built}
    targets = {ref.target for ref in built}
    entries = [
        (entry, path)
        for way, entry, path in plan.entries()
        if way == "from" and entry.type == "registry"
    ]
    imports = [(path, _parsed(entry.attrs.get("ref", ""))) for entry, path in entries]
    same = [
        (path, ref) for path, ref in imports if ref is not None and (ref.domain, ref.path) in names
    ]
    if any(ref.target in targets for _, ref in same):
        return
    for path, ref in same:
        yield _say(
            "E3",
            f"the inline cache is looked for in {ref.target}, and this build tags {', '.join(sorted(targets))}",
            path,
            "it will hit only if that tag is pushed too; `build_cache: max` keeps the cache under a tag of its own",
        )


def _parsed(text: str) -> Reference | None:
    try:
        return Reference.parse(text)
    except InvalidReference:
        return None


def _lost_stages(plan: BuildPlan, dockerfile: str) -> Iterator[Diagnostic]:
    """An inline cache holds the layers of the image: those of stages that are only copied from are not among them."""
    if "inline" not in plan.needs or "cache-export" in plan.needs or not dockerfile:
        return
    lost = uncached_stages(dockerfile)
    if lost:
        names = ", ".join(f"`{masked(name)[:60]}`" for name in lost)
        message = f"`inline` keeps the layers of the last stage alone: {names} will be built again on every empty builder"
        path: KeyPath = ("functions", plan.function, "build_cache")
        yield _say(
            "inline-stages",
            message,
            path,
            "write `build_cache: max`, which keeps the layers of every stage",
        )


# Between plans.


def _caches_inside_contexts(
    items: Iterable[_Item], plans: Iterable[BuildPlan]
) -> Iterator[Diagnostic]:
    """A local cache in a context grows the context with every build, and changes what `COPY .` copies."""
    contexts = {posixpath.normpath(plan.context) for plan in plans if "://" not in plan.context}
    for item in items:
        dest = item.entry.attrs.get("dest")
        if item.entry.type != "local" or item.direction != "to" or not dest:
            continue
        inside = [
            context for context in _and_its_parents(posixpath.normpath(dest)) if context in contexts
        ]
        for context in inside:
            message = f"the cache in {masked(dest)!r} lies in the build context {masked(context)!r}: it is sent to the builder"
            hint = "keep it elsewhere, such as `dest=/tmp/cache`, or name it in `.dockerignore`"
            yield _say("dest-in-context", message, item.path, hint)


def _and_its_parents(path: str) -> Iterator[str]:
    """A normal path and every folder that it lies in; a relative one lies in `.` unless it leads out."""
    while path not in ("", ".", "/", "..") and not path.endswith("/.."):
        yield path
        path = posixpath.dirname(path)
    yield path or "."


def _caches_over_images(
    exports: Iterable[_Item], plans: Iterable[BuildPlan]
) -> Iterator[Diagnostic]:
    """E4 between functions: the cache of one would be written over the image of another."""
    tags: dict[str, list[str]] = {}
    for plan in sorted(plans, key=lambda plan: plan.function):
        for tag in plan.tags:
            tags.setdefault(Reference.parse(tag).target, []).append(plan.function)
    for item in exports:
        ref = _parsed(item.entry.attrs.get("ref", "")) if item.entry.type == "registry" else None
        if ref is None:
            continue
        name = item.plan.function
        for other in [
            function for function in tags.get(ref.target, [])[:MAX_PAIRS_OF] if function != name
        ]:
            message = (
                f"the cache of `{name}` would be written over the image of `{other}`: {ref.target}"
            )
            hint = f"export to a tag of its own, as `{ref.with_tag(folded_scope(f'{ref.tag or CACHE_TAG}-cache'))}`"
            yield _say("E4", message, item.path, hint, "error")


def _shared_places(exports: Iterable[_Item]) -> Iterator[Diagnostic]:
    """E5 between functions: each pair that writes to one place, unless they are one build written twice."""
    writers: dict[tuple[str, ...], list[_Item]] = {}
    for item in sorted(exports, key=lambda item: (item.plan.function, str(item.path))):
        if item.backend is not None and item.backend.destination:
            for place in destinations(item.entry):
                writers.setdefault(place, []).append(item)
    for place, items in sorted(writers.items()):
        first = items[0]
        pairs = (
            combinations(items, 2)
            if len(items) <= MAX_PAIRS_OF
            else ((first, item) for item in items[1:])
        )
        for one, two in pairs:
            if one.plan.function != two.plan.function and not _same_build(one.plan, two.plan):
                names = f"`{one.plan.function}` and `{two.plan.function}`"
                message = f"{names} export their caches to one place, {masked(place_text(place))}: each overwrites the other's"
                hint = f"write `{_own(one)}` for `{one.plan.function}` and `{_own(two)}` for `{two.plan.function}`"
                yield _say("E5", message, two.path, f"{hint}, and import from the same", "error")


def _same_build(one: BuildPlan, two: BuildPlan) -> bool:
    """Whether two functions are one build written twice: image, lang, handler, build args and build options are equal."""
    return _sources(one) == _sources(two)


def _sources(plan: BuildPlan) -> tuple[object, ...]:
    # faas-cli writes the context of a function from its lang and handler, under its name.
    context = "" if plan.context == f"build/{plan.function}" else plan.context
    return plan.tags, plan.lang, plan.handler, plan.build_args, plan.build_options, context


def _own(item: _Item) -> str:
    """The entry as it would be written with a place of the function's own."""
    key = _known(item).destination[-1]
    name, value = folded_scope(item.plan.function), item.entry.attrs.get(key, "")
    if item.entry.type == "registry":
        ref = Reference.parse(value)
        return _text(
            item.entry, {key: str(ref.with_tag(folded_scope(f"{ref.tag or CACHE_TAG}-{name}")))}
        )
    return _text(item.entry, {key: f"{value.rstrip('/')}-{name}" if value else name})


def _what_the_builder_lacks(
    plans: Iterable[BuildPlan], builder: Builder | None
) -> Iterator[Diagnostic]:
    """F2 and F5, one function at a time; the note on unknown versions is of no function."""
    for plan in plans:
        for found in missing_features((plan,), builder):
            yield (
                attrs.evolve(found, location=Location(path=("functions", plan.function)))
                if found.severity == "error"
                else found
            )
