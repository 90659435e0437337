"""`resolve`: the only place that decides. A function's spec and the cache flags in, a `BuildPlan` or every fault out.

The short forms become the long form first: `inline` is `{from: [IMAGE]}`, `max` is `{from: [NAME:buildcache], to:
[NAME:buildcache]}`. From there on one set of rules holds, and the worked cases fall out of it. The numbers in the comments
are those of the `build_cache` rules.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

import attrs

from faas_cache.model import entries
from faas_cache.model.backends import BACKENDS, Direction, guess_backend
from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location, errors, nearest
from faas_cache.model.entries import CacheEntry
from faas_cache.model.errors import FaasCacheError, InvalidFunction, InvalidReference
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.go import FALSE, TRUE
from faas_cache.model.masking import masked, shown_fields
from faas_cache.model.references import Reference
from faas_cache.model.registries import IMAGE_MANIFEST, rejects_index
from faas_cache.model.converters import Setting
from faas_cache.model.specs import FunctionSpec

INLINE_CACHE = "BUILDKIT_INLINE_CACHE"
MODES = ("inline", "max")
# The tag that the proposal's `max` keeps its cache under.
CACHE_TAG = "buildcache"
# D6: longer scopes are cut to this, so that `buildcache-`, the scope, `-` and 8 digits stay within a tag's 128 characters.
MAX_SCOPE = 100

# C11: words that buildx would take for images on Docker Hub, and what was meant.
_BARE_WORDS = {word: f"write `type={word}`" for word in ("gha", "local", "s3", "azblob")} | {
    "inline": "write `build_cache: inline`, or `type=inline` in `to`",
    "max": "write `build_cache: max`",
}
_TAG_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
_NO_FLAGS = CacheFlags()
_BUILDKIT_ON = FrozenMap(DOCKER_BUILDKIT="1")


@attrs.frozen(kw_only=True)
class Why:
    """The rule behind one argument of a plan, and the place of the text that it was made from; secrets are masked."""

    part: str
    rule: str
    location: Location


@attrs.frozen(kw_only=True, repr=False)
class BuildPlan:
    """Everything that a build of one function needs to be told, whichever program is told it.

    `needs` are the features that the builder must have (F1). `lang`, `handler` and `build_options` say what the context was
    made from, so that one build written twice can be told (E5). Plans are equal when they build the same: those three, `.why`
    and `.diagnostics` do not count.
    """

    function: str
    tags: tuple[str, ...]
    context: str = "."
    build_args: FrozenMap[str] = EMPTY
    labels: FrozenMap[str] = EMPTY
    secrets: FrozenMap[str] = EMPTY
    platforms: tuple[str, ...] = ()
    cache_from: tuple[CacheEntry, ...] = ()
    cache_to: tuple[CacheEntry, ...] = ()
    builder_flags: tuple[str, ...] = ()
    env: FrozenMap[str] = EMPTY
    ssh: tuple[str, ...] = ()
    no_cache: bool = False
    pull: bool = False
    squash: bool = False
    output: str | None = None
    needs: frozenset[str] = frozenset()
    lang: str = attrs.field(default="", eq=False)
    handler: str = attrs.field(default="", eq=False)
    build_options: tuple[str, ...] = attrs.field(default=(), eq=False)
    diagnostics: tuple[Diagnostic, ...] = attrs.field(default=(), eq=False)
    reasons: tuple[tuple[str, str, KeyPath], ...] = attrs.field(default=(), eq=False, repr=False)

    @property
    def why(self) -> tuple[Why, ...]:
        """The rule and the place behind each cache argument, in the order of the plan."""
        return tuple(
            Why(part=masked(part), rule=rule, location=Location(path=path))
            for part, rule, path in self.reasons
        )

    def entries(self) -> Iterator[tuple[Direction, CacheEntry, KeyPath]]:
        """Every cache entry with its direction and the path of the text that it was made from, imports first."""
        paths = {part: path for part, _, path in self.reasons}
        top: KeyPath = ("functions", self.function)
        for entry in self.cache_from:
            yield "from", entry, paths.get(f"--cache-from {entry}", top)
        for entry in self.cache_to:
            yield "to", entry, paths.get(f"--cache-to {entry}", top)

    @property
    def caching(self) -> bool:
        """Whether caching is on for this function (A2)."""
        return "buildkit" in self.needs

    __repr__ = shown_fields


class _Item(NamedTuple):
    """One entry as read: a bare reference (no fields), or fields with their text."""

    text: str
    fields: FrozenMap[str] | None
    ref: Reference | None
    rule: str
    path: KeyPath


class _Written(NamedTuple):
    """One entry as the builder will read it, and the reference it names, where it names one."""

    entry: CacheEntry
    ref: Reference | None
    rule: str
    path: KeyPath


class _Value(NamedTuple):
    """One entry as written and its place; what a mode wrote comes with its reference and its rule."""

    value: Setting
    path: KeyPath
    ref: Reference | None = None
    rule: str = ""


Values = list[_Value]


def resolve(spec: FunctionSpec, flags: CacheFlags = _NO_FLAGS) -> BuildPlan:
    """The plan of one function under these flags; raises `InvalidFunction` with every fault of the function's own text.

    No side effects, and nothing asked of the machine: the same arguments give the same plan.

    >>> plan = resolve(FunctionSpec(name="fn", image="ghcr.io/a/fn", build_cache="max"))
    >>> str(plan.cache_to[0])
    'type=registry,ref=ghcr.io/a/fn:buildcache,mode=max'
    """
    return _Resolution(spec, flags).plan()


class _Resolution:
    """One run of `resolve`: what was given, and the faults found so far."""

    def __init__(self, spec: FunctionSpec, flags: CacheFlags) -> None:
        self.spec = spec
        self.flags = flags
        self.top: KeyPath = ("functions", spec.name)
        self.found: list[Diagnostic] = []

    def plan(self) -> BuildPlan:
        """The rules in their order."""
        spec, flags = self.spec, self.flags
        image = self.image()
        tags = self.tags(image)
        builder_flags = self.builder_flags()
        sides = self.long_form(image)
        imports: list[_Written] = []
        exports: list[_Written] = []
        build_args, env, inline = spec.build_args, EMPTY, False
        if spec.build_secrets or spec.ssh:
            env = _BUILDKIT_ON
        if sides is not None:
            imports, exports = self.written(*sides)
            self.judge_exports(exports, tags)
            # A2: any setting or cache flag switches caching on.
            env = _BUILDKIT_ON
            build_args, inline = self.inline_cache(exports)
        if errors(self.found):
            raise InvalidFunction(*self.found)
        return BuildPlan(
            function=spec.name,
            tags=tuple(map(_with_latest, tags)),
            context=spec.context_path,
            build_args=build_args,
            labels=spec.build_labels,
            secrets=spec.build_secrets,
            platforms=spec.platforms,
            cache_from=tuple(item.entry for item in imports),
            cache_to=tuple(item.entry for item in exports),
            builder_flags=builder_flags,
            env=env,
            ssh=spec.ssh,
            no_cache=flags.no_cache,
            pull=spec.pull,
            squash=spec.squash,
            output=spec.output,
            lang=spec.lang,
            handler=spec.handler,
            build_options=spec.build_options,
            needs=_needs(imports, exports, inline=inline, on=sides is not None)
            | self.platform_needs(builder_flags),
            diagnostics=(*spec.diagnostics, *self.found),
            reasons=self.reasons(imports, exports, on=sides is not None),
        )

    # E2, D2: what is judged with caching or without.

    def image(self) -> Reference | None:
        """E2: the image that the function names, or None with the fault noted."""
        place = (*self.top, "image")
        if not self.spec.image:
            self.fault(
                "E2", "the function names no image", place, "write `image: REGISTRY/NAME:TAG`"
            )
            return None
        image = self.reference(self.spec.image, place, "E2")
        if image is not None and image.digest is not None:
            self.fault(
                "E2",
                f"the image {self.spec.image!r} has a digest, and docker takes none as the tag of a build",
                place,
                f"write `image: {_with_latest(self.spec.image.partition('@')[0])}`",
            )
        return image

    def tags(self, image: Reference | None) -> list[Reference]:
        """What the build tags: the image, or the one that stands in for it, and the extra tags."""
        if image is None:
            return []
        if self.spec.tag_as is not None:
            image = self.reference(self.spec.tag_as, (*self.top, "tag_as"), "E1") or image
        extra = []
        for i, tag in enumerate(self.spec.extra_tags):
            try:
                extra.append(image.with_tag(tag))
            except InvalidReference as fault:
                self.pass_on(fault, (*self.top, "extra_tags", i))
        return [image, *extra]

    def builder_flags(self) -> tuple[str, ...]:
        """D2: each item is one argument, the flags' after the function's."""
        if not self.spec.builder_flags:
            return ()
        given = [
            (flag, (*self.top, "builder_flags", i))
            for i, flag in enumerate(self.spec.builder_flags)
        ]
        for flag, place in given:
            if not flag.startswith("-"):
                hint = f"write one argument an item, flag and value in one: `--flag={masked(flag)}`"
                self.fault(
                    "D2",
                    f"{masked(flag)!r} does not begin with `-`, so docker would take it for a path",
                    place,
                    hint,
                )
        return tuple(flag for flag, _ in given)

    # B, C1, D1: every form becomes the long form.

    def long_form(self, image: Reference | None) -> tuple[Values, Values] | None:
        """The entries of both sides with their places, or None where caching is off (A1)."""
        spec, flags = self.spec, self.flags
        if not flags.enabled:
            return None
        setting, place = spec.build_cache, (*self.top, "build_cache")
        if flags.build_cache is not None:
            setting, place = flags.build_cache, ("--build-cache",)
        if setting is None and not flags.cache_from and not flags.cache_to:
            return None
        imports, exports = self.sides(setting, place, image)
        # D1: a flag list replaces the list of its side.
        if flags.cache_from:
            imports = [_Value(text, ("--cache-from", i)) for i, text in enumerate(flags.cache_from)]
        if flags.cache_to:
            exports = [_Value(text, ("--cache-to", i)) for i, text in enumerate(flags.cache_to)]
        if setting is not None and not imports and not exports and not self.found:
            self.fault(
                "C1",
                "the setting is empty: it says nothing to do",
                place,
                "remove it, or write `inline` or `max`",
            )
        return imports, exports

    def sides(
        self, setting: Setting, place: KeyPath, image: Reference | None
    ) -> tuple[Values, Values]:
        """What a setting alone says."""
        if setting is None:
            return [], []
        if isinstance(setting, FrozenMap):
            return self.lists(setting, place)
        if self.flags.scope is not None and setting != "max":
            self.unscoped(place)
        if setting in MODES and image is None:
            return [], []  # the image's fault is noted already
        if setting == "inline":  # B1
            return [_Value(self.spec.image, place, image, "B1")], []
        if setting == "max" and image is not None:  # B2
            refs = [image.with_tag(tag) for tag in self.cache_tags()]
            values = [_Value(str(ref), place, ref, "B2") for ref in refs]
            return values, values[:1]
        self.bad_mode(setting, place)
        return [], []

    def bad_mode(self, setting: Setting, place: KeyPath) -> None:
        """B3: the setting is neither a mode nor a mapping."""
        modes = "it is `inline`, `max`, or a mapping with `from` and `to`"
        if isinstance(setting, tuple):
            shown = "a list"
            hint = "write the list under `from:`, `to:` or both"
        else:
            shown = f"`{masked(_go_text(setting))[:60]}`"
            word = _go_text(setting)
            hint = (
                nearest(word, MODES)
                if word.lower() not in MODES
                else f"modes are in lower case: `{word.lower()}`"
            )
        self.fault("B3", f"{shown} is no cache setting: {modes}", place, hint)

    def lists(self, setting: FrozenMap[Setting], place: KeyPath) -> tuple[Values, Values]:
        """C1: the object form."""
        for key in setting:
            if key not in ("from", "to"):
                hint = nearest(key, ("from", "to")) or "remove it; the keys are `from` and `to`"
                self.fault(
                    "C1", f"`{masked(key)[:60]}` is no key of `build_cache`", (*place, key), hint
                )
        if self.flags.scope is not None:
            self.unscoped(place)
        imports = [] if self.flags.cache_from else self.side(setting, "from", place)
        exports = [] if self.flags.cache_to else self.side(setting, "to", place)
        return imports, exports

    def side(self, setting: FrozenMap[Setting], key: str, place: KeyPath) -> Values:
        """One list of the object form; a single string stands for a list of one."""
        value = setting.get(key, ())
        place = (*place, key)
        if value is None:
            self.fault(
                "C12",
                f"`{key}` is null: an unset variable, mostly",
                place,
                f"give it entries, or remove `{key}:`",
            )
            return []
        items = value if isinstance(value, tuple) else (value,)
        values = [_Value(item, (*place, i)) for i, item in enumerate(items)]
        return values if len(values) < 2 else list(self.unsplit(values))  # noqa: PLR2004  # one entry was not split

    def unsplit(self, values: Values) -> Iterator[_Value]:
        """C13: entries that a flow list of YAML took apart are faults; the rest is passed on."""
        at = 0
        while at < len(values):
            end = at + 1
            lacking = _lacks_required(values[at].value)
            while end < len(values) and _is_fragment(
                values[at].value, values[end].value, lacking=lacking
            ):
                end += 1
            if end - at == 1:
                yield values[at]
            else:
                whole = masked(",".join(str(item.value) for item in values[at:end]))
                self.fault(
                    "C13",
                    f"YAML split one entry at its commas into {end - at}",
                    values[at].path,
                    f'quote it: `["{whole}"]`',
                )
            at = end

    # D6, D7: the tags of `max`.

    def cache_tags(self) -> list[str]:
        """The tags that `max` imports, in order; it exports to the first."""
        if self.flags.scope is None and not self.flags.fallback_scopes:
            return [CACHE_TAG]
        given = [("--cache-scope", self.flags.scope)] if self.flags.scope is not None else []
        given += [("--cache-scope-fallback", scope) for scope in self.flags.fallback_scopes]
        tags = [] if self.flags.scope is not None else [CACHE_TAG]
        for flag, scope in given:
            if not scope or ("{platform}" in scope and not self.spec.platforms):
                cause = (
                    "the scope is empty"
                    if not scope
                    else "`{platform}` needs platforms, and the function has none"
                )
                self.fault(
                    "D7" if scope else "D6",
                    cause,
                    (flag,),
                    "give the scope a name, or the build its platforms",
                )
            else:
                tags.append(f"{CACHE_TAG}-{folded_scope(self.with_platform(scope))}")
        return list(dict.fromkeys(tags)) or [CACHE_TAG]

    def with_platform(self, scope: str) -> str:
        """D7: the scope with the plan's platforms put in, before it is folded."""
        return scope.replace(
            "{platform}", "_".join(platform.replace("/", "-") for platform in self.spec.platforms)
        )

    def unscoped(self, place: KeyPath) -> None:
        """D6: a scope names the cache of `max` alone."""
        message = "a cache scope changes nothing here: it names the cache of `build_cache: max`"
        self.fault(
            "D6",
            message,
            place,
            "write `max`, or put the scope into the entries",
            severity="warning",
        )

    # C: from values to entries.

    def written(self, imports: Values, exports: Values) -> tuple[list[_Written], list[_Written]]:
        """Both sides as the builder will read them, after D3 and D4 left out theirs."""
        read_from = [item for value in imports for item in self.read(value, "from")]
        read_to = [item for value in exports for item in self.read(value, "to")]
        if not self.flags.export:  # D4
            read_to = []
        typed = bool(read_to)
        # D3: BuildKit would fetch imports and not use them.
        kept = (
            [] if self.flags.no_cache else [self.import_of(item, typed=typed) for item in read_from]
        )
        return _distinct(kept), _distinct([self.export_of(item) for item in read_to])

    def read(self, given: _Value, side: str) -> list[_Item]:  # noqa: PLR0911  # one exit for each thing an entry can be
        """One value of a list: an entry, or a list of references (C7); nothing where it is at fault."""
        value, path, ref, rule = given
        if ref is not None:
            return [_Item(str(ref), None, ref, rule, path)]
        if not isinstance(value, str):
            return self.no_text(value, path, side)
        text = entries.without_newline(value)
        if not text:
            self.fault(
                "C12",
                "the entry is empty; buildx would skip it without a word",
                path,
                "give it a value, or remove it",
            )
            return []
        if "\n" in text:
            self.several_lines(text, path)
            return []
        try:
            if "=" in text:
                return self.read_fields(text, path, side)
            items = entries.split(text) if "," in text or '"' in text else [text]
        except FaasCacheError as fault:
            self.pass_on(fault, path)
            return []
        return [
            item
            for ref in items
            for item in self.read_reference(ref, path, side, listed=len(items) > 1)
        ]

    def no_text(self, value: Setting, path: KeyPath, side: str) -> list[_Item]:
        """C1, C12: an entry that is no text."""
        if value is None:
            self.fault(
                "C12",
                "the entry is null: an unset variable, mostly",
                path,
                "give it a value, or remove it",
            )
        elif isinstance(value, FrozenMap):
            whole = ",".join(
                entries.csv_field(f"{key}={_go_text(item)}") for key, item in value.items()
            )
            self.fault(
                "C1", "an entry is a string, not a mapping", path, f"write {masked(whole)!r}"
            )
        elif isinstance(value, (bool, int)):
            return self.read(_Value(_go_text(value), path), side)
        else:
            kind = "a list" if isinstance(value, tuple) else "a float"
            self.fault(
                "C1",
                f"an entry is a string, not {kind}",
                path,
                "write one string for each entry, in quotes",
            )
        return []

    def several_lines(self, text: str, path: KeyPath) -> None:
        """C1: one string that holds a list, as build-push-action takes it."""
        lines = [masked(line.strip()) for line in text.splitlines() if line.strip()]
        self.fault("C1", "the entry holds several lines", path, f"write a list: {lines!r}")

    def read_reference(self, ref: str, path: KeyPath, side: str, *, listed: bool) -> list[_Item]:
        """A bare reference: C11, C12, E1, E2."""
        if not ref:
            self.fault(
                "C12", "the list of references has an empty item", path, "remove the comma too many"
            )
            return []
        if ref in _BARE_WORDS:
            message = f"`{ref}` alone would be an image on Docker Hub"
            self.fault("C11", message, path, _BARE_WORDS[ref])
            return []
        parsed = self.reference(ref, path, "E1")
        if parsed is None or (side == "to" and self.has_digest(parsed, path)):
            return []
        return [_Item(ref, None, parsed, "C7" if listed else "", path)]

    def read_fields(self, text: str, path: KeyPath, side: str) -> list[_Item]:
        """An entry with fields: typed (C6) or untyped (C5)."""
        fields = entries.parse_fields(text)
        if "type" in fields:
            kind = entries.typed_entry(text, fields).type
            ref = (
                self.typed_reference(fields, path, side)
                if kind == "registry" and "ref" in fields
                else None
            )
            return [_Item(text, fields, ref, "C6", path)]
        if "ref" not in fields:
            kind = guess_backend(frozenset(fields))
            hint = f"write `type={kind or '…'},{masked(text)}`" + (
                "" if kind else ", or give it a `ref`"
            )
            self.fault("C5", f"{masked(text)!r} has neither `type` nor `ref`", path, hint)
            return []
        ref = self.reference(fields["ref"], path, "E1")
        if ref is None or (side == "to" and self.has_digest(ref, path)):
            return []
        return [_Item(text, fields, ref, "C5", path)]

    def typed_reference(self, fields: FrozenMap[str], path: KeyPath, side: str) -> Reference | None:
        """E2: the `ref` of a typed entry is judged, though the entry is passed as written."""
        try:
            ref = Reference.parse(fields["ref"])
        except InvalidReference as fault:
            if side == "to":
                self.pass_on(fault, path)
            else:
                first = fault.diagnostics[0]
                message = (
                    f"{first.message}; BuildKit would import nothing and say so only in its log"
                )
                self.fault("E2", message, path, first.hint, severity="warning")
            return None
        if side == "to":
            self.has_digest(ref, path)
        return ref

    def has_digest(self, ref: Reference, path: KeyPath) -> bool:
        """E2: a digest in `to`; BuildKit would push by it and drop the tag."""
        if ref.digest is None:
            return False
        hint = f"write `{ref.name}:{ref.tag or CACHE_TAG}`"
        self.fault(
            "E2",
            f"{str(ref)!r} has a digest: the cache pushed to it could never be found",
            path,
            hint,
        )
        return True

    def import_of(self, item: _Item, *, typed: bool) -> _Written:
        """C2, C3, C5, C6: what an item of `from` becomes; `typed` where something is exported too."""
        text, fields, ref, rule, path = item
        if fields is None:
            if not typed:
                return _Written(entries.reference_entry(text), ref, rule or "C2", path)
            return _Written(
                entries.reference_entry(text, text=f"type=registry,ref={text}"),
                ref,
                rule or "C3",
                path,
            )
        if rule == "C6":
            return _Written(entries.typed_entry(text, fields), ref, rule, path)
        whole = f"type=registry,{text}"
        return _Written(CacheEntry(text=whole, type="registry", attrs=fields), ref, rule, path)

    def export_of(self, item: _Item) -> _Written:
        """C4, C5, C6: what an item of `to` becomes; D8 is the order of the fields."""
        text, fields, ref, rule, path = item
        if rule == "C6" and fields is not None:
            return _Written(entries.typed_entry(text, fields), ref, rule, path)
        given = FrozenMap(ref=text) if fields is None else fields
        head = f"ref={text}" if fields is None else text
        added = {
            key: value for key, value in self.completions(ref, given).items() if key not in given
        }
        whole = ",".join(
            ("type=registry", head, *(f"{key}={value}" for key, value in added.items()))
        )
        return _Written(
            CacheEntry(text=whole, type="registry", attrs=given | added), ref, rule or "C4", path
        )

    def completions(self, ref: Reference | None, given: FrozenMap[str]) -> dict[str, str]:
        """What our exports carry unless the user wrote it: C4's mode, E6's manifest, and D5."""
        added = {"mode": "max"}
        if (
            ref is not None
            and rejects_index(ref.domain)
            and not (FALSE & {given.get(key) for key in IMAGE_MANIFEST})
        ):
            added |= IMAGE_MANIFEST
        if self.flags.ignore_export_errors:
            added["ignore-error"] = "true"
        return added

    # A: what switching on adds.

    def inline_cache(self, exports: list[_Written]) -> tuple[FrozenMap[str], bool]:
        """A2 to A4: the build arguments, and whether inline metadata will be exported by them."""
        given = self.spec.build_args.get(INLINE_CACHE)
        typed = next((item for item in exports if item.entry.type == "inline"), None)
        if given is None:
            # A4: a `type=inline` export does the same, and BuildKit 0.11 to 0.25 refuses the pair. D4: nothing is exported.
            if typed or not self.flags.export:
                return self.spec.build_args, False
            return self.spec.build_args | {INLINE_CACHE: "1"}, True
        place = (*self.top, "build_args", INLINE_CACHE)
        if given not in TRUE:
            message = f"`{INLINE_CACHE}: {given}` switches the inline cache off: BuildKit takes only 1, t, T, true, True, TRUE"
            self.fault("A3", message, place, "write `1`, or remove it", severity="warning")
        elif typed:
            message = f"`{INLINE_CACHE}` and a `type=inline` export are the same export twice, which BuildKit 0.11 to 0.25 refuses"
            self.fault(
                "A4",
                message,
                typed.path,
                f"remove one of them: the entry, or the build argument `{INLINE_CACHE}`",
            )
        return self.spec.build_args, given in TRUE

    # E4, E5: what the exports overwrite.

    def judge_exports(self, exports: list[_Written], tags: list[Reference]) -> None:
        """E4 against the function's own tags, E5 within the function."""
        if not exports:
            return
        targets = {tag.target for tag in tags}
        for item in exports:
            if (
                item.entry.type == "registry"
                and item.ref is not None
                and item.ref.target in targets
            ):
                self.fault(
                    "E4",
                    f"the cache would be written over the image itself: both are {item.ref.target}",
                    item.path,
                    f"export to a tag of its own, as `{item.ref.with_tag(f'{item.ref.tag or CACHE_TAG}-cache')}`",
                )
        written: set[tuple[str, ...]] = set()
        for item in exports:
            places = destinations(item.entry)
            if shared := places & written:
                message = f"two exports write to one place, {masked(place_text(min(shared)))}: one is lost, or BuildKit refuses"
                self.fault(
                    "E5", message, item.path, "remove one of them, or give each a place of its own"
                )
            written |= places

    def platform_needs(self, builder_flags: tuple[str, ...]) -> frozenset[str]:
        """F5: several platforms that are not pushed must be stored, which few builders can."""
        loads = self.spec.output in (None, "load") and not any(
            says_output(flag) for flag in builder_flags
        )
        return (
            frozenset({"multi-platform"})
            if loads and len(self.spec.platforms) > 1
            else frozenset()
        )

    def reasons(
        self, imports: list[_Written], exports: list[_Written], *, on: bool
    ) -> tuple[tuple[str, str, KeyPath], ...]:
        """The raw material of `.why`."""
        if not on:
            return ()
        args = (*self.top, "build_args", INLINE_CACHE)
        setting = self.top if self.spec.build_cache is None else (*self.top, "build_cache")
        given = self.spec.build_args.get(INLINE_CACHE)
        inline: tuple[tuple[str, str, KeyPath], ...] = ()
        if given is not None:
            inline = ((f"--build-arg {INLINE_CACHE}={given}", "A3", args),)
        elif self.flags.export and not any(item.entry.type == "inline" for item in exports):
            inline = ((f"--build-arg {INLINE_CACHE}=1", "A2", setting),)
        return (
            ("DOCKER_BUILDKIT=1", "A2", setting),
            *((f"--cache-from {item.entry}", item.rule, item.path) for item in imports),
            *((f"--cache-to {item.entry}", item.rule, item.path) for item in exports),
            *inline,
        )

    # Faults.

    def reference(self, text: str, path: KeyPath, code: str) -> Reference | None:
        """The reference, or None with the fault noted under `code`."""
        try:
            return Reference.parse(text)
        except InvalidReference as fault:
            self.pass_on(fault, path, code)
            return None

    def pass_on(self, fault: FaasCacheError, path: KeyPath, code: str = "") -> None:
        """Notes what another room found, with its place."""
        for found in fault.diagnostics:
            self.found.append(
                attrs.evolve(found, location=Location(path=path), name=code or found.name)
            )

    def fault(
        self, code: str, message: str, path: KeyPath, hint: str = "", *, severity: str = "error"
    ) -> None:
        """Notes a fault and goes on: all of a function's faults are reported together."""
        self.found.append(
            Diagnostic(
                name=code,
                severity=severity,
                message=message,
                location=Location(path=path),
                hint=hint,
            )  # type: ignore[arg-type]  # one of the three
        )


def destinations(entry: CacheEntry) -> frozenset[tuple[str, ...]]:
    """The places that an export writes to, normalised: two exports with one in common overwrite each other (E5).

    A place is the type and the values that name it. An import, or an export of an unknown type, has its text alone; an export
    that lacks the field that names its place writes nowhere.
    """
    backend = BACKENDS.get(entry.type)
    if backend is None:
        return frozenset({(entry.type, *sorted(f"{k}={v}" for k, v in entry.attrs.items()))})
    values = [entry.attrs.get(name) or backend.fields[name].default for name in backend.destination]
    if values and not values[-1]:
        return frozenset()
    if entry.type == "registry":
        with suppress(InvalidReference):  # refused elsewhere, under its own rule
            values = [Reference.parse(values[0]).target]
    elif entry.type == "local":
        values = [posixpath.normpath(values[0])]
    elif backend.destination[-1:] == ("name",):
        # s3 and azblob take several names, parted by semicolons
        return frozenset((entry.type, *values[:-1], name) for name in values[-1].split(";"))
    return frozenset({(entry.type, *values)})


def place_text(place: tuple[str, ...]) -> str:
    """A destination as people read it."""
    kind, *values = place
    return " ".join((f"type={kind}", *filter(None, values)))


def folded_scope(scope: str) -> str:
    """D6: the scope as a part of a tag; what folding made ambiguous carries eight digits of its SHA-256."""
    from hashlib import sha256

    folded = "".join(c if c in _TAG_CHARACTERS else "-" for c in scope)
    tail = folded[-9:]
    looks_folded = (
        len(tail) == 9 and tail[0] == "-" and all(c in "0123456789abcdef" for c in tail[1:])
    )  # noqa: PLR2004  # a dash and 8 digits
    if folded == scope and len(scope) <= MAX_SCOPE and not looks_folded:
        return scope
    return f"{folded[:MAX_SCOPE]}-{sha256(scope.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _needs(
    imports: Iterable[_Written], exports: list[_Written], *, inline: bool, on: bool
) -> frozenset[str]:
    """F1: the features that the builder must have."""
    if not on:
        return frozenset()
    found = list(imports)
    needs = {"buildkit"} | ({"inline"} if inline else set())
    needs |= {item.entry.type for item in (*found, *exports)} & BACKENDS.keys()
    if exports or not all(item.entry.bare for item in found):
        needs.add("buildx")
    if any(item.entry.type != "inline" for item in exports):
        needs.add("cache-export")
    if len(exports) + inline > 1:
        needs.add("multiple-exports")
    return frozenset(needs)


def _distinct(items: list[_Written]) -> list[_Written]:
    """C9: the first of each meaning, in order."""
    if len(items) < 2:  # noqa: PLR2004  # one entry is no duplicate
        return items
    first: dict[object, _Written] = {}
    for item in items:
        first.setdefault(item.entry.key, item)
    return list(first.values())


def says_output(flag: str) -> bool:
    """Whether a builder flag says where the image goes (F5)."""
    name = flag.partition("=")[0]
    return name in ("--output", "--push", "--load") or (
        flag.startswith("-o") and not flag.startswith("--")
    )


def _with_latest(image: Reference | str) -> str:
    """The image, with `:latest` where its last path component has no colon, as faas-cli does."""
    text = str(image)
    return text if ":" in text.rpartition("/")[2] else f"{text}:latest"


def tagged(image: str, kind: str, value: str) -> str:
    """The image that `--tag` makes of another, as faas-cli does: its tag and a value, or the value in place of the tag.

    What no tag may hold becomes `-`: a branch `feature/x` is `feature-x`.

    >>> tagged("ghcr.io/a/fn", "branch", "feature/x-1a2b3c4")
    'ghcr.io/a/fn:latest-feature-x-1a2b3c4'
    """
    whole = _with_latest(image)
    folded = "".join(c if c in _TAG_CHARACTERS else "-" for c in value)
    return f"{whole.rpartition(':')[0]}:{folded}" if kind == "digest" else f"{whole}-{folded}"


def _lacks_required(value: Setting) -> bool:
    """C13: whether a value is a typed entry without the field that its type requires."""
    fields = _fields(value)
    backend = BACKENDS.get(fields.get("type", ""))
    return backend is not None and any(
        not (field.required.isdisjoint(("from", "to")) or name in fields)
        for name, field in backend.fields.items()
    )


def _is_fragment(first: Setting, value: Setting, *, lacking: bool) -> bool:
    """C13: whether a value was part of the entry that began at `first`."""
    fields = _fields(value)
    if not fields or "type" in fields or not _fields(first):
        return False
    return lacking or "ref" not in fields


def _fields(value: Setting) -> FrozenMap[str]:
    """The fields of a value that reads as an entry with fields; none of anything else."""
    if not isinstance(value, str) or "=" not in value or "\n" in entries.without_newline(value):
        return EMPTY
    try:
        return entries.parse_fields(value)
    except FaasCacheError:
        return EMPTY


def _go_text(value: object) -> str:
    """A scalar as Go writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
