"""The vectors catch a wrong implementation: ours, broken rule by rule."""

from __future__ import annotations
import __future__

import inspect
import sys
import textwrap
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import pytest

from faas_cache.conformance.protocol import answer
from faas_cache.conformance.runner import run_vectors
from faas_cache.conformance.vectors import load_vectors

VECTORS = load_vectors()


class Mutation(NamedTuple):
    """A rule, the module and name of a function that follows it, and what is replaced in its text."""

    rule: str
    function: str
    old: str
    new: str


MUTATIONS = [
    Mutation("A1", "planning.settings:long_form", "if setting is None and not replaced:", "if False:"),
    Mutation("A2", "planning.exports:add_inline_cache", '{INLINE_CACHE: "1"}', "{}"),
    Mutation("A3", "planning.exports:add_inline_cache", "value = spec.build_args.get(INLINE_CACHE)", "value = None"),
    Mutation("A4", "planning.exports:add_inline_cache", "if typed or not export:", "if not export:"),
    Mutation("B1", "planning.settings:_expand", 'imports = [] if image is None else [WrittenEntry(spec.image, path, image, "B1")]', "imports = []"),
    Mutation("B2", "planning.settings:_expand", "return LongForm(imports, imports[:1], scopes)", "return LongForm(imports, [], scopes)"),
    Mutation("B3", "planning.settings:_expand", "_report_invalid_setting(setting, path, faults)", "pass"),
    Mutation("B4", "planning.settings:effective_setting", 'return (None if setting == "none" else setting), path', "return setting, path"),
    Mutation("B5", "planning.modes:cache_references", "image if mode.repository is None else mode.repository", "image"),
    Mutation("C1", "planning.settings:_side", "else (value,)", "else tuple(value)"),
    Mutation("C2", "planning.entry_rules:_plan_import", "if not typed:", "if False:"),
    Mutation("C3", "planning.entry_rules:_plan_import", 'text=f"type=registry,ref={text}"', "text=text"),
    Mutation("C4", "planning.entry_rules:_generated_fields", '{"mode": "max"}', "{}"),
    Mutation("C5", "planning.entry_rules:_plan_import", 'text=f"type=registry,{text}"', "text=text"),
    Mutation("C6", "planning.entry_rules:_plan_export", 'if rule == "C6" and fields is not None:', "if False:"),
    Mutation("C7", "planning.entry_rules:_parse", "entries.split(text) if", "[text] if"),
    Mutation("C8", "planning.settings:_lists", "return LongForm(imports, exports)", "return LongForm(imports, imports and exports)"),
    Mutation("C9", "planning.entry_rules:_distinct", "first.setdefault(item.entry.key, item)", "first[object()] = item"),
    Mutation("C10", "model.entries:_quoted_fields", "if '\"' in field:", "if False:"),
    Mutation("C11", "planning.entry_rules:_parse_reference", "if text in _BARE_KEYWORDS:", "if False:"),
    Mutation("C12", "planning.entry_rules:_text", "if not text:", "if False:"),
    Mutation("C13", "planning.settings:_is_fragment", 'return incomplete or "ref" not in fields', "return False"),
    Mutation("D1", "planning.settings:long_form", "if flags.cache_from:", "if False:"),
    Mutation("D2", "planning.resolution:_builder_flags", 'if not flag.startswith("-"):', "if False:"),
    Mutation("D3", "planning.entry_rules:plan_entries", "if flags.no_cache:", "if False:"),
    Mutation("D4", "planning.entry_rules:plan_entries", "if not flags.export:", "if False:"),
    Mutation("D5", "planning.entry_rules:_generated_fields", "if ignore_errors:", "if False:"),
    Mutation("D6", "planning.image_rules:sanitize_scope", 'return f"{sanitized[:MAX_SCOPE]}-{digest[:_DIGITS]}"', "return sanitized"),
    Mutation("D7", "planning.modes:_with_platforms", '"_".join(', '"-".join('),
    Mutation("D8", "planning.entry_rules:_plan_export", "if key not in written", "if key"),
    Mutation("D9", "planning.settings:effective_setting", "elif setting is None and spec.default_cache is not None:", "elif False:"),
    Mutation("D10", "model.ci:resolve_export", "not job.is_request", "True"),
    Mutation("D11", "planning.resolution:_resolve", "exported = export and complete", "exported = export"),
    Mutation("E1", "model.references:Reference.parse", ".fullmatch(text)", ".fullmatch(text.lower())"),
    Mutation("E2", "planning.image_rules:function_image", "if image is not None and image.digest is not None:", "if False:"),
    Mutation("E4", "planning.exports:check_exports", "if ref is not None and ref.target in targets:", "if False:"),
    Mutation("E5", "planning.exports:check_exports", "if shared := overwritten & written:", "if False:"),
    Mutation("E6", "planning.entry_rules:_generated_fields", "if ref is not None and rejects_index(ref.domain) and not declined:", "if False:"),
]  # fmt: skip


def find(name: str) -> FunctionType:
    """The function of a module below the package."""
    module, _, path = name.partition(":")
    found: Any = import_module(f"faas_cache.{module}")
    for part in path.split("."):
        found = getattr(found, part)
    return getattr(found, "__func__", found)  # type: ignore[no-any-return]  # a function, or a class method's


def mutate(mutation: Mutation) -> CodeType:
    """The code of the function of a mutation, with its text replaced once."""
    function = find(mutation.function)
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(mutation.old) == 1, f"{mutation.old} is not in {mutation.function} once"
    code = compile(
        source.replace(mutation.old, mutation.new),
        "<mutation>",
        "exec",
        __future__.annotations.compiler_flag,
    )
    namespace = {**vars(sys.modules[function.__module__])}
    exec(code, namespace)
    made = namespace[function.__name__]
    return getattr(made, "__func__", made).__code__  # type: ignore[no-any-return]  # what a `def` makes


def test_every_rule_is_broken_once() -> None:
    """Each rule that vectors are about is broken by one mutation."""
    assert [mutation.rule for mutation in MUTATIONS] == list(
        dict.fromkeys(vector.rule for vector in VECTORS)
    )


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.rule)
def test_a_vector_of_the_rule_catches_a_broken_rule(
    mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An implementation that does not follow a rule fails a vector of that rule."""
    monkeypatch.setattr(find(mutation.function), "__code__", mutate(mutation))
    failed = {r.vector.rule for r in run_vectors(answer, VECTORS) if r.differences}
    assert mutation.rule in failed


def test_ours_passes() -> None:
    """This package passes every vector."""
    assert [r.vector.id for r in run_vectors(answer, VECTORS) if r.differences] == []
