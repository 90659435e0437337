r"""`IgnoreFile`: what a `.dockerignore` excludes from a build context.

A line is one pattern; `!` in front makes it an exception. Blank lines, and lines that begin with
`#`, are skipped. The last pattern that matches a path or one of its folders decides.

The file is read as `ignorefile.ReadAll` and `patternmatcher.New` of moby read it, one after the
other: each of them trims and cleans a pattern, and the second one finds the `!`. So `/!a` is an
exception, and `!/` is an error.
"""

from __future__ import annotations

import posixpath

import attrs

from faas_cache.model.diagnostics import Diagnostic, Location
from faas_cache.model.errors import InvalidInput
from faas_cache.model.faults import FaultCollector
from faas_cache.planning.ignore_patterns import (
    MAX_EXPRESSION,
    IgnorePattern,
    invalid_pattern,
    is_valid_glob,
)
from faas_cache.stack.automaton import State

__all__ = ["IgnoreFile", "IgnoredFolder", "parse_ignore_file"]

# unicode.IsSpace
_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# bufio.MaxScanTokenSize, which includes the end of a line.
_MAX_LINE = 65_535


class IgnoredFolder:
    """A folder of a context during a walk, and what its ignore file says about it.

    Attributes:
        is_excluded: Whether the folder itself is excluded.
        may_include: Whether something in the folder may be included.
    """

    __slots__ = ("_matched", "_name", "_parent", "_path", "_patterns", "_states", "is_excluded")

    def __init__(
        self,
        patterns: tuple[IgnorePattern, ...],
        path: str = "",
        matched: tuple[bool, ...] = (),
        parent: IgnoredFolder | None = None,
        *,
        is_excluded: bool = False,
    ) -> None:
        self._patterns = patterns
        self._path = path
        self._matched = matched or (False,) * len(patterns)
        self._parent = parent
        self._name = path.rstrip("/").rpartition("/")[2]
        self._states: dict[int, State] = {}
        self.is_excluded: bool = is_excluded

    @property
    def may_include(self) -> bool:
        """Whether the folder is included, or a later exception can match something in it."""
        if not self.is_excluded:
            return True
        # What the folder inherits to everything in it: the last match excludes.
        last = max(i for i, matched in enumerate(self._matched) if matched)
        return any(
            self._may_match(i)
            for i in range(last + 1, len(self._patterns))
            if self._patterns[i].is_exception
        )

    def _may_match(self, i: int) -> bool:
        pattern = self._patterns[i]
        return pattern.may_match_in(self._path, self._state(i) if pattern.is_regex else None)

    def excludes(self, name: str) -> bool:
        """Whether a file of the folder is excluded."""
        return self._match(name)[0]

    def enter(self, name: str) -> IgnoredFolder:
        """A folder in this one; raises `InvalidInput`, as `excludes`, for an invalid pattern."""
        excluded, matched = self._match(name)
        path = f"{self._path}{name}/"
        return IgnoredFolder(self._patterns, path, tuple(matched), self, is_excluded=excluded)

    def _match(self, name: str) -> tuple[bool, list[bool]]:
        """Whether a path is excluded, and which of the patterns match it or one of its folders.

        As moby's `MatchesUsingParentResults`, which does not look at patterns that change nothing
        for a folder, and does not look again for what is in it.
        """
        path, inherited = f"{self._path}{name}", self._matched
        matched = [False] * len(inherited)
        excluded = False
        for i, pattern in enumerate(self._patterns):
            if not inherited[i]:
                if pattern.is_exception != excluded:
                    continue
                if pattern.is_regex:
                    matches = pattern.may_match(name) and pattern.matches_name(self._state(i), name)
                else:
                    matches = pattern.matches_path(path)
                if not matches:
                    continue
            matched[i] = True
            excluded = not pattern.is_exception
        return excluded, matched

    def _state(self, i: int) -> State:
        """The state of the automaton of a pattern behind the path of this folder."""
        if i not in self._states:
            pattern = self._patterns[i]
            if self._parent is None:
                self._states[i] = pattern.automaton.start
            else:
                self._states[i] = pattern.enter(self._parent._state(i), self._name)  # noqa: SLF001  # of this class
        return self._states[i]


@attrs.frozen(kw_only=True)
class IgnoreFile:
    """The patterns of an ignore file, in the order of the file."""

    patterns: tuple[IgnorePattern, ...] = ()

    @property
    def root(self) -> IgnoredFolder:
        """The root of a context, where a walk begins."""
        return IgnoredFolder(self.patterns)

    def excludes(self, path: str) -> bool:
        r"""Whether a path of a context is excluded; its folders are walked.

        >>> file = parse_ignore_file("**/node_modules\n!node_modules/mine\n")
        >>> file.excludes("node_modules/a/b.js"), file.excludes("node_modules/mine/b.js")
        (True, False)
        """
        folder = self.root
        *folders, name = path.split("/")
        for above in folders:
            folder = folder.enter(above)
        return folder.excludes(name)

    def check(self) -> tuple[Diagnostic, ...]:
        """Warnings about patterns that fail a build only where they are compared with a path."""
        faults = (pattern.check() for pattern in self.patterns)
        return tuple(fault for fault in faults if fault is not None)


def parse_ignore_file(data: str | bytes, file: str = "") -> IgnoreFile:
    """The patterns of an ignore file; raises `InvalidInput` with every fault, each with its line.

    `file` is the path that diagnostics show.
    """
    text = data if isinstance(data, str) else data.decode(errors="surrogateescape")
    faults = FaultCollector()
    patterns: list[IgnorePattern] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        location = Location(file=file, line=number)
        with faults.catch():
            pattern = _parse_line(line, location)
            if pattern is not None:
                patterns.append(pattern)
    faults.raise_errors(InvalidInput)
    return IgnoreFile(patterns=tuple(patterns))


def _parse_line(line: str, location: Location) -> IgnorePattern | None:
    """The pattern of a line; None for a blank line and a comment."""
    if len(line) > _MAX_LINE or len(line.encode(errors="surrogateescape")) > _MAX_LINE:
        message = f"line longer than {_MAX_LINE} bytes: docker cannot read the file"
        raise _invalid(message, "split the line", location)
    line = line.removesuffix("\r")  # as Go's scanner
    text = "" if line.startswith("#") else _clean_line(line)
    if not text:
        return None
    if text == "!":
        message = "invalid pattern `!`: docker cannot read the file"
        raise _invalid(message, "write a path after `!`, or remove the line", location)
    is_exception = text.startswith("!")
    text = text[is_exception:]
    if not is_valid_glob(text):
        raise InvalidInput(invalid_pattern(text, location))
    pattern = IgnorePattern(text, location, is_exception=is_exception)
    if pattern.is_regex and len(text) > MAX_EXPRESSION:
        raise _invalid(f"pattern longer than {MAX_EXPRESSION} characters", "shorten it", location)
    return pattern


def _clean_line(line: str) -> str:
    """A pattern as patternmatcher keeps it, with the `!` of an exception; empty for none."""
    pattern = line.strip(_SPACES)
    is_exception = pattern.startswith("!")
    if is_exception:
        pattern = pattern[1:].strip(_SPACES)
    if pattern:
        pattern = _clean(pattern)
        if len(pattern) > 1:
            pattern = pattern.removeprefix("/")
    # From here on it is `patternmatcher.New`.
    pattern = f"!{pattern}" if is_exception else pattern
    pattern = pattern.strip(_SPACES)
    return _clean(pattern) if pattern else ""


def _clean(path: str) -> str:
    """`filepath.Clean`."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _invalid(message: str, hint: str, location: Location) -> InvalidInput:
    return InvalidInput(
        Diagnostic(name="invalid-ignore-pattern", message=message, hint=hint, location=location)
    )
