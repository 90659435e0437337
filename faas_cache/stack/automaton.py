"""Finite automata: whether a regular expression matches in a text, in linear time.

An expression becomes a program for Thompson's construction: all its states are followed at once, so
that no text makes it try again. The sets of states that occur are remembered, because the names of
functions, and the paths of files, are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

__all__ = [
    "MAX_STATES",
    "Automaton",
    "Node",
    "Predicate",
    "State",
    "assertion",
    "character",
    "choice",
    "compile_node",
    "repeat",
    "sequence",
]

# A program of more states is rejected before it is made.
MAX_STATES = 20_000
# At most this many sets of states are kept.
_MAX_REMEMBERED = 10_000

Predicate: TypeAlias = Callable[[str], bool]
# An instruction: its kind, what it accepts, and where it goes.
_Instruction: TypeAlias = tuple[str, Predicate | str | None, tuple[int, ...]]


class Node(NamedTuple):
    """A part of an expression: its kind, what it accepts, its parts, and how often it repeats them.

    `size` is the number of its states, `repetitions` the highest product of nested repetitions.
    """

    kind: str
    accepts: Predicate | str | None = None
    parts: tuple[Node, ...] = ()
    least: int = 1
    most: int | None = 1
    size: int = 1
    repetitions: int = 1


def character(accepts: Predicate) -> Node:
    """One character that a predicate accepts."""
    return Node("character", accepts)


def assertion(name: str) -> Node:
    """An empty match at a boundary of the text, a line or a word."""
    return Node("assertion", name)


def sequence(parts: Iterable[Node]) -> Node:
    """One part after another."""
    return _compound("sequence", tuple(parts))


def choice(parts: Iterable[Node]) -> Node:
    """One of the parts."""
    return _compound("choice", tuple(parts))


def repeat(part: Node, least: int, most: int | None) -> Node:
    """A part, repeated; `most` is None for any number."""
    times = least if most is None else most
    counts = max(least, most or 0) >= 2  # noqa: PLR2004  # `*`, `+` and `?` do not count
    copies = least + 1 if most is None else most
    return Node(
        "repeat",
        None,
        (part,),
        least,
        most,
        size=(part.size + 2) * copies + 1,
        repetitions=part.repetitions * times if counts else part.repetitions,
    )


def _compound(kind: str, parts: tuple[Node, ...]) -> Node:
    size = sum(part.size + 2 for part in parts) + 1
    return Node(
        kind,
        None,
        parts,
        size=size,
        repetitions=max((part.repetitions for part in parts), default=1),
    )


def compile_node(node: Node) -> Predicate:
    """Whether an expression matches anywhere in a text.

    >>> compile_node(repeat(character("b".__eq__), 2, None))("abb")
    True
    """
    return _Matcher(_program(node)).matches


def _program(node: Node) -> list[_Instruction]:
    program: list[_Instruction] = []
    _emit(node, program)
    program.append(("match", None, ()))
    return program


def _emit(node: Node, program: list[_Instruction]) -> None:
    """Appends the instructions of a node, which continue at the one that follows."""
    if node.kind in ("character", "assertion"):
        program.append((node.kind, node.accepts, (len(program) + 1,)))
    elif node.kind == "sequence":
        for part in node.parts:
            _emit(part, program)
    elif node.kind == "choice":
        _emit_choice(node, program)
    else:
        _emit_repeat(node, program)


def _emit_choice(node: Node, program: list[_Instruction]) -> None:
    ends: list[int] = []
    for part in node.parts[:-1]:
        fork = len(program)
        program.append(("jump", None, ()))
        _emit(part, program)
        ends.append(len(program))
        program.append(("jump", None, ()))
        program[fork] = ("jump", None, (fork + 1, len(program)))
    _emit(node.parts[-1], program)
    for end in ends:
        program[end] = ("jump", None, (len(program),))


def _emit_repeat(node: Node, program: list[_Instruction]) -> None:
    (part,) = node.parts
    for _ in range(node.least):
        _emit(part, program)
    if node.most is None:
        fork = len(program)
        program.append(("jump", None, ()))
        _emit(part, program)
        program.append(("jump", None, (fork,)))
        program[fork] = ("jump", None, (fork + 1, len(program)))
        return
    forks: list[int] = []
    for _ in range(node.most - node.least):
        forks.append(len(program))
        program.append(("jump", None, ()))
        _emit(part, program)
    for fork in forks:
        program[fork] = ("jump", None, (fork + 1, len(program)))


class _Matcher:
    """Runs a program over texts."""

    def __init__(self, program: list[_Instruction]) -> None:
        self.program = program
        self.remembered: dict[tuple[frozenset[int], str, str], frozenset[int] | None] = {}

    def matches(self, text: str) -> bool:
        """Whether the program matches anywhere in a text."""
        states: frozenset[int] | None = frozenset()
        before = ""
        for after in (*text, ""):
            known = states or frozenset()
            key = (known, before, after)
            if key not in self.remembered:
                if len(self.remembered) >= _MAX_REMEMBERED:
                    self.remembered.clear()
                self.remembered[key] = _step(self.program, (0, *known), before, after)
            states = self.remembered[key]
            if states is None:
                return True
            before = after
        return False


def _step(
    program: list[_Instruction], states: Iterable[int], before: str, after: str
) -> frozenset[int] | None:
    """The states behind `after`, from those before it; None for a match."""
    following: set[int] = set()
    seen: set[int] = set()
    pending = list(states)
    while pending:
        state = pending.pop()
        if state in seen:
            continue
        seen.add(state)
        kind, accepts, targets = program[state]
        if kind == "match":
            return None
        if callable(accepts):
            if after and accepts(after):
                following.update(targets)
        elif accepts is None or _holds(accepts, before, after):
            pending += targets
    return frozenset(following)


class State:
    """Where an automaton is behind the beginning of a text.

    `is_final` is true if it matches whatever follows, `is_dead` if it never matches.
    """

    __slots__ = ("accepts", "before", "following", "is_dead", "is_final", "states")

    def __init__(self, states: frozenset[int] | None, before: str) -> None:
        self.states: frozenset[int] | None = states
        self.before: str = before
        self.is_final: bool = states is None
        self.is_dead: bool = not self.is_final and not states
        self.following: dict[str, State] = {}
        self.accepts: bool | None = None


class Automaton:
    """Matches at the beginning of a text that may be given in parts.

    >>> automaton = Automaton(repeat(character("ab".__contains__), 2, None))
    >>> automaton.accepts(automaton.advance(automaton.start, "ab"))
    True
    """

    def __init__(self, node: Node) -> None:
        self._program = _program(node)
        self._known: dict[tuple[frozenset[int] | None, str], State] = {}
        self._remembered = 0
        self.start: State = State(frozenset({0}), "")

    def advance(self, state: State, text: str) -> State:
        """The state behind a further part of the text."""
        for c in text:
            if state.is_dead or state.is_final:
                break
            state = state.following.get(c) or self._advance(state, c)
        return state

    def accepts(self, state: State) -> bool:
        """Whether the text up to here matches."""
        if state.accepts is None:
            states = state.states or ()
            state.accepts = state.is_final or self._step(states, state.before, "") is None
        return state.accepts

    def _advance(self, state: State, c: str) -> State:
        key = self._step(state.states or (), state.before, c), _kind(c)
        following = self._known.get(key)
        if following is None:
            following = State(*key)
        if self._remembered < _MAX_REMEMBERED:
            self._remembered += 1
            self._known[key] = state.following[c] = following
        return following

    def _step(self, states: Iterable[int], before: str, after: str) -> frozenset[int] | None:
        return _step(self._program, states, before, after)


def _kind(c: str) -> str:
    """A character that assertions treat like this one."""
    return "\n" if c == "\n" else "a" if _is_word(c) else " "


def _holds(name: str, before: str, after: str) -> bool:
    """Whether an assertion holds between two characters; outside the text they are empty."""
    if name == "begin-text":
        return not before
    if name == "end-text":
        return not after
    if name == "begin-line":
        return before in ("", "\n")
    if name == "end-line":
        return after in ("", "\n")
    return (_is_word(before) != _is_word(after)) == (name == "boundary")


def _is_word(c: str) -> bool:
    return c.isascii() and (c.isalnum() or c == "_")
