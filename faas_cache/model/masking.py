"""Defines what a secret is, and masks secrets in text.

A secret is

- the value of one of `SECRET_FIELDS` of a cache entry,
- the value of a build argument, a variable or a flag whose name has one of the words
  `SECRET_WORDS`,
- the userinfo of any URL and of the value of a `*_proxy` variable,
- the query of one of the `URL_FIELDS` of a cache entry.

Everything that people see passes through this module; only the argv of a command contains secrets.
"""

from __future__ import annotations

import re
from functools import cache

from faas_cache.model.go import to_lower

__all__ = [
    "MASK",
    "SECRET_FIELDS",
    "SECRET_WORDS",
    "URL_FIELDS",
    "is_secret_name",
    "masked",
    "masked_message",
    "masked_part",
    "masked_value",
    "shown",
]

MASK = "***"

# The fields of BuildKit's cache backends that are credentials: of gha (token, ghtoken), of s3 and
# azblob (the rest).
SECRET_FIELDS: frozenset[str] = frozenset(
    {"token", "ghtoken", "secret_access_key", "access_key_id", "session_token"}
)
# A name that has one of these words, between other characters than letters and digits, names a
# secret, in upper or lower case: `NPM_TOKEN`, `--api-key`.
SECRET_WORDS: frozenset[str] = frozenset(
    {
        "TOKEN",
        "PASSWORD",
        "PASSWD",
        "SECRET",
        "APIKEY",
        "API_KEY",
        "PRIVATE_KEY",
        "ACCESS_KEY",
    }
)
# The fields whose value is a URL with a query that may be a signature (Azure's SAS) or a token.
URL_FIELDS: frozenset[str] = frozenset({"url", "url_v2", "account_url", "endpoint_url"})

# `--secret id=…,src=…` of docker names a file, and no secret.
_SECRET_FLAG = "--secret"  # noqa: S105  # the name of a flag


# What is masked already, within a message that quotes it: masking it again would take in the quote.
_DONE = r"\*\*\*`"

# The names in any case, `İ` for i too; the longest first.
_URL_NAMES = "|".join(sorted(URL_FIELDS, key=len, reverse=True)).replace("i", "[iİ]")

# Masking takes linear time: no pattern reads a character again that a match has passed. Groups are
# atomic, because CPython before 3.11.5 matches (?:…)*+ wrongly.

# A bare value ends at the comma, a quoted one at its closing quote. Where an entry is broken right
# after a secret (by a quote in the wrong position, or a field without a "="), what follows may be
# the rest of the secret, and all of it is masked.
_NO_FIELD = r',+(?:[^,"=]++(?=[,"]|\Z)|"[^"=]*(?>(?:""[^"=]*)*)(?:"|\Z))'
_BROKEN = rf'"(?:(?!,|\r?\n?\Z)|{_NO_FIELD})[\s\S]*'
_VALUE = rf'[^,"]*(?:(?:"|{_NO_FIELD})[\s\S]*)?'
_QUOTED = rf'[^"]*(?>(?:""[^"]*)*)(?:{_BROKEN})?'
_FIELD = r'(?P<quote>"\s*)?(?<![a-z0-9_])'
_QUERY = (
    rf'(?i){_FIELD}(?:{_URL_NAMES})\s*=(?(quote)[^"?]*(?>(?:""[^"?]*)*)|[^,"?]*)'
    rf'(?P<query>\?(?!{_DONE})(?(quote){_QUOTED}|{_VALUE})|(?(quote){_BROKEN}|"[\s\S]*))?'
)

# The name of a variable or a flag, and its value: of a field of an entry as above; else the rest of
# the text, or, within a message, one word as a shell reads it.
_WORD = rf"(?i)(?<![a-z0-9])(?:{'|'.join(sorted(SECRET_WORDS)).replace('_', '[_-]')})(?![a-z0-9])"
# Go lower-cases the signs for Kelvin and for I with a dot to `k` and `i`; `ſ` is a letter, too.
_LETTER = "A-Za-z0-9_\u0130\u017f\u212a-"
_NAME = rf"(?<![{_LETTER}])(?P<name>[{_LETTER}]++)\s*+="
_FIELD_VALUES = {'"': _QUOTED, ",": _VALUE}
_REST = r"[\s\S]*"
_SHELL_WORD = r"""[ \t]*+(?>(?:"(?>(?:[^"\\]|\\[\s\S])*)"?|'[^']*+'?|\\[\s\S]|[^\s"'\\])*)\\?"""

_URL = r"(?P<url>https?://[^\s\"'?]*+)(?P<query>\?(?!" + _DONE + r")[^\s\"']*+)?"
_USERINFO = r"(?P<key>://)[^/?#\s]*@"
_PROXY = r"(?i)(?P<key>_proxy\s*=\s*)(?P<value>(?>(?:=\s*|[^/?#\s=]+)*))"
_BARE_USERINFO = r"\A[^/?#\s]*@"


@cache
def _pattern(grammar: str) -> re.Pattern[str]:
    """The compiled grammar, on first use: an import costs less without."""
    return re.compile(grammar)


def is_secret_name(name: str) -> bool:
    """Whether the value of a field, a variable or a flag of that name is a secret.

    >>> is_secret_name("NPM_TOKEN"), is_secret_name("--api-key"), is_secret_name("TOKENS")
    (True, True, False)
    """
    return to_lower(name) in SECRET_FIELDS or _pattern(_WORD).search(name) is not None


def masked(text: str) -> str:
    """The text with `***` for each secret: an entry, `KEY=VALUE`, or a flag with its value.

    >>> masked("type=gha,token=abc,mode=max")
    'type=gha,token=***,mode=max'
    >>> masked("--build-arg NPM_TOKEN=abc")
    '--build-arg NPM_TOKEN=***'
    >>> masked("http_proxy=http://user:pass@proxy:3128")
    'http_proxy=http://***@proxy:3128'
    """
    return _masked(text, _REST)


def masked_message(text: str) -> str:
    """A message or a line of a log, masked; of each URL in it the userinfo and the query too.

    >>> masked_message("RUN NPM_TOKEN=abc npm ci")
    'RUN NPM_TOKEN=*** npm ci'
    """
    text = _pattern(_URL).sub(_mask_url, text) if "?" in text else text
    return _masked(text, _SHELL_WORD)


def masked_part(part: str, whole: str) -> str:
    """A part of a text, shown only where the masked whole shows it.

    Alone, a part may not look like the secret that it is a part of.
    """
    visible = masked(whole)
    return part if part in visible or part.replace('"', '""') in visible else MASK


def masked_value(key: str, value: str) -> str:
    """The value of the field or the variable `key`, masked if its name makes it a secret.

    >>> masked_value("GITHUB_TOKEN", "abc"), masked_value("url", "https://host/?sig=abc")
    ('***', 'https://host/?***')
    """
    if is_secret_name(key):
        return MASK
    name = to_lower(key)
    value = masked(value)
    if name in URL_FIELDS and "?" in value:
        value = f"{value.partition('?')[0]}?{MASK}"
    if name.endswith("_proxy"):
        value = _pattern(_BARE_USERINFO).sub(f"{MASK}@", value)
    return value


def shown(value: object) -> str:
    """The `repr` of a value, with every text in it masked."""
    if isinstance(value, str):
        return repr(masked(value))
    if type(value) is tuple:
        return f"({', '.join(map(shown, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def _masked(text: str, value: str) -> str:
    """The text with its secrets masked; `value` matches what belongs to a name with a `=`."""
    if "=" in text:
        text = _mask_names(text, value)
        if "?" in text or '"' in text:  # a query begins with one of them
            text = _pattern(_QUERY).sub(_mask_query, text)
    if "@" in text:
        text = _pattern(_PROXY).sub(_mask_user, text)
        text = _pattern(_USERINFO).sub(rf"\g<key>{MASK}@", text)
    return text


def _mask_names(text: str, value: str) -> str:
    """The text without the values of the names that make them secrets."""
    parts: list[str] = []
    end = 0
    for match in _pattern(_NAME).finditer(text):
        name = match["name"]
        if match.start() < end or name == _SECRET_FLAG or not is_secret_name(name):
            continue
        if text.startswith(f"{MASK}`", match.end()):
            continue
        before = match.start() - 1
        while before >= 0 and text[before].isspace():
            before -= 1
        pattern = _FIELD_VALUES.get(text[before], value) if before >= 0 else value
        parts += (text[end : match.end()], MASK)
        # a pattern that matches every text, the empty one included
        end = _pattern(pattern).match(text, match.end()).end()  # type: ignore[union-attr]
    return "".join((*parts, text[end:]))


def _mask_query(match: re.Match[str]) -> str:
    query = match["query"] or ""
    before, mark, _ = query.partition("?")
    return match[0].removesuffix(query) + before + (f"{mark}{MASK}" if mark else "")


def _mask_url(match: re.Match[str]) -> str:
    return f"{match['url']}?{MASK}" if match["query"] else match[0]


def _mask_user(match: re.Match[str]) -> str:
    _, at, host = match["value"].rpartition("@")
    return f"{match['key']}{MASK}@{host}" if at else match[0]
