"""Flags: how each is named, described and read, in the groups that commands have in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.model.errors import InvalidInput
from faas_cache.model.go import parse_bool
from faas_cache.model.masking import masked

__all__ = ["FORMATS", "Flag", "option", "repeated", "switch"]

# More functions at once than any builder serves: a larger number is a slip.
MAX_PARALLEL = 999
# The values of `runner.progress.PROGRESS`, which parsing a command line does not load.
PROGRESS = ("auto", "plain", "tty", "rawjson", "quiet", "none")
FORMATS = ("text", "json", "github", "gitlab", "sarif")
_SHOWN = 60
_TIME = "(?:([0-9]{1,4})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s?)?"


# Readers of values.


def read_boolean(text: str) -> bool:
    """A boolean as Go's `strconv.ParseBool` reads it."""
    value = parse_bool(text)
    if value is None:
        raise _invalid("a boolean", text, "write true or false")
    return value


def read_pair(text: str) -> tuple[str, str]:
    """A `KEY=VALUE`, split at the first `=` and trimmed as faas-cli does.

    faas-cli drops all build arguments when one of them has an empty value; here that is an error.
    """
    key, _, value = (part.strip() for part in text.partition("="))
    if not key or not value:
        raise _invalid("KEY=VALUE", text, "write an empty value in the stack file")
    return key, value


def read_count(text: str) -> int:
    """A number of functions, at least one."""
    if not re.fullmatch("[0-9]{1,3}", text, re.ASCII) or not int(text):
        raise _invalid(f"a number from 1 to {MAX_PARALLEL}", text, "write a number such as 4")
    return int(text)


def read_timeout(text: str) -> float:
    """A time in seconds, written as Go writes durations; a bare number is in seconds."""
    match = re.fullmatch(_TIME, text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    if not total:
        raise _invalid("a duration", text, "write 90, 90s, 10m or 1h30m")
    return float(total)


def read_tag(text: str) -> str:
    """A word of `--tag`, in any case; an empty one and `default` are `latest`, as for faas-cli."""
    from faas_cache.planning.options import TAG_KINDS

    word = text.lower()
    if word in ("", "default"):
        return "latest"
    if word not in TAG_KINDS:
        raise _invalid(f"one of {', '.join(TAG_KINDS)}", text, "choose one of them")
    return word


def _invalid(expected: str, text: str, hint: str) -> InvalidInput:
    message = f"expected {expected}, got `{masked(text)[:_SHOWN]}`"
    return InvalidInput(Diagnostic(name="invalid-argument", message=message, hint=hint, url=""))


# Flags.


class Flag(NamedTuple):
    """One flag: its long name, the help text, and how its value is read.

    A flag without `metavar` is a boolean. `repeat` collects the values of all occurrences.
    """

    name: str
    text: str
    metavar: str = ""
    short: str = ""
    read: Callable[[str], object] = str
    default: object = None
    choices: tuple[str, ...] = ()
    repeat: bool = False
    dest: str = ""

    @property
    def key(self) -> str:
        """The name of its value among the arguments."""
        return self.dest or self.name.removeprefix("--").replace("-", "_")

    def parse(self, text: str) -> object:
        """Its value; raises `InvalidInput`."""
        if self.choices and text not in self.choices:
            raise _invalid(f"one of {', '.join(self.choices)}", text, "choose one of them")
        return self.read(text)


def switch(name: str, text: str, *, short: str = "", default: bool = False) -> Flag:
    """A boolean flag."""
    return Flag(name, text, short=short, read=read_boolean, default=default)


def option(name: str, metavar: str, text: str, **more: Any) -> Flag:  # noqa: ANN401  # the fields of Flag
    """A flag with one value."""
    return Flag(name, text, metavar, **more)


def repeated(name: str, metavar: str, text: str, **more: Any) -> Flag:  # noqa: ANN401  # the same
    """A flag that may be given several times."""
    return Flag(name, text, metavar, repeat=True, **more)


STACK_FILE = (
    repeated(
        "--yaml",
        "FILE",
        "the stack file (default: stack.yaml, then stack.yml), a URL, or a pattern of files",
        short="-f",
        dest="files",
    ),
)
FILES = (
    *STACK_FILE,
    option("--filter", "GLOB", "select functions whose whole name matches; `*` matches anything"),
    option(
        "--regex", "REGEX", "select functions whose name contains a match of this RE2 expression"
    ),
    switch(
        "--envsubst",
        "replace `${…}` in the stack file (--envsubst=false disables it)",
        default=True,
    ),
)
ONE_FUNCTION = tuple(
    option(f"--{key}", "TEXT", f"the {what} of a single function, without a stack file", default="")
    for key, what in (
        ("image", "image"),
        ("handler", "handler"),
        ("name", "name"),
        ("lang", "template"),
    )
)
CACHE = (
    option(
        "--build-cache",
        "MODE",
        "`inline`, `max` or `none`, instead of every function's `build_cache`",
    ),
    repeated("--cache-from", "ENTRY", "import this cache, instead of `from` of every function"),
    repeated("--cache-to", "ENTRY", "export to this cache, instead of `to` of every function"),
    option("--cache-scope", "NAME", "use a separate cache for `max`, such as one per branch"),
    repeated("--cache-scope-fallback", "NAME", "also import the cache of this scope"),
    switch("--no-build-cache", "disable caching for every function"),
    switch("--no-cache-export", "import caches, and export none"),
    option(
        "--cache-export",
        "WHEN",
        "export caches: on, off, or auto (off in pull requests and outside of CI)",
        choices=("on", "off", "auto"),
    ),
    switch("--ignore-cache-errors", "do not fail a build whose cache cannot be exported"),
    switch("--no-cache", "run every step again; exports refresh the cache"),
)
BUILDER = (option("--builder", "NAME", "use this buildx builder"),)
BUILD = (
    repeated("--build-arg", "KEY=VALUE", "set a build argument", short="-b", read=read_pair),
    repeated("--build-option", "NAME", "use a build option of the template", short="-o"),
    repeated("--build-label", "KEY=VALUE", "add a label to the image", read=read_pair),
    repeated(
        "--copy-extra", "PATH", "copy a file or folder of the project into every build context"
    ),
    repeated("--builder-flag", "ARG", "pass one more argument to the builder, as written"),
    *BUILDER,
    option("--platforms", "LIST", "build for these comma-separated platforms", default=""),
    option("--provenance", "VALUE", "the provenance attestation: false, true, or as for buildx"),
    option("--sbom", "VALUE", "the SBOM attestation: false, true, or as for buildx"),
    switch("--pull", "pull newer base images"),
    switch("--squash", "squash the layers of the image (not supported by BuildKit)"),
    switch("--push", "push the image"),
    switch("--allow-outside-links", "follow links that lead out of the project"),
)
TAGS = (
    option(
        "--tag",
        "WORD",
        "derive the tag from latest, sha, branch, describe or digest",
        read=read_tag,
        default="",
    ),
    repeated("--extra-tag", "TAG", "add one more tag to the image"),
)
STRICT = (switch("--strict", "treat warnings as errors"),)
PREBUILT = switch("--prebuilt", "build the existing contexts in build/NAME")
CONTEXTS = (
    switch("--shrinkwrap", "write the build contexts to build/NAME, and build nothing"),
    PREBUILT,
    switch("--disable-stack-pull", "do not pull the templates of `configuration.templates`"),
    switch("--debug", "no effect; accepted for compatibility with faas-cli"),
    switch("--overwrite", "no effect; accepted for compatibility with faas-cli", default=True),
)
RUN = (
    option("--parallel", "N", "build up to N functions at once", read=read_count, default=1),
    switch("--fail-fast", "stop all builds when one fails"),
    option("--timeout", "TIME", "stop after this time: 90, 90s, 10m or 1h30m", read=read_timeout),
    switch("--quiet", "show the output of failed builds only", short="-q"),
    switch("--verbose", "show the commands, and every step of the builder", short="-v"),
)
DRY_RUN = (switch("--dry-run", "print the commands, as `plan` does, without running them"),)
BAKE = switch("--bake", "build all functions with one `docker buildx bake`")
REPORT = (
    switch("--no-retry", "do not retry a build whose cache is broken"),
    BAKE,
    option("--report", "FILE", "write a report to a file, or to stdout with `-`"),
    option(
        "--report-format",
        "NAME",
        "the format of the report: json (the default), or github for a job summary;"
        " without --report, json goes to stdout",
        choices=("json", "github"),
    ),
    option("--compare", "OLD", "print what changed since the run that wrote this report"),
    option(
        "--progress",
        "TYPE",
        f"how progress is shown: {', '.join(PROGRESS)}",
        choices=PROGRESS,
        default="auto",
    ),
    *DRY_RUN,
)
# The names of `render.FRONT_ENDS`, which parsing a command line does not load.
FRONT_END_NAMES = ("docker_build", "buildx_build", "buildctl_build", "buildah_build")
FRONT_END = (
    option(
        "--front-end",
        "NAME",
        f"build with this front end: {', '.join(FRONT_END_NAMES)}",
        choices=FRONT_END_NAMES,
    ),
    option("--addr", "ADDRESS", "the BuildKit daemon of `buildctl_build`, as tcp://HOST:PORT"),
)
JSON = (switch("--json", "print JSON"),)
GENERAL = (
    option(
        "--color",
        "WHEN",
        "use colors: auto, always or never (auto: on a terminal; see NO_COLOR, FORCE_COLOR)",
        choices=("auto", "always", "never"),
        default="auto",
    ),
)
