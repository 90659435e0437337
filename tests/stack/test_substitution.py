"""`${…}` as faas-cli reads it: a table of every form, faults with their locations, laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.errors import InvalidStack
from faas_cache.stack.positions import LineIndex
from faas_cache.stack.substitution import MAX_NESTING, substitute

ENVIRON = {
    "X": "value", "EMPTY": "", "P": "/usr/local/lib.tar.gz", "U": "é€x", "N": "12", "É1": "unicode", "7": "seven", "Y": "al",
    "SS": "straße", "STARS": "a*b",
}  # fmt: skip

FORMS = [
    ("${X}", "value"),
    ("${GONE}", ""),
    ("$X and $ and a$", "$X and $ and a$"),
    ("$$", "$"),
    ("$${X}", "${X}"),
    ("$$${X}", "$value"),
    ("a\\\\b \\/ \\n \\$", "a\\b / \\n \\$"),
    ("\\${X}", "\\value"),
    ("# ${X}", "# value"),
    ("${É1} ${7}", "unicode seven"),
    # defaults
    ("${X:-d} ${GONE:-d} ${EMPTY:-d}", "value d d"),
    ("${X:=d} ${GONE:=d} ${EMPTY=d}", "value d d"),
    ("${GONE=d}", "d"),
    ("${GONE==d}", "=d"),
    ("${GONE:+d} ${X:+d} ${GONE:?d}", "d value d"),
    ("${GONE:-}", ""),
    ("${GONE:-${ALSO:-z}}", "z"),
    ("${GONE:-a${X}b${EMPTY:-c}d}", "avaluebcd"),
    ("${GONE:-a}b}", "ab}"),
    ("${GONE:-$$x \\\\}", "$$x \\\\"),
    ("${GONE:-{a: b}}", "{a: b}"),
    # substrings, in bytes
    ("${X:1:2} ${X:2} ${X:0:99} ${X:9} ${X:9:1}", "al lue value  "),
    ("${X:-2} ${X: -2} ${X:a} ${X:1:z}", "value value value value"),
    ("${X:+2}", "value"),
    ("${U:2:3} ${#U} ${#GONE}", "€ 6 0"),
    ("${X::::2}".replace("::::", ":1:::"), "al"),
    # case
    ("${X^} ${X^^} ${EMPTY^}", "Value VALUE "),
    ("${N,,} ${U^^} ${SS^^} ${SS,}", "12 É€X STRAßE straße"),
    ("${X^,}", "value"),
    # patterns
    ("${P#*/} ${P##*/}", "usr/local/lib.tar.gz lib.tar.gz"),
    ("${P%.*} ${P%%.*}", "/usr/local/lib.tar /usr/local/lib"),
    ("${P#/usr/} ${P%gz} ${P#nope} ${P%nope}", "local/lib.tar.gz /usr/local/lib.tar. /usr/local/lib.tar.gz /usr/local/lib.tar.gz"),
    ("${X#?} ${X#[u-w]} ${X#[^a]} ${X#[a]} ${X#[}", "alue alue alue value value"),
    ("${X#v\\a} ${X#\\} ${X#*} ${X##*} ${X%*}", "lue value alue  valu"),
    ("${X#*l} ${X##v*u} ${X%l*} ${STARS#a\\*}", "ue e va b"),
    ("${X#${Y}} ${X#v${Y}}".partition(" ")[0], "value"),
    ("${X%[e]} ${X##***u}", "value e"),
    ("${X#[^]} ${X#[z-a]} ${X#[^z-a]} ${X#[v} ${X#[\\v]} ${X#[]}", "value value alue value alue value"),
    # replacements
    ("${X/a/A} ${X//a/A} ${X/l/} ${X//z/Z}", "vAlue vAlue vaue value"),
    ("${X/#va/V} ${X/%ue/U} ${X/#x/V} ${X/%x/V} ${X/#va/}", "Vlue valU value value value"),
    ("${P//\\//-} ${X/a/$$}", "-usr-local-lib.tar.gz v$lue"),
    ("${X/}a/b}", "value"),
    ("${X/${Y}/AL} ${X/a//b}", "vALue vblue"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), FORMS, ids=[form for form, _ in FORMS])
def test_a_form(source: str, expected: str) -> None:
    """Each form gives what faas-cli's reader gives."""
    assert substitute(source, ENVIRON).text == expected


FAULTS = [
    ("a\n  ${X-d}", 2, 3, "`${X` is not closed"),
    ("${X+d}", 1, 1, "`${X` is not closed"),
    ("${X?d}", 1, 1, "`${X` is not closed"),
    ("x ${X", 1, 3, "`${X` is not closed"),
    ("${X:-d", 1, 1, "`${X` is not closed"),
    ("${}", 1, 1, "without the name"),
    ("${ X}", 1, 1, "without the name"),
    ("${-}", 1, 1, "without the name"),
    ("${#}", 1, 1, "without the name"),
    ("${#X:1}", 1, 1, "`${X` is not closed"),
    ("${GONE:-${}}", 1, 9, "without the name"),
    ("${X:}", 1, 1, "a part of the expression is missing"),
    ("${X::1}", 1, 1, "a part of the expression is missing"),
    ("${X:1:}", 1, 1, "a part of the expression is missing"),
    ("${X:1${N}}", 1, 1, "is not closed"),
    ("${X#}", 1, 1, "a part of the expression is missing"),
    ("${X#a${N}}", 1, 1, "is not closed"),
    ("${X^^^}", 1, 1, "is not closed"),
    ("${X/a}", 1, 1, "the replacement is missing"),
    ("${X///b}", 1, 1, "a part of the expression is missing"),
    ("${X:3:-1}", 1, 1, "negative length"),
    ("${A:-" * (MAX_NESTING + 1), 1, 1 + 5 * MAX_NESTING, "inside more than"),
    ("${X\0}", 1, 1, "is not closed"),
]


@pytest.mark.parametrize(
    ("source", "line", "column", "cause"), FAULTS, ids=[fault[0][:20] for fault in FAULTS]
)
def test_a_fault_has_a_location(source: str, line: int, column: int, cause: str) -> None:
    """What faas-cli rejects without a line is rejected with one, at the `${`."""
    with pytest.raises(InvalidStack) as caught:
        substitute(source, ENVIRON)
    (fault,) = caught.value.diagnostics
    assert (
        fault.location.line,
        fault.location.column,
        cause in fault.message,
        fault.hint != "",
    ) == (line, column, True, True)


def test_a_nul_ends_the_text() -> None:
    """faas-cli silently ignores the rest; here a warning says where."""
    substitution = substitute("a ${X}\nb\0c ${", ENVIRON)
    assert (
        substitution.text,
        [(d.location.line, d.location.column) for d in substitution.diagnostics],
    ) == (
        "a value\nb",
        [(2, 2)],
    )


def test_a_form_that_shells_read_differently_is_a_warning() -> None:
    """`:+` and `:?` are defaults for faas-cli."""
    diagnostics = substitute("${X:+d}", ENVIRON).diagnostics
    assert [(d.name, d.severity, d.message) for d in diagnostics] == [
        ("misread-substitution", "warning", "faas-cli reads `${X:+…}` as a default value")
    ]


def test_positions_lead_back_to_the_source() -> None:
    """An offset in the text is one in the source; within a value, that of its `${`."""
    substitution = substitute("a: ${X} b\nc: $$d\ne", {"X": "1\n2"})
    assert substitution.text == "a: 1\n2 b\nc: $d\ne"
    positions = [substitution.source_position(offset) for offset in (0, 3, 5, 6, 12, 13, 15)]
    assert positions == [(1, 1), (1, 4), (1, 4), (1, 8), (2, 4), (2, 6), (3, 1)]


def test_the_text_with_another_value() -> None:
    """Only that variable gets the value, wherever it is."""
    substitution = substitute("${X} $$ ${Y} ${X}", {"X": "1", "Y": "2"})
    assert substitution.text_with("X", "long") == "long $ 2 long"


def test_the_source_of_a_part_of_the_text() -> None:
    """A part of a value comes from its whole `${…}`."""
    substitution = substitute("a: ${X}, b${E}", {"X": "1"})
    parts = [(0, 3), (3, 4), (0, 7), (3, 3), (7, 7)]
    assert [substitution.source_slice(*part) for part in parts] == [
        "a: ",
        "${X}",
        "a: ${X}, b${E}",
        "",
        "",
    ]
    names = [[r.name for r in substitution.replaced_within(*part)] for part in parts]
    assert names == [["X"], ["X"], ["X", "E"], ["X"], ["E"]]


@pytest.mark.parametrize("source", ["${X}" * 5, "${GONE:-" + "${X}" * 5 + "}", "$$" + "a" * 20])
def test_a_text_that_becomes_too_large_is_rejected(source: str) -> None:
    """The size is checked before the text is put together."""
    with pytest.raises(InvalidStack, match="larger than 0 MiB with its variables"):
        substitute(source, {"X": "aaaa"}, max_size=15)


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("9223372036854775807", ""),
        ("9223372036854775808", "value"),
        ("0000000000000000000001", "alue"),
        ("-9", "value"),
        ("+", "value"),
        ("1" * 5000, "value"),
        ("٣", "value"),
    ],
)
def test_a_position_has_64_bits(position: str, expected: str) -> None:
    """What `strconv.Atoi` rejects leaves the value as it is."""
    assert substitute(f"${{X:{position}}}", ENVIRON).text == expected


@given(st.text("${}X:-#%/^,\\ab1\n*[]?", max_size=30), st.text("${}a*/\\\n", max_size=6))
def test_any_text_is_read_or_rejected(source: str, value: str) -> None:
    """Any text gives a text or our error."""
    try:
        substitution = substitute(source, {"X": value})
    except InvalidStack as fault:
        assert all(d.location.line and d.location.column for d in fault.diagnostics)
        return
    assert substitution.text_with("GONE", "a") == substitution.text
    last = LineIndex(source).position(len(source))
    assert substitution.source_position(len(substitution.text)) <= last


@given(st.text())
def test_escaped_text_is_unescaped(text: str) -> None:
    """Doubled dollars and backslashes become single ones."""
    text = text.replace("\0", "")
    assert substitute(text.replace("\\", "\\\\").replace("$", "$$"), {}).text == text
