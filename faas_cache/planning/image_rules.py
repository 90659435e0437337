"""Rules E1, E2 and D6 for the image of a function: the tags of the build and of its cache."""

from __future__ import annotations

from faas_cache.model.diagnostics import KeyPath
from faas_cache.model.errors import InvalidReference
from faas_cache.model.faults import FaultCollector
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec
from faas_cache.planning.faults import parse_reference

__all__ = [
    "CACHE_TAG",
    "MAX_SCOPE",
    "build_tags",
    "cut_tag",
    "function_image",
    "sanitize_scope",
    "tagged_image",
    "with_default_tag",
]

# The tag of the cache of `max`, from the proposal.
CACHE_TAG = "buildcache"
# D6: longer scopes are cut, so that `buildcache-`, the scope, `-` and 8 digits fit into a tag.
MAX_SCOPE = 100
# E1: the length of a tag.
MAX_TAG = 128

_TAG_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
_HEX = frozenset("0123456789abcdef")
_DIGITS = 8


def function_image(spec: FunctionSpec, faults: FaultCollector) -> Reference | None:
    """E2: the image of a function that is built, or `None` with its fault reported."""
    path = ("functions", spec.name, "image")
    # E2: the image must be present …
    if not spec.image:
        hint = "write `image: REGISTRY/NAME:TAG`"
        faults.report("missing-image", "the function has no image", path, hint)
        return None
    # … well-formed …
    image = parse_reference(spec.image, path, faults, rule="E2")
    # … and without a digest, which docker rejects as a tag.
    if image is not None and image.digest is not None:
        faults.report(
            "image-with-digest",
            f"the image `{spec.image}` has a digest, which docker rejects as a tag",
            path,
            f"write `image: {with_default_tag(spec.image.partition('@')[0])}`",
        )
    return image


def build_tags(
    spec: FunctionSpec, image: Reference | None, faults: FaultCollector
) -> tuple[Reference, ...]:
    """What the build tags: the image, or that of `tag_as`, and the same with the extra tags."""
    if image is None:
        return ()
    top: KeyPath = ("functions", spec.name)
    if spec.tag_as is not None:
        image = parse_reference(spec.tag_as, (*top, "tag_as"), faults) or image
    tags = [image]
    for i, tag in enumerate(spec.extra_tags):
        try:
            tags.append(image.with_tag(tag))
        except InvalidReference as error:
            faults.add(*(d.under(*top, "extra_tags", i) for d in error.diagnostics))
    return tuple(tags)


def with_default_tag(image: Reference | str) -> str:
    """The image with `:latest` where its last path component has no colon, as faas-cli does.

    >>> with_default_tag("localhost:5000/fn")
    'localhost:5000/fn:latest'
    """
    text = str(image)
    return text if ":" in text.rpartition("/")[2] else f"{text}:latest"


def tagged_image(image: str, kind: str, value: str) -> str:
    """The image that `--tag KIND` makes of another, as faas-cli does.

    The value is appended to the tag, or for `digest` replaces it. Characters that a tag cannot have
    become `-`.

    >>> tagged_image("ghcr.io/a/fn", "branch", "feature/x-1a2b3c4")
    'ghcr.io/a/fn:latest-feature-x-1a2b3c4'
    """
    whole = with_default_tag(image)
    suffix = _sanitize(value)
    return f"{whole.rpartition(':')[0]}:{suffix}" if kind == "digest" else f"{whole}-{suffix}"


def sanitize_scope(scope: str) -> str:
    """D6: the scope as a part of a tag; where that is ambiguous, with 8 digits of its SHA-256.

    >>> sanitize_scope("main"), sanitize_scope("feature/x")
    ('main', 'feature-x-217d2bf5')
    """
    from hashlib import sha256

    sanitized = _sanitize(scope)
    head, dash, tail = (
        sanitized[:-_DIGITS],
        sanitized[-_DIGITS - 1 : -_DIGITS],
        sanitized[-_DIGITS:],
    )
    looks_sanitized = bool(head) and dash == "-" and _HEX.issuperset(tail)
    if sanitized == scope and len(scope) <= MAX_SCOPE and not looks_sanitized:
        return scope
    digest = sha256(scope.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{sanitized[:MAX_SCOPE]}-{digest[:_DIGITS]}"


def cut_tag(tag: str) -> str:
    """B5: a tag cut to the length that a tag may have, by the means of D6.

    >>> len(cut_tag("a" * 200)), cut_tag("fn.buildcache")
    (128, 'fn.buildcache')
    """
    from hashlib import sha256

    if len(tag) <= MAX_TAG:
        return tag
    digest = sha256(tag.encode()).hexdigest()[:_DIGITS]
    return f"{tag[: MAX_TAG - _DIGITS - 1]}-{digest}"


def _sanitize(text: str) -> str:
    return "".join(c if c in _TAG_CHARACTERS else "-" for c in text)
