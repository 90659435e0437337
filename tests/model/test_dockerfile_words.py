"""Words of Dockerfiles and the variables in them, as BuildKit expands them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.dockerfile_words import Expander, split_assignments, split_words

VARIABLES = {"V": "3.19.1", "E": "", "P": "a/b/c", "S": "x y"}
# The word, the escape character, what becomes of it. All were compared with BuildKit's own lexer.
EXPANSIONS = [
    ("plain", "\\", "plain"),
    ("alpine:$V", "\\", "alpine:3.19.1"),
    ("alpine:${V}-x", "\\", "alpine:3.19.1-x"),
    ("$U${U}", "\\", ""),
    ("${U:-d}${E:-d}${V:-d}", "\\", "dd3.19.1"),
    ("${U-d}${E-d}${V-d}", "\\", "d3.19.1"),
    ("${U:+d}${E:+d}${V:+d}", "\\", "d"),
    ("${U+d}${E+d}${V+d}", "\\", "dd"),
    ("${V:?missing}", "\\", "3.19.1"),
    ("${U:?missing}", "\\", "${U:?missing}"),
    ("${E:?missing}", "\\", "${E:?missing}"),
    ("${E?missing}", "\\", ""),
    ("${V#*.}", "\\", "19.1"),
    ("${V##*.}", "\\", "1"),
    ("${V%.*}", "\\", "3.19"),
    ("${V%%.*}", "\\", "3"),
    ("${V#?.}", "\\", "19.1"),
    ("${V#9}", "\\", "3.19.1"),
    (r"${S#x\ }", "\\", r"x y"),
    ("${P/b/z}", "\\", "a/z/c"),
    ("${P//?/z}", "\\", "zzzzz"),
    ("${V//.*/x}", "\\", "3x"),
    ("${E//*/x}", "\\", "x"),
    ("${P//\\//-}", "\\", "a-b-c"),
    ("${V///-}", "\\", "-3-.-1-9-.-1-"),
    ("${U/a/b}", "\\", ""),
    ("${U:-${V%%.*}}", "\\", "3"),
    ("'$V'", "\\", "$V"),
    ('"$V \\" \\$V \\n"', "\\", '3.19.1 " $V \\n'),
    ("\\$V\\", "\\", "$V"),
    ("`$V", "`", "$V"),
    ('"`""', "`", '"'),
    ("a\\b", "`", "a\\b"),
    ("$", "\\", "$"),
    ("$/x", "\\", "$/x"),
    ("$1$@", "\\", ""),
    # What BuildKit rejects stays as it is written.
    ("${", "\\", "${"),
    ("${}", "\\", "${}"),
    ("${{V}", "\\", "${{V}"),
    ("${V", "\\", "${V"),
    ("${V:}", "\\", "${V:}"),
    ("${V:-a", "\\", "${V:-a"),
    ("${V^^}", "\\", "${V^^}"),
    ("'open", "\\", "'open"),
    ('"open', "\\", '"open'),
    ('"open\\', "\\", '"open\\'),
    ("${U:-" * 20 + "x" + "}" * 20, "\\", "${U:-" * 20 + "x" + "}" * 20),
]


@pytest.mark.parametrize(("word", "escape", "expected"), EXPANSIONS)
def test_expand(word: str, escape: str, expected: str) -> None:
    """Variables, modifiers, quotes and escapes."""
    assert Expander(VARIABLES, escape).expand(word) == expected


def test_the_variables_that_were_looked_up() -> None:
    """Each name once, in the order of the words, set or not."""
    expander = Expander(VARIABLES)
    expander.expand("${V}$U${E:-$P}")
    expander.expand("$V")
    assert list(expander.used) == ["V", "U", "P", "E"]


def test_what_variables_may_add_is_limited() -> None:
    """A word whose variables would make it absurdly long stays as it is written."""
    expander = Expander({"A": "a" * 600, "B": "b"}, budget=1000)
    assert expander.expand("$A") == "a" * 600
    assert expander.expand("x$A") == "x$A"
    assert Expander({"A": "a" * 600}, budget=1000).expand("${A#*}") == "${A#*}"
    assert Expander({"A": "a"}, budget=10).expand("${A//a/bbbbbbbbbbbb}") == "${A//a/bbbbbbbbbbbb}"


WORDS = [
    ("", ()),
    ("A", ("A",)),
    ("A=1  B", ("A=1", "B")),
    ("A='b c' D=\"e 'f'\"", ("A='b c'", "D=\"e 'f'\"")),
    ("A=b\\ c D", ("A=b\\ c", "D")),
    ("A='b c", ("A='b c",)),
    ('A="b \\" c" D', ('A="b \\" c"', "D")),
    ("A='b\\' c'", ("A='b\\'", "c'")),
]


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_split_assignments(text: str, expected: tuple[str, ...]) -> None:
    """Quotes and escapes hold a word together."""
    assert split_assignments(text) == expected


def test_split_words() -> None:
    """Blanks divide, other white space does not."""
    assert split_words(" a\tb\x0bc\x85d ") == ("a", "b", "c\x85d")


@given(st.text(alphabet="${}:-+?#%/\\`'\"XV*? a", max_size=60), st.sampled_from("\\`"))
def test_any_word_expands(word: str, escape: str) -> None:
    """No word is rejected, and one without a special character is its own result."""
    result = Expander(VARIABLES, escape).expand(word)
    assert isinstance(result, str)
    if not set(word) & set("$'\"" + escape):
        assert result == word
