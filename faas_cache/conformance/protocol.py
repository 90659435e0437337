"""The protocol of the conformance suite: what a program is asked, and what it answers.

A question is one line of JSON, `{"id": …, "function": {…}, "flags": {…}}`, for some rules with
`configuration` and `environ`, and so is its answer:
`{"id": …, "cache_from": […], "cache_to": […], "build_args": {…}, "env": {…}}`, or
`{"id": …, "errors": [NAME, …]}` with the names of diagnostics. The format is documented in
`docs/conformance.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import attrs

from faas_cache.model.ci import resolve_export
from faas_cache.model.diagnostics import Diagnostic, errors
from faas_cache.model.errors import FaasCacheError, InvalidInput
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.masking import masked
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.plan import BuildPlan
from faas_cache.planning.resolution import resolve
from faas_cache.runner.dialogs import program_failed

__all__ = [
    "Answer",
    "Ask",
    "Difference",
    "Json",
    "Question",
    "answer",
    "compare",
    "plan_question",
    "read_answer",
    "serve",
]

# JSON data.
Json: TypeAlias = Any
_FUNCTION = "fn"
_MAX_SHOWN = 60


@attrs.frozen(kw_only=True, eq=False)
class Question:
    """What an implementation is asked.

    Attributes:
        id: The name of the question.
        function: The keys of the function, as in a stack file.
        flags: The fields of `CacheFlags` that are given.
        configuration: The keys of `configuration` of the stack file (D9).
        environ: The environment variables (D9, D10).
    """

    id: str
    function: Mapping[str, Json]
    flags: Mapping[str, Json] = EMPTY
    configuration: Mapping[str, Json] = EMPTY
    environ: Mapping[str, str] = EMPTY

    def to_json(self) -> dict[str, Json]:
        """The question as JSON data; `configuration` and `environ` only if not empty."""
        more = {"configuration": self.configuration, "environ": self.environ}
        return {
            "id": self.id,
            "function": dict(self.function),
            "flags": dict(self.flags),
            **{key: dict(value) for key, value in more.items() if value},
        }


@attrs.frozen(kw_only=True)
class Answer:
    """What an implementation makes of one function and its flags.

    Attributes:
        cache_from: The values of `--cache-from`, in order.
        cache_to: The values of `--cache-to`, in order.
        build_args: The build arguments by name.
        env: What the command adds to its environment.
        errors: The names of the diagnostics that stop the build, sorted; everything else is empty
            then.
    """

    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    build_args: FrozenMap[str] = EMPTY
    env: FrozenMap[str] = EMPTY
    errors: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """The answer as JSON data, without an `id`."""
        if self.errors:
            return {"errors": list(self.errors)}
        return {
            "cache_from": list(self.cache_from),
            "cache_to": list(self.cache_to),
            "build_args": dict(self.build_args),
            "env": dict(self.env),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Answer:
        """The answer in JSON data; raises `KeyError` and `TypeError` for another form."""
        if data.get("errors", []) != []:
            return cls(errors=tuple(sorted(set(_texts(data, "errors")))))
        return cls(
            cache_from=_texts(data, "cache_from"),
            cache_to=_texts(data, "cache_to"),
            build_args=_pairs(data, "build_args"),
            env=_pairs(data, "env"),
        )


def _texts(data: Mapping[str, Json], key: str) -> tuple[str, ...]:
    value = data[key]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"`{key}` is not a list of strings")
    return tuple(value)


def _pairs(data: Mapping[str, Json], key: str) -> FrozenMap[str]:
    value = data[key]
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise TypeError(f"`{key}` is not an object of strings")
    return FrozenMap(value)


# Asks an implementation.
Ask: TypeAlias = Callable[[Question], Answer]
# A part of an answer, what was expected and what was given.
Difference: TypeAlias = tuple[str, Json, Json]


def compare(expected: Answer, actual: Answer) -> tuple[Difference, ...]:
    """The parts in which an answer differs from the expected one.

    >>> compare(Answer(cache_to=("a",)), Answer(cache_to=("b",)))
    (('cache_to', ['a'], ['b']),)
    """
    if expected.errors != actual.errors:
        if not expected.errors:
            return (("errors", [], list(actual.errors)),)
        given = actual.to_json()
        return (("errors", list(expected.errors), given.get("errors", given)),)
    pairs = zip(expected.to_json().items(), actual.to_json().values(), strict=True)
    return tuple((name, value, given) for (name, value), given in pairs if value != given)


def plan_question(question: Question) -> BuildPlan:
    """The plan of the function; raises its faults."""
    spec = FunctionSpec.from_mapping(_FUNCTION, question.function)
    default = question.configuration.get("build_cache")
    if default is not None:
        spec = attrs.evolve(spec, default_cache=default)
    flags = CacheFlags.from_environ(question.environ, **question.flags)
    return resolve(spec, resolve_export(flags, question.environ))


def answer(question: Question) -> Answer:
    """The answer of this package."""
    try:
        plan = plan_question(question)
    except FaasCacheError as error:
        return Answer(errors=tuple(sorted({d.name for d in errors(error.diagnostics)})))
    return Answer(
        cache_from=tuple(map(str, plan.cache_from)),
        cache_to=tuple(map(str, plan.cache_to)),
        build_args=plan.build_args,
        env=plan.env,
    )


def read_answer(question: str, line: str) -> Answer:
    """The answer to a question in a line; raises `ProgramFailed` if the line does not hold one."""
    import json

    hint = 'print one line of JSON for each line: `{"id": …, "cache_from": […], …}`'
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise program_failed(f"expected JSON, got `{masked(line)[:_MAX_SHOWN]}`", hint) from None
    if not isinstance(data, dict):
        raise program_failed(f"expected an object, got `{masked(line)[:_MAX_SHOWN]}`", hint)
    if data.get("id") != question:
        message = f"expected the answer to `{question}`, got `{masked(line)[:_MAX_SHOWN]}`"
        raise program_failed(message, "answer the lines one by one, each with its `id`")
    try:
        return Answer.from_json(data)
    except KeyError as error:
        raise program_failed(f"the answer to `{question}` has no key {error}", hint) from None
    except TypeError as error:
        raise program_failed(f"in the answer to `{question}`, {error}", hint) from None


def serve(lines: Iterable[str], write: Callable[[str], object]) -> None:
    """Answers each line of questions with a line: this package as a program under test.

    Raises `InvalidInput` for a line that is not a question.

    >>> serve(['{"id": "1", "function": {"image": "a/fn"}, "flags": {}}'], print)
    {"id": "1", "cache_from": [], "cache_to": [], "build_args": {}, "env": {}}
    """
    import json

    for line in lines:
        try:
            question = Question(**json.loads(line))
            answered = answer(question).to_json()
        except (AttributeError, RecursionError, TypeError, ValueError) as error:
            message = f"expected a question, got `{masked(line.rstrip())[:_MAX_SHOWN]}`"
            hint = 'write one line of JSON for each: `{"id": …, "function": {…}, "flags": {…}}`'
            diagnostic = Diagnostic(name="invalid-argument", message=message, hint=hint)
            raise InvalidInput(diagnostic) from error
        write(json.dumps({"id": question.id, **answered}))
