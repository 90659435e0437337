"""From the text of a YAML file to the value of its first document: the only user of `ruamel.yaml`.

The text is read as a stream of parser events. Marks cost nothing until there is something to
report: then the text is read once more with `marking`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import attrs

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.masking import masked
from faas_cache.stack.positions import LINE_ENDS, Mark, line_end_pattern
from faas_cache.stack.substitution import Substitution
from faas_cache.stack.values import (
    MAX_DEPTH,
    MERGE,
    NO_KEY,
    UNUSABLE,
    Document,
    Fault,
    Frame,
    LimitExceeded,
    Restore,
    ValueBuilder,
)

__all__ = ["read_document"]

_SLOW = Diagnostic(
    name="slow-parser",
    severity="note",
    message="without the C parser of `ruamel.yaml`, stack files load about 25 times slower",
    hint="run `pip install 'ruamel.yaml[oldlibyaml]'`",
)

# A source of events, one at each call.
_NextEvent: TypeAlias = Callable[[], Any]


def read_document(
    substitution: Substitution, file: str | None = None, *, marking: bool = False
) -> Document:
    """The first document of a text and its faults; with `marking`, also where everything is.

    >>> read_document(Substitution("a: 1.10", "a: 1.10")).value
    {'a': '1.10'}
    """
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    text = substitution.text
    rejection: tuple[Fault, ...] = ()
    for number, (make_source, restore) in enumerate(_parsers(text)):
        builder = ValueBuilder(substitution, file, marking=marking, restore=restore)
        try:
            end = _read_events(make_source(), builder)
        except MarkedYAMLError as error:
            rejection = (Fault(_syntax_error(error, builder)),)
            if number == 0 and error.problem != _FLOW_COLON:
                break
        except (YAMLError, UnicodeError) as error:
            rejection = (Fault(_invalid_character(error, builder)),)
            break
        except LimitExceeded:
            rejection = ()
            break
        else:
            value = builder.root[0] if builder.root else None
            builder.marks.set_root(value)
            return Document(
                file=file,
                substitution=substitution,
                complete=True,
                value=value,
                marks=builder.marks,
                faults=tuple(builder.faults),
                notes=(*(() if _c_parser() else (_SLOW,)), *_ignored_document(end, builder)),
                merges=builder.merges,
            )
    return Document(
        file=file,
        substitution=substitution,
        marks=builder.marks,
        faults=(*builder.faults, *rejection),
    )


def _read_events(next_event: _NextEvent, builder: ValueBuilder) -> int:  # noqa: C901, PLR0912, PLR0915  # see below
    """Builds the first document; returns the offset of its end.

    One long loop: it runs for every scalar of a file, and a function call for each step would
    double the time of loading.
    """
    from ruamel.yaml.events import (
        AliasEvent,
        DocumentEndEvent,
        MappingEndEvent,
        MappingStartEvent,
        ScalarEvent,
        SequenceEndEvent,
        SequenceStartEvent,
        StreamEndEvent,
    )

    marking, anchors, frames, frame = (
        builder.marking,
        builder.anchors,
        builder.frames,
        builder.frame,
    )
    while True:
        event = next_event()
        kind = type(event)
        last = event  # what the value ends with
        if kind is ScalarEvent:
            value: Any = builder.scalar(event)
            if event.anchor is not None:
                anchors[event.anchor] = (value, 1, event)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if len(frames) >= MAX_DEPTH:
                message, hint = f"more than {MAX_DEPTH} nested levels", "remove some of the levels"
                builder.fault(event, "invalid-yaml", message, hint)
                raise LimitExceeded
            container: Any = {} if kind is MappingStartEvent else []
            frames.append(frame)
            builder.frame = frame = Frame(container, event)
            if event.anchor is not None:
                anchors[event.anchor] = (container, 0, event)
                builder.open.add(id(container))
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            value = frame.container
            if frame.merge is not None:
                builder.merge_into(frame, *frame.merge)
            if marking:
                builder.marks.add(value, frame.marks)
            event, size = frame.event, frame.size
            if event.anchor is not None:
                builder.open.discard(id(value))
                if anchors[event.anchor][0] is value:
                    anchors[event.anchor] = (value, size, event)
            builder.frame = frame = frames.pop()
            frame.size += size
        elif kind is AliasEvent:
            value, last = builder.alias(event)
        elif kind is StreamEndEvent or kind is DocumentEndEvent:
            return int(event.start_mark.index)
        else:
            continue
        # Put the value where it belongs.
        target, key = frame.container, frame.key
        frame.size += 1
        if type(target) is list:
            if marking:
                frame.marks[len(target)] = _mark(event.start_mark.index, event, last)
            target.append(value)
        elif key is NO_KEY:
            frame.key = builder.key(value, event)
        else:
            if key is MERGE:
                frame.merge = (value, event)
            elif key is not UNUSABLE:
                target[key] = value
                if marking:
                    frame.marks[key] = _mark(frame.marks[key].start, event, last)
            frame.key = NO_KEY


def _mark(start: int, event: Any, last: Any) -> Mark:  # noqa: ANN401  # events
    """The mark of an item that begins at `start`; `last` may be the scalar of an anchor."""
    first = last if last.start_mark.index < event.start_mark.index else event
    return Mark(start, first.start_mark.index, last.end_mark.index)


# Parsers.

# libyaml 0.1.7 rejects a colon inside a plain scalar of a flow list, as in `[ghcr.io/a/b:tag]`,
# which is valid YAML.
_FLOW_COLON = "found unexpected ':'"
# Such a colon is inside a word. It is hidden, one for one so that columns stay, and restored
# afterwards.
_INNER_COLON = r"""(?<=[^\s"'\[\]{},:]):+(?=[^\s,\[\]{}?])"""
_HIDDEN_COLON = "\ue000"
# Where hiding could change more than the colon: verbatim tags, directives, escapes of the stand-in,
# or itself.
_NOT_HIDEABLE = r"(?m)!<|^%|\\[uU]|[\ue000\ud800-\udfff]"
# What an escape may stand for in ruamel's own parser, and not in the C parser.
_SURROGATE = "[\ud800-\udfff]"


# White space before the end of a line or a comment; `\\` and a tab are an escape.
_LAST_TABS = r"(?m)(?<![\\ \t])[ \t]+(?=\r?$|#)"
# What may begin a block scalar.
_BLOCK_SCALAR = r"(?m)[|>][-+0-9]*[ \t]*(?:#.*)?\r?$"


def _c_parser() -> Any:  # noqa: ANN401  # the extension has no types
    """The class of the C parser, or None where it is not installed."""
    try:
        from _ruamel_yaml import CParser
    except ImportError:
        return None
    return CParser


def _parsers(text: str) -> Iterator[tuple[Callable[[], _NextEvent], Restore | None]]:
    """The ways to read a text, in order: a source of events, and how to restore its scalars.

    The C parser comes first. The others follow only for a flow colon: the C parser with those
    colons hidden, then ruamel's own parser, which is slower, and accepts surrogates. Without the C
    parser, ruamel's own is the only one.
    """
    if parser := _c_parser():
        yield lambda: parser(text.encode()).get_event, None
        if not re.search(_NOT_HIDEABLE, text):
            yield lambda: parser(_hide_colons(text).encode()).get_event, _restore_colons
    yield lambda: _pure_events(text), _no_surrogates


def _no_surrogates(value: str) -> str | None:
    return None if not value.isascii() and re.search(_SURROGATE, value) else value


def _hide_colons(text: str) -> str:
    return re.sub(_INNER_COLON, lambda match: _HIDDEN_COLON * len(match[0]), text)


def _restore_colons(value: str) -> str:
    return value.replace(_HIDDEN_COLON, ":")


def _without_tabs(text: str) -> str:
    """The text with spaces for tabs at the ends of lines, where ruamel's own parser rejects them.

    They mean nothing there, but in a block scalar: a text with one is left as it is.
    """
    if "\t" not in text or re.search(_BLOCK_SCALAR, text):
        return text
    return re.sub(_LAST_TABS, lambda match: match[0].replace("\t", " "), text)


def _pure_events(text: str) -> _NextEvent:
    """The events of ruamel's own parser, whose `chr` rejects an escape beyond Unicode."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(_without_tabs(text)))
    last = None

    def next_event() -> Any:  # noqa: ANN401  # an event
        nonlocal last
        try:
            last = next(events)
        except (ValueError, OverflowError):
            mark = last and last.end_mark
            problem = "found an escape that is not a character of Unicode"
            raise MarkedYAMLError(problem=problem, problem_mark=mark) from None
        return last

    return next_event


# Diagnostics.

# The parsers' own messages are shorter, but may quote a tag of the user's.
_MAX_CAUSE = 200
# The hint, by what the parser was reading and what it found.
_HINTS = (
    (r"quoted scalar", "close the quote, and double a backslash inside double quotes"),
    (r"flow", "close the bracket, and put commas between the items"),
    (
        r"block (?:mapping|collection)|simple key",
        "indent this line like the lines around it, and write `key: value`",
    ),
    (r"mapping values", "quote the value if it contains a colon, or fix the indentation"),
)
# What YAML allows in a stream; the C parser rejects anything else without a line.
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def _syntax_error(error: Any, builder: ValueBuilder) -> Diagnostic:  # noqa: ANN401  # ruamel's, untyped
    """What the parser rejects, in its words, and how to fix it."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    cause = masked(", ".join(filter(None, (error.context, error.problem))))[:_MAX_CAUSE]
    hint = next((hint for words, hint in _HINTS if re.search(words, cause)), "quote the value")
    here = line_end_pattern().split(builder.substitution.text)[line - 1 : line]
    if here and "\t" in here[0][: column + 1]:
        hint = "indent with spaces, because YAML does not allow tabs there"
    offset = mark.index if mark else 0
    return builder.diagnostic(offset, "invalid-yaml", f"invalid YAML: {cause}", hint)


def _invalid_character(error: Exception, builder: ValueBuilder) -> Diagnostic:
    """A character that YAML does not allow."""
    if isinstance(error, UnicodeDecodeError):  # the parser decodes the octets of a tag alone
        match = re.search("%[89A-Fa-f]", builder.substitution.text)
        return builder.diagnostic(
            match.start() if match else 0,
            "invalid-yaml",
            "invalid YAML: the octets of a tag are not valid UTF-8",
            "remove the tag",
        )
    match = re.search(_UNPRINTABLE, builder.substitution.text)
    if match is None:
        cause = str(error).partition("\n")[0][:_MAX_CAUSE]
        return builder.diagnostic(
            0, "invalid-yaml", f"invalid YAML: {cause}", "save the file as UTF-8"
        )
    message = f"invalid YAML: the character U+{ord(match[0]):04X} is not allowed"
    return builder.diagnostic(match.start(), "invalid-yaml", message, "remove the character")


# What may be between two documents: space, comments, ends, directives and markers.
_BETWEEN = rf"[ \t{LINE_ENDS}\ufeff]+|[#%][^{LINE_ENDS}]*|\.\.\.(?!\S)|(?P<marker>---(?!\S))"


def _ignored_document(end: int, builder: ValueBuilder) -> tuple[Diagnostic, ...]:
    """A warning about what follows the first document, which faas-cli ignores."""
    text, marker = builder.substitution.text, -1
    if end == len(text):
        return ()
    pattern = re.compile(_BETWEEN)
    while between := pattern.match(text, end):
        end = between.end()
        marker = between.start() if between["marker"] else marker
    if end == len(text):
        return ()
    diagnostic = builder.diagnostic(
        end if marker < 0 else marker,
        "ignored-document",
        "only the first document of the file is read",
        "move the rest into a file of its own",
    )
    return (attrs.evolve(diagnostic, severity="warning"),)
