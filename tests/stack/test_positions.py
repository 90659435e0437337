"""Lines and columns, offsets of the source, and marks."""

from hypothesis import given
from hypothesis import strategies as st

from faas_cache.stack.positions import LineIndex, OffsetMap, line_end_pattern


@given(st.text("ab\r\n\u2028\x85", max_size=20))
def test_an_offset_has_the_line_that_contains_it(text: str) -> None:
    """Lines end where YAML 1.1 says; columns count from the beginning of the line."""
    index = LineIndex(text)
    starts = [0, *(match.end() for match in line_end_pattern().finditer(text))]
    for offset in range(len(text) + 1):
        line, column = index.position(offset)
        assert starts[line - 1] + column - 1 == offset
        assert offset < [*starts, len(text) + 1][line]


def test_offsets_of_a_source() -> None:
    """Before, within and behind two replaced parts."""
    offsets = OffsetMap()
    offsets.append(2, 6, 2, 3)  # four characters become one
    offsets.append(8, 10, 5, 9)  # two become four
    assert [offsets.source_offset(offset) for offset in range(11)] == [
        0, 1, 2, 6, 7, 8, 8, 8, 8, 10, 11,
    ]  # fmt: skip
