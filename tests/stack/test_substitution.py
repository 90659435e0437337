"""`${…}` as faas-cli reads it: a table of every form, faults with their places, laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.diagnostics import Location
from faas_cache.model.errors import InvalidStack
from faas_cache.stack.stack_file import Stack
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
    ("${P#*/} ${P##*/}", "usr/local/lib.tar.gz usr/local/lib.tar.gz"),
    ("${P%.*} ${P%%.*}", "/usr/local/lib.tar /usr/local/lib"),
    ("${P#/usr/} ${P%gz} ${P#nope} ${P%nope}", "local/lib.tar.gz /usr/local/lib.tar. /usr/local/lib.tar.gz /usr/local/lib.tar.gz"),
    ("${X#?} ${X#[u-w]} ${X#[^a]} ${X#[a]} ${X#[}", "alue alue alue value value"),
    ("${X#v\\a} ${X#\\} ${X#*} ${X##*} ${X%*}", "lue value alue  valu"),
    ("${X#*l} ${X##v*u} ${X%l*} ${STARS#a\\*}", "ue e va b"),
    ("${X#${Y}} ${X#v${Y}}".partition(" ")[0], "value"),
    ("${X%[e]}", "value"),
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
    ("${A:-" * (MAX_NESTING + 1), 1, 1 + 5 * MAX_NESTING, "within more than"),
    ("${X\0}", 1, 1, "is not closed"),
]


@pytest.mark.parametrize(
    ("source", "line", "column", "cause"), FAULTS, ids=[fault[0][:20] for fault in FAULTS]
)
def test_a_fault_is_placed(source: str, line: int, column: int, cause: str) -> None:
    """What faas-cli refuses without a line is refused with one, at the `${` that is wrong."""
    with pytest.raises(InvalidStack) as caught:
        substitute(source, ENVIRON)
    (found,) = caught.value.diagnostics
    assert (
        found.location.line,
        found.location.column,
        cause in found.message,
        found.hint != "",
    ) == (line, column, True, True)


def test_a_nul_ends_the_text() -> None:
    """Faas-cli drops the rest of the file in silence; here a warning says where."""
    found = substitute("a ${X}\nb\0c ${", ENVIRON)
    assert (found.text, [(d.location.line, d.location.column) for d in found.diagnostics]) == (
        "a value\nb",
        [(2, 2)],
    )


def test_what_a_shell_reads_otherwise_is_said() -> None:
    """`:+` and `:?` are defaults to faas-cli."""
    found = substitute("${X:+d}", ENVIRON).diagnostics
    assert [(d.severity, d.message) for d in found] == [
        ("warning", "`${X:+…}` means to faas-cli what `:-` means: a default")
    ]


def test_spots_lead_back() -> None:
    """A place in the text is one in the source: within what was put in, at its `${`."""
    put_in = substitute("a: ${X} b\nc: $$d\ne", {"X": "1\n2"})
    assert put_in.text == "a: 1\n2 b\nc: $d\ne"
    text_spots = [(1, 1), (1, 4), (2, 1), (2, 2), (3, 4), (3, 5), (4, 1), (9, 1)]
    assert [put_in.spot(*spot) for spot in text_spots] == [
        (1, 1),
        (1, 4),
        (1, 4),
        (1, 8),
        (2, 4),
        (2, 6),
        (3, 1),
        (3, 1),
    ]


@given(st.text("${}X:-#%/^,\\ab1\n*[]?", max_size=30), st.text("${}a*/\\\n", max_size=6))
def test_any_text_is_read_or_refused(source: str, value: str) -> None:
    """Any text gives a text or our error, and the values of variables are not looked at again."""
    try:
        put_in = substitute(source, {"X": value})
    except InvalidStack as fault:
        assert all(d.location.line and d.location.column for d in fault.diagnostics)
        return
    assert put_in.without("", "") is not None
    last = (put_in.text.count("\n") + 1, len(put_in.text.rpartition("\n")[2]) + 1)
    assert put_in.spot(*last) <= (source.count("\n") + 1, len(source.rpartition("\n")[2]) + 1)


@given(st.text())
def test_escaped_text_stands_for_itself(text: str) -> None:
    """Text whose dollars and backslashes are doubled comes out as it was, but for what follows a NUL."""
    text = text.replace("\0", "")
    assert substitute(text.replace("\\", "\\\\").replace("$", "$$"), {}).text == text


# In a stack file.

HEAD = "provider: {name: openfaas}\nfunctions:\n"


def test_values_are_put_in_before_yaml_is_read() -> None:
    """The environment that is passed in, and no other; `envsubst=False` leaves all as it is."""
    text = HEAD + "  fn:\n    image: ${REG}/fn:${TAG:-latest}\n"
    assert Stack.loads(text, {"REG": "ghcr.io/a"}).functions["fn"].image == "ghcr.io/a/fn:latest"
    assert Stack.loads(text, {}, envsubst=False).functions["fn"].image == "${REG}/fn:${TAG:-latest}"


def test_the_process_has_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one given, it is the process's."""
    monkeypatch.setenv("FAAS_CACHE_TEST_X", "a/b")
    assert (
        Stack.loads(HEAD + "  fn: {image: '${FAAS_CACHE_TEST_X}'}").functions["fn"].image == "a/b"
    )


def test_faults_stand_where_they_are_in_the_file() -> None:
    """Places are those of the file as it is written, whatever was put in before them."""
    text = HEAD + "  fn:\n    image: ${A}\n    skip_build: ${A} maybe\n    zz: 1\n"
    with pytest.raises(InvalidStack) as caught:
        Stack.loads(text, {"A": "long\n     and two lines"})
    assert [(d.location.line, d.location.column) for d in caught.value.diagnostics] == [(5, 5)]
    stack = Stack.loads(text.replace(" maybe", ""), {"A": "yes"})
    assert (stack.locate("functions.fn.zz"), stack.placed(stack.diagnostics)[0].location.line) == (
        (6, 5),
        6,
    )


@pytest.mark.parametrize(
    ("line", "value", "warned"),
    [
        ("image: ${X}", "a/b\n    skip_build: true", True),
        ("image: ${X}", "{a: b}", None),
        ("image: ${X}", "a/b:1.0", False),
        ("image: '${X}'", "a/b{}", False),
        ("image: a # ${X}", "quiet", False),
        ("image: a # ${X}", "loud\n    pull: true", True),
        ("{image: a, build_cache: ${X}}", "{from: b}", None),
        ("image: a\n    build_args: {A: ${X}}", "1, B: 2", True),
        ("image: a\n    build_args: [${X}", "x]", None),
    ],
)
def test_a_value_that_makes_structure_is_named(line: str, value: str, warned: bool | None) -> None:  # noqa: FBT001  # a column of the table
    """A value that brings keys or lines is a warning that names the variable, and never shows the value."""
    try:
        found = Stack.loads(f"{HEAD}  fn:\n    {line}\n", {"X": value}).diagnostics
    except InvalidStack as fault:
        assert warned is None
        assert all(value not in str(d) for d in fault.diagnostics)
        assert any("the value of `X` changes" in d.message for d in fault.diagnostics)
        return
    said = [d for d in found if d.name == "substitution"]
    assert (len(said) == 1, ["`X`" in d.message and value not in str(d) for d in said]) == (
        warned is not False,
        [True] * len(said),
    )


def test_c12_an_unset_variable_caches_nothing_and_says_so() -> None:
    """C12: `build_cache: ${X}` without X is no setting, and a warning."""
    text = (
        HEAD
        + "  fn: {image: a, build_cache: ${CACHE}}\n  two: {image: a, build_cache: }\n  thr: {image: a}\n"
    )
    found = Stack.loads(text, {}, file="s.yaml").diagnostics
    assert [(d.name, d.severity, d.location.line, "`CACHE`" in d.message) for d in found] == [
        ("C12", "warning", 3, True)
    ]


def test_too_much_is_refused() -> None:
    """What variables add up to has a limit."""
    with pytest.raises(InvalidStack, match="with its variables it is larger"):
        Stack.loads("${X}" * 200, {"X": "x" * 100_000})


def test_what_a_variable_brought() -> None:
    """A place that nobody has found is not told to come from a variable."""
    stack = Stack.loads(HEAD + "  fn: {image: '${X}'}\n", {"X": "a/b"})
    placed = stack.places([Location(path=("functions", "fn", "image"))])[0]
    assert (stack.from_variable(Location()), stack.from_variable(placed)) == (False, True)


def test_a_fault_names_the_file() -> None:
    """The place of a substitution's fault begins with the file."""
    with pytest.raises(InvalidStack, match=r"^dir/s.yaml:1:3: error: "):
        Stack.loads("a ${", {}, file="dir/s.yaml")
