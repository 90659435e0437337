"""The last lines of a builder: what it prints besides the progress of its steps, and its error."""

from __future__ import annotations

import re

import attrs

from faas_cache.buildkit.names import step_kind

__all__ = ["Final", "LastWords", "shorten", "without_prefix"]

# Errors and lines are cut to twice this many characters before anything is matched.
_HALF = 2000


def shorten(text: str) -> str:
    """The beginning and the end of a text, cut between words, to match and mask in short time.

    >>> len(shorten("word " * 9000))
    3996
    """
    if len(text) <= 2 * _HALF:
        return text
    head = text[:_HALF].rpartition(" ")[0]
    tail = text[-_HALF:].partition(" ")[2]
    return f"{head.rstrip()} … {tail.strip()}"


@attrs.frozen
class Final:
    """The error that a builder ended with.

    `more` holds the lines behind it that belong to it, `block` the name of the step that is set
    apart before it, `target` the target of the bake that it names; `pushing` says that it is of a
    `docker push`.
    """

    message: str
    more: str = ""
    pushing: bool = False
    block: str = ""
    target: str = ""
    foreign: bool = False


# The prefixes of builders: `ERROR: target two: failed to build: failed to solve: …`.
_PREFIX = re.compile(
    r"(?:(?:ERROR|error|Error): |buildx (?:bake )?failed with: |target (?P<target>[\w-]+): "
    r"|failed to build: "
    r"|failed to solve(?: with frontend [\w.]+)?: |failed to create LLB definition: "
    r"|rpc error: code = \w+ desc = )+"
)


def without_prefix(message: str) -> str:
    """The message without the prefixes of builders."""
    return _PREFIX.sub("", message, count=1) if _PREFIX.match(message) else message


# The last line of a failed builder. `Error:` is printed by buildah and podman.
_FINAL = re.compile(
    r"(?:Error: )?(?:buildx (?:bake )?failed with: )?(?:ERROR|error): \S.*|failed to solve(?: |:).*"
)
_FOREIGN = re.compile(r"Error: \S.*")
# What CI systems print after a failed command.
_OF_CI = re.compile(
    r"(?:ERROR|Error): (?:Job failed|Process completed|script returned exit code|failed to run)\b.*"
)
# Failures that do not begin with `ERROR:`: those of docker itself and of the legacy builder.
_BARE = re.compile(
    r"The command '.*' returned a non-zero code: [0-9]+"
    r"|(?:Error response from daemon|error during connect|unable to prepare context"
    r"|invalid argument|unknown flag|unknown shorthand flag|failed to connect to the docker API"
    r"|permission denied while trying to connect|Failed to initialize: )\b.*"
    r"|(?:docker: )?(?:Cannot connect to the Docker daemon|unknown command: docker buildx)\b.*"
    r"|(?:docker: )?'buildx' is not a docker command.*"
    r"|(?:.*: )?docker: (?:command )?not found"
    r"|(?:ADD|COPY) failed: .*|invalid value \".*"
)
# Failures that only `docker push` prints so; its first line, on standard output, may be missing.
_OF_PUSH = re.compile(
    r"(?:error from registry|An image does not exist locally|tag does not exist|push access denied"
    r"|received unexpected HTTP status|error parsing HTTP [0-9]+ response body"
    r"|unexpected status from [A-Z]+ request to|failed to do request)\b.*"
    r"|(?:denied|unauthorized|unsupported)(?:: .*)?|no basic auth credentials"
    r"|[45][0-9]{2} [A-Z][a-z]+(?: [A-Z][a-z-]+)*"
)
# An explanation by this package, in the log of a build that printed one.
_OURS = re.compile(
    r"(?:(?P<function>[A-Za-z0-9][A-Za-z0-9._-]{0,99}): (?=error: ))?"
    r".*(?:error|warning|note): .* \[(?:build|export|import|cached-build)-failed\]"
)
_INDENT = "    "
_PUSHING = re.compile(r"The push refers to repository \[")
# What `docker push` prints of a layer; another line is the failure, unless it is that of the end.
_LAYER = re.compile(r"[0-9a-f]{12}: ")
# The lines after an error that belong to it: the response of a registry or of Azure.
_MORE = re.compile(
    r"(?:errors|unknown|unsupported|unauthorized|denied|unavailable|toomanyrequests)(?::.*)?"
    r"|(?i:RESPONSE|ERROR CODE|Description|RequestId|Time)[ :=].*|<.*|-{20,}",
    re.IGNORECASE,
)
_MAX_MORE = 20
_SUCCESS = re.compile(
    r"Successfully (?:built|tagged) |\S+: digest: sha256:[0-9a-f]{64} size: "
    r"|STEP [0-9]+/[0-9]+: |COMMIT "
)
_LOST_LOCAL = re.compile(
    r"local cache import at (?P<name>.*?) (?:not found|skipped) due to err: (?P<error>[^\"]*)"
)
# buildah tags each layer of a cache with a key of 64 digits.
_LOST_REMOTE = re.compile(
    r"Failed, retrying in .*initializing source docker://(?P<name>\S+):[0-9a-f]{64}: (?P<error>.*)"
)
_MAX_LOST = 100


class LastWords:
    """What a builder printed besides the progress of its steps, line by line."""

    def __init__(self) -> None:
        self.final: Final | None = None
        self.last: str = ""
        self.block: str = ""
        self.pushing: bool = False
        self.lost_imports: dict[str, str] = {}
        self.recognized: bool = False  # whether a line is that of a builder for certain
        self._in_block = False
        self._in_ours = False
        self.function: str = ""  # that an explanation by this package names
        self._more: list[str] | None = None

    def read(self, data: bytes, *, in_build: bool = False) -> None:
        """Reads one line; `in_build` says that steps of a build came before it."""
        line = data.decode(errors="replace").rstrip("\r\n").rpartition("\r")[2]
        if not line or line.isspace():
            self._more, self._in_ours = None, False
            return
        if line.startswith(" > ") and line.endswith(":"):
            name = line[3:-1]
            self.block = self.block if step_kind(name) == "import" else name
        self._in_ours &= line.startswith(_INDENT)
        whole, line = line.strip(), shorten(line.strip())
        if self._in_ours or self._continue(line):
            return
        if line[-1] == "]" and (ours := _OURS.fullmatch(line)):
            self._in_ours = self.recognized = True
            self.function = ours["function"] or self.function
            return
        self.last = line
        if line.startswith("---"):
            self._in_block = not self._in_block and line == "------"
        elif _SUCCESS.match(line):
            self.final, self.pushing, self.recognized = None, False, True
        elif _PUSHING.match(line):
            self.pushing = self.recognized = True
        elif not self._in_block and not _OF_CI.fullmatch(line):
            self._read_end(line, whole, in_build=in_build)

    def _read_end(self, line: str, whole: str, *, in_build: bool) -> None:
        """A line that may be the error that the builder ended with."""
        own, foreign = _FINAL.fullmatch(line), _FOREIGN.fullmatch(line)
        # Behind the error of a step, such a line is the rest of that error.
        push = (self.pushing or not in_build) and _OF_PUSH.fullmatch(line) is not None
        if self.pushing and self.final is None:
            push |= _LAYER.match(line) is None
        if not (own or foreign or push or _BARE.fullmatch(line)):
            self._read_warning(line)
            return
        match = _PREFIX.match(whole)
        self.final = Final(
            message=without_prefix(whole),
            pushing=self.pushing or push,
            block=self.block,
            target=(match["target"] or "") if match else "",
            foreign=own is None and foreign is not None,
        )
        self.recognized |= own is not None
        self._more = []

    def _continue(self, line: str) -> bool:
        """Whether the line belongs to the error before it."""
        if self._more is None or self.final is None:
            return False
        if len(self._more) < _MAX_MORE and _MORE.fullmatch(line):
            self._more.append(line)
            self.final = attrs.evolve(self.final, more="\n".join(self._more))
            return True
        self._more = None
        return False

    def _read_warning(self, line: str) -> None:
        """A cache that is not imported, which is only a warning."""
        line = line.replace('\\"', "'")
        match = _LOST_LOCAL.search(line) or _LOST_REMOTE.search(line)
        if match is None:
            return
        self.recognized = True
        if len(self.lost_imports) < _MAX_LOST:
            self.lost_imports.setdefault(match["name"], match["error"].strip(' "'))
