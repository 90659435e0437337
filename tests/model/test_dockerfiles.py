"""Dockerfiles: the stages that an inline cache does not contain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.dockerfiles import uncached_stages

CASES = {
    "one-stage": ("FROM a\nRUN x\n", ()),
    "nothing": ("", ()),
    "arg-before-from": ("ARG V=1\nFROM a:$V\nRUN x\n", ()),
    "copied-from": ("FROM a AS b\nRUN x\nFROM c\nCOPY --from=b /x /x\n", ("b",)),
    "by-number": ("FROM a\nRUN x\nFROM c\nCOPY --from=0 /x /x\n", ("0",)),
    "by-number-of-a-name": ("FROM a AS b\nRUN x\nFROM c\nCOPY --from=0 /x /x\n", ("b",)),
    "case": ("from a as Build\nrun x\nFrom c\ncopy --from=BUILD /x /x\n", ("build",)),
    "mounted": (
        "FROM a AS b\nRUN x\nFROM c\nRUN --mount=type=bind,from=b,target=/b make\n",
        ("b",),
    ),
    "begun-from": ("FROM a AS b\nRUN x\nFROM b\nRUN y\n", ()),
    "begun-from-a-chain": ("FROM a AS b\nRUN x\nFROM b AS c\nRUN y\nFROM c\n", ()),
    "not-built": ("FROM a AS b\nRUN x\nFROM b AS test\nRUN test\nFROM b AS ship\nRUN y\n", ()),
    "only-an-image": ("FROM watchdog AS w\nFROM a\nCOPY --from=w /f /f\nRUN x\n", ()),
    "through-another": (
        "FROM a AS b\nRUN x\nFROM b AS c\nRUN y\nFROM d\nCOPY --from=c / /\n",
        ("b", "c"),
    ),
    "platform": (
        "FROM --platform=$BUILDPLATFORM a AS b\nRUN x\nFROM c\nCOPY --from=b / /\n",
        ("b",),
    ),
    "from-an-image": ("FROM a\nRUN x\nCOPY --from=nginx /etc /etc\n", ()),
    "continued": (
        "FROM a \\\n  AS b\nRUN x \\\n# a comment\n  && y\nFROM c\nCOPY \\\n--from=b / /\n",
        ("b",),
    ),
    "continued-to-the-end": ("FROM a AS b\nRUN x\nFROM c\nCOPY --from=b / / \\", ("b",)),
    "continued-over-an-empty-line": (
        "FROM a AS b\nRUN x\nFROM c\nCOPY \\\n\n--from=b / /\n",
        ("b",),
    ),
    "continued-to-nothing": ("FROM a AS b\nRUN x\nFROM c\n\\\n \x0b\n", ()),
    "vertical-tabs": ("FROM a\x0b\\\x0b\x0bb\x0b\\\x0b\x0bc\nx\\\\", ()),
    "windows": ("FROM a AS b\r\nRUN x\r\nFROM c\r\nCOPY \\\r\n--from=b / /\r\n", ("b",)),
    "comment": ("# FROM z\nFROM a\n\n  # RUN\nRUN x\n", ()),
    "here-document": ("FROM a\nRUN <<EOF\nFROM b\nCOPY --from=0 / /\nEOF\nRUN y\n", ()),
    "here-document-quoted": ("FROM a\nCOPY <<-'END' /f\n\tFROM b\n\tEND\nRUN y\n", ()),
    "here-document-without-end": ("FROM a\nRUN <<EOF\nFROM b\n", ()),
    "itself": ("FROM a AS a\nRUN x\nCOPY --from=a / /\n", ()),
    "same-name": (
        "FROM a AS b\nRUN x\nFROM c AS d\nRUN y\nFROM e AS b\nCOPY --from=d / /\n",
        ("d",),
    ),
    "broken-from": ("FROM\nFROM a\nRUN x\nFROM b c\nFROM --platform=x\nCOPY --from=0 / /\n", ()),
    "label-only": ("FROM a AS b\nLABEL x=y\nFROM c\nCOPY --from=b / /\n", ()),
}


@pytest.mark.parametrize("name", CASES)
def test_uncached_stages(name: str) -> None:
    """The stages that the build runs and that are not in the final image."""
    text, expected = CASES[name]
    assert uncached_stages(text) == expected


@given(st.text(alphabet="FROMCPYaAS <<E'\n\\#=,-\r\x0b", max_size=200))
def test_any_text_is_a_dockerfile(text: str) -> None:
    """No Dockerfile is rejected here, but by the builder."""
    assert isinstance(uncached_stages(text), tuple)


def test_many_stages() -> None:
    """Chained stages and stages that are copied from are counted once each."""
    count = 5_000
    begun = "".join(f"FROM s{i} AS s{i + 1}\nRUN x\n" for i in range(count))
    assert uncached_stages(begun) == ()
    copied = "".join(f"FROM a AS s{i + 1}\nRUN x\nCOPY --from=s{i} / /\n" for i in range(count))
    assert uncached_stages(copied) == tuple(f"s{i + 1}" for i in range(count - 1))
    one = "FROM a\nRUN x \\\n" + "  && y \\\n" * count + "  && z\n"
    assert uncached_stages(one) == ()
