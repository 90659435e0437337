"""What a function was built from, as digests; two of these are compared by `changes`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

import attrs

from faas_cache.model.frozen_map import EMPTY, FrozenMap
from faas_cache.model.text import printable
from faas_cache.model.value import Value

__all__ = ["BuildInputs", "Change", "ChangeKind", "Comparison", "ContextFile", "changes"]

ChangeKind: TypeAlias = Literal[
    "base-image", "dockerfile", "build-argument", "file", "mode", "secret", "platforms", "cache"
]
_NO_FILES: FrozenMap[ContextFile] = FrozenMap()
# How much of a digest is shown: its algorithm and 12 digits, as in docker.
_SHORT = len("sha256:") + 12
_DOCKERFILE = "Dockerfile"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ContextFile(Value):
    """One file of a build context: what a `COPY` of it depends on.

    Attributes:
        mode: Its permissions as octal digits, such as `0644`; `link` for a symbolic link.
        digest: The digest of its content, or of where the link leads; empty for a folder.
    """

    mode: str
    digest: str = ""


def _frozen(value: Mapping[str, str]) -> FrozenMap[str]:
    return FrozenMap(value)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class BuildInputs(Value):
    """Digests of what one function was built from; no value of a build argument is in it.

    Attributes:
        base_images: The digest of each base image as the builder resolved it, by its name.
        dockerfile: The digest of the Dockerfile; empty if it is not known.
        build_args: The digest of the value of each build argument, by name.
        masked_args: The names of the build arguments whose values are secrets.
        secrets: The ids of the build secrets.
        platforms: The platforms that were built for; empty means that of the builder.
        context: The digest of the whole context; empty if it is not known.
        files: Each file of the context by its path, and each folder, whose path ends in `/`; empty
            for a context of more than 10,000 files.
        imports: The caches that were read.
        exports: The caches that were written.
    """

    base_images: FrozenMap[str] = attrs.field(default=EMPTY, converter=_frozen)
    dockerfile: str = ""
    build_args: FrozenMap[str] = attrs.field(default=EMPTY, converter=_frozen)
    masked_args: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    context: str = ""
    files: FrozenMap[ContextFile] = _NO_FILES
    imports: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Change(Value):
    """One input that differs between two builds; `str()` is the sentence about it.

    Attributes:
        kind: What changed.
        name: The image, the build argument, the file, the secret or the cache; of a context of too
            many files and of `platforms` it is empty.
        old: The digest, the mode or the platforms before; empty for what was added, and `present`
            for what is recorded by name alone.
        new: The same afterwards; empty for what was removed. Of a cache, the function that wrote
            it, if that is known.
    """

    kind: ChangeKind
    name: str = ""
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        old, new = printable(self.old), printable(self.new)
        name = f"`{printable(self.name)}`"
        match self.kind:
            case "platforms":
                before, after = (f"`{value or 'the default'}`" for value in (old, new))
                return f"the platforms changed from {before} to {after}"
            case "cache":
                writer = f"by another function, `{new}`"
                other = "since by another function, or by a build with other inputs"
                return f"the cache {name} was written {writer if new else other}"
            case "mode":
                return f"mode of {name} {old} → {new}"
            case "base-image" if old and new:
                return f"{name} moved from {old[:_SHORT]} to {new[:_SHORT]}"
            case "file" if not self.name:
                return "files of the build context changed"
        subject = _SUBJECTS[self.kind] + name
        return f"{subject} {'changed' if old and new else 'was added' if new else 'was removed'}"


_SUBJECTS: FrozenMap[str] = FrozenMap(
    {
        "base-image": "base image ",
        "build-argument": "build argument ",
        "dockerfile": "",
        "file": "",
        "secret": "build secret ",
    }
)
# How many changes `Comparison.lines` names one by one.
_MAX_LINES = 50
# In place of a value that is not recorded because it is a secret.
_PRESENT = "present"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Comparison(Value):
    """What differs between two builds of one function; `str()` has a line for each change.

    Attributes:
        function: The name of the function.
        changes: What changed, in the order of a Dockerfile.
        missing: What could not be compared: `function` where the earlier report does not have it,
            `inputs` where one of the reports has no digests of it, else empty.
        unrecorded: The build arguments and secrets whose values are not recorded, and not compared.
        missed: Whether a step of the new build ran, as far as is known.
    """

    function: str
    changes: tuple[Change, ...] = ()
    missing: Literal["", "function", "inputs"] = ""
    unrecorded: tuple[str, ...] = ()
    missed: bool = True

    def lines(self) -> Iterator[str]:
        """A sentence for each change; if there is none, one about that."""
        sentences = list(map(str, self.changes))
        yield from sentences[:_MAX_LINES]
        if len(sentences) > _MAX_LINES:
            yield f"{len(sentences) - _MAX_LINES} more changes"
        if self.missing == "function":
            yield "the earlier report does not have this function"
        elif self.missing == "inputs":
            yield "a report has no digests of this function"
        elif not sentences:
            names = ", ".join(f"`{printable(name)}`" for name in self.unrecorded)
            note = f" (values that are not recorded: {names})" if names else ""
            yield f"nothing that we know of changed{note}"

    def __str__(self) -> str:
        return "\n".join(f"{printable(self.function)}: {line}" for line in self.lines())


def changes(old: BuildInputs, new: BuildInputs) -> Iterator[Change]:
    """What differs between the inputs of two builds, in the order of a Dockerfile.

    An input that is unknown in one of them, or recorded only by name, does not count as different.
    """
    if old.base_images and new.base_images:
        yield from _differences("base-image", old.base_images, new.base_images)
    if old.platforms != new.platforms:
        before, after = (",".join(inputs.platforms) for inputs in (old, new))
        yield Change(kind="platforms", old=before, new=after)
    if old.dockerfile and new.dockerfile and old.dockerfile != new.dockerfile:
        yield Change(kind="dockerfile", name=_DOCKERFILE, old=old.dockerfile, new=new.dockerfile)
    yield from _differences("build-argument", _arguments(old, new), _arguments(new, old))
    yield from _differences("secret", _present(old.secrets), _present(new.secrets))
    yield from _file_changes(old, new)


def _differences(
    kind: ChangeKind, old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[Change]:
    for name in dict.fromkeys((*new, *old)):
        before, after = old.get(name, ""), new.get(name, "")
        if before != after:
            yield Change(kind=kind, name=name, old=before, new=after)


def _arguments(inputs: BuildInputs, other: BuildInputs) -> dict[str, str]:
    """The digests of the build arguments, without those that either build masks."""
    masked_args = {*inputs.masked_args, *other.masked_args}
    known = {name: text for name, text in inputs.build_args.items() if name not in masked_args}
    names = (*inputs.build_args, *inputs.masked_args)
    return known | _present(name for name in names if name in masked_args)


def _present(names: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(names, _PRESENT)


def _file_changes(old: BuildInputs, new: BuildInputs) -> Iterator[Change]:
    if not (old.context and new.context) or old.context == new.context:
        return
    if not (old.files and new.files):
        yield Change(kind="file", old=old.context, new=new.context)
        return
    for path in dict.fromkeys((*new.files, *old.files)):
        before, after = old.files.get(path), new.files.get(path)
        if before is None or after is None:
            yield Change(
                kind="file",
                name=path,
                old="" if before is None else _digest(before),
                new="" if after is None else _digest(after),
            )
            continue
        # The Dockerfile itself is named already.
        if before.digest != after.digest and not (path == _DOCKERFILE and old.dockerfile):
            yield Change(kind="file", name=path, old=before.digest, new=after.digest)
        if before.mode != after.mode:
            yield Change(kind="mode", name=path, old=before.mode, new=after.mode)


def _digest(file: ContextFile) -> str:
    return file.digest or file.mode
