"""Hypothesis strategies: references, cache entries, functions, flags and stack files as JSON data.

They need the extra `testing`: `pip install 'faas-cache[testing]'`. With `source="proposal"`, only
what the proposal defines is generated, without faults: nothing that a rule marked (ext) decides.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from hypothesis import strategies as st

from faas_cache.conformance.protocol import Answer, Question, answer
from faas_cache.conformance.vectors import Source

__all__ = ["cases", "entries", "flags", "functions", "references", "stacks"]

_Json: TypeAlias = Any
_Mapping: TypeAlias = dict[str, _Json]

_DOMAINS = ("ghcr.io", "docker.io", "localhost:5000", "registry.example.com:443", "gcr.io")
_REJECTING_DOMAINS = ("123456789012.dkr.ecr.us-east-1.amazonaws.com", "quay.io", "harbor.acme.dev")
_NAMES = st.from_regex(r"[a-z0-9]{1,3}(?:(?:[._]|__|-{1,2})[a-z0-9]{1,3})?", fullmatch=True)
_TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,5}", fullmatch=True)
_DIGEST = f"sha256:{64 * '0'}"
_MODES = ("max", "min")
_INLINE_CACHE = "BUILDKIT_INLINE_CACHE"
# Characters that Go's CSV, YAML or a reference treat in a special way.
_ODD_TEXT = st.text('a=,"/:@ \n\r\\{}$A', max_size=12)
_TEXT = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=6)


def references(*, digests: bool = False, domains: tuple[str, ...] = _DOMAINS) -> _Texts:
    """Valid image references, as text.

    Args:
        digests: Whether some have a digest.
        domains: The registries; some references have none.
    """
    paths = st.lists(_NAMES, min_size=1, max_size=2).map("/".join)
    domain = st.sampled_from(("", *(f"{domain}/" for domain in domains)))
    tag = st.just("") | _TAGS.map(":{}".format)
    digest = st.sampled_from(("", f"@{_DIGEST}")) if digests else st.just("")
    return st.tuples(domain, paths, tag, digest).map("".join)


def entries(side: Literal["from", "to"], *, source: Source | None = None) -> _Texts:
    """Cache entries as text: bare references, untyped and typed ones.

    Without a source, lists of references, other backends and text that buildx rejects, too.
    """
    valid = st.one_of(
        references(),
        references().map("ref={}".format),
        references().map("type=registry,ref={}".format),
        _TAGS.map(f"type=local,{'src' if side == 'from' else 'dest'}=/cache/{{}}".format),
        _TAGS.map("type=gha,scope={}".format),
    )
    if side == "to":
        modes = st.sampled_from(("", *(f",mode={mode}" for mode in _MODES)))
        with_fields = valid.filter(lambda text: "=" in text)
        valid |= st.tuples(with_fields, modes).map("".join)
    if source == "proposal":
        return valid
    return st.one_of(
        valid,
        references(digests=True, domains=_REJECTING_DOMAINS),
        st.lists(references(), min_size=2, max_size=2).map(",".join),
        st.sampled_from(("type=inline", "inline", "gha", "", "mode=max", "type=gha", "REF=a/b:c")),
        references().map("type=registry,image-manifest=false,ref={}".format),
        references(domains=_REJECTING_DOMAINS).map("ref={},ignore-error=false".format),
        _ODD_TEXT,
    )


def functions(*, source: Source | None = None) -> st.SearchStrategy[_Mapping]:
    """Functions as in a stack file: the keys that decide about the cache.

    Without a source, some have faults.
    """
    if source == "proposal":
        return cases(source=source).map(lambda case: case[0])
    return st.fixed_dictionaries(
        {"image": references() | references(digests=True, domains=_REJECTING_DOMAINS) | _ODD_TEXT},
        optional={
            "build_cache": _settings() | _faulty_settings(),
            "build_args": _build_args(own_inline_cache=True),
            "builder_flags": st.lists(_builder_flags() | _TEXT, max_size=2),
            "extra_tags": st.lists(_TAGS, max_size=2),
            "platforms": st.sampled_from(("linux/amd64", "linux/amd64,linux/arm64")),
            "output": st.sampled_from(("push", "load")),
        },
    )


def flags(*, source: Source | None = None) -> st.SearchStrategy[_Mapping]:
    """Flags as the fields of `CacheFlags` that are given; for the proposal, those of its two."""
    if source == "proposal":
        lists = {side: _list(side, source=source) for side in _FLAGS}
        return st.fixed_dictionaries({}, optional={_FLAGS[side]: lists[side] for side in _FLAGS})
    switches = ("no_cache", "export", "ignore_export_errors", "enabled")
    scopes = _TEXT | st.sampled_from(("main", "feature/x", "{platform}", "", 120 * "a"))
    return st.fixed_dictionaries(
        {},
        optional={
            "build_cache": st.sampled_from(("inline", "max", "none", "Max")),
            "cache_from": _list("from"),
            "cache_to": _list("to"),
            "scope": scopes,
            "fallback_scopes": st.lists(scopes, max_size=2),
            **dict.fromkeys(switches, st.booleans()),
        },
    )


def cases(*, source: Source | None = None) -> st.SearchStrategy[tuple[_Mapping, _Mapping]]:
    """Functions with flags: the input of one vector."""
    if source != "proposal":
        return st.tuples(functions(), flags())
    build_args = _build_args(own_inline_cache=False)
    parts = {"build_args": build_args, "builder_flags": st.lists(_builder_flags(), max_size=2)}
    image = {"image": references()}
    # The proposal does not say how a setting and a flag combine.
    with_setting = st.fixed_dictionaries({**image, "build_cache": _settings()}, optional=parts)
    with_flags = st.fixed_dictionaries(image, optional=parts)
    return st.one_of(
        st.tuples(with_setting, st.just({})), st.tuples(with_flags, flags(source=source))
    ).filter(lambda case: not _answer(*case).errors and not _has_duplicates(*case))


def stacks() -> st.SearchStrategy[_Mapping]:
    """Stack files as JSON data, which is YAML: one to three functions without faults."""
    names = st.from_regex(r"[a-z](?:[a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
    return st.fixed_dictionaries(
        {
            "version": st.just("1.0"),
            "provider": st.just({"name": "openfaas", "gateway": "http://127.0.0.1:8080"}),
            "functions": st.dictionaries(
                names,
                functions(source="proposal").map(
                    lambda function: {"lang": "dockerfile", "handler": "./fn", **function}
                ),
                min_size=1,
                max_size=3,
            ),
        }
    )


_Texts: TypeAlias = st.SearchStrategy[str]
_FLAGS: dict[Literal["from", "to"], str] = {"from": "cache_from", "to": "cache_to"}


def _list(side: Literal["from", "to"], *, source: Source | None = None) -> Any:  # noqa: ANN401  # a strategy of lists
    return st.lists(entries(side, source=source), min_size=1, max_size=3, unique=True)


def _settings() -> st.SearchStrategy[_Json]:
    """Settings that the proposal defines."""
    imports, exports = (_list(side, source="proposal") for side in _FLAGS)
    return st.one_of(
        st.sampled_from(("inline", "max")),
        st.fixed_dictionaries({"from": imports}),
        st.fixed_dictionaries({"from": imports, "to": exports}),
    )


def _faulty_settings() -> st.SearchStrategy[_Json]:
    """Settings of any form, most of them with faults."""
    scalars = st.sampled_from((None, True, False, 1, "none", "Max", "off", "maximum", ""))
    values = scalars | entries("from") | entries("to")
    sides = values | st.lists(values, max_size=3)
    keys = st.sampled_from(("from", "to", "form", "cache-to"))
    words = scalars | references() | st.sampled_from(("main", "{platform}", "feature/x"))
    modes = st.fixed_dictionaries(
        {"mode": st.sampled_from(("max", "inline", "none"))},
        optional={
            "scope": words,
            "fallback_scopes": words | st.lists(words, max_size=2),
            "repository": words,
        },
    )
    lists = st.dictionaries(keys, sides, max_size=2)
    return st.one_of(scalars, st.lists(values, max_size=2), lists, modes)


def _build_args(*, own_inline_cache: bool) -> st.SearchStrategy[dict[str, str]]:
    args = st.dictionaries(st.sampled_from(("GO111MODULE", "VERSION")), _TEXT, max_size=2)
    if not own_inline_cache:
        return args
    values = st.sampled_from(("1", "true", "T", "0", "yes", ""))
    return args | values.map(lambda value: {_INLINE_CACHE: value})


def _builder_flags() -> _Texts:
    return st.sampled_from(("--network=host", "--cache-from=A,B", "--add-host=a:127.0.0.1"))


def _has_duplicates(function: _Mapping, flags: _Mapping) -> bool:
    """Whether entries were dropped because they mean the same: rule C9 is an extension."""
    setting = function.get("build_cache")
    lists: _Mapping = setting if isinstance(setting, dict) else {}
    given = _answer(function, flags)
    imports = flags.get("cache_from") or lists.get("from") or given.cache_from
    exports = flags.get("cache_to") or lists.get("to") or given.cache_to
    return (len(imports), len(exports)) != (len(given.cache_from), len(given.cache_to))


def _answer(function: _Mapping, flags: _Mapping) -> Answer:
    return answer(Question(id="", function=function, flags=flags))
