"""What is a secret, and how a text that holds one is shown.

A secret is the value of one of `SECRET_FIELDS`, the userinfo of any URL or of a `*_proxy` value, and the query of one of
`URL_FIELDS`. Everything shown to people goes through here; only a command's argv holds what the builder must be given.
"""

from __future__ import annotations

import re
from typing import Any

MASK = "***"

# The fields of BuildKit's cache backends that carry credentials: gha (token, ghtoken) and s3 or azblob (the rest).
SECRET_FIELDS = frozenset(
    {"token", "ghtoken", "secret_access_key", "access_key_id", "session_token"}
)
# The fields that hold a URL whose query may be a signature (Azure's SAS) or a token.
URL_FIELDS = frozenset({"url", "url_v2", "account_url", "endpoint_url"})


def _key(names: frozenset[str]) -> str:
    """One of the names as Go folds it: `İ`, `K` and `ſ` stand for i, k and s too."""
    folds = {"i": "[iİ]", "k": "[kK]", "s": "[sſ]"}
    return "|".join(
        "".join(folds.get(c, c) for c in name) for name in sorted(names, key=len, reverse=True)
    )


# A bare value ends at the comma, a quoted one at its closing quote. Where an entry is broken right after a secret (a quote
# that may not stand where it does, a field that lacks a "="), what follows may be the rest of the secret: all of it goes.
# What has been looked at is never looked at again, so that masking takes linear time.
_NO_FIELD = r',+(?:[^,"=]++(?=[,"]|\Z)|"[^"=]*(?>(?:""[^"=]*)*)(?:"|\Z))'
_BROKEN = rf'"(?:(?!,|\r?\n?\Z)|{_NO_FIELD})[\s\S]*'
_VALUE = rf'[^,"]*(?:(?:"|{_NO_FIELD})[\s\S]*)?'
_QUOTED = rf'[^"]*(?>(?:""[^"]*)*)(?:{_BROKEN})?'
_FIELD = r'(?P<quote>"\s*)?(?<![a-z0-9_])'
_SECRET = re.compile(
    rf"(?i)(?P<key>{_FIELD}(?:{_key(SECRET_FIELDS)})\s*=)(?(quote){_QUOTED}|{_VALUE})"
)
_QUERY = re.compile(
    rf'(?i){_FIELD}(?:{_key(URL_FIELDS)})\s*=(?(quote)[^"?]*(?>(?:""[^"?]*)*)|[^,"?]*)'
    rf'(?P<query>\?(?(quote){_QUOTED}|{_VALUE})|(?(quote){_BROKEN}|"[\s\S]*))?'
)
_URL_QUERY = re.compile(r"(?P<url>https?://[^\s\"'?]*+)\?[^\s\"']*+")
_USERINFO = re.compile(r"(?P<key>://)[^/?#\s]*@")
_PROXY = re.compile(r"(?i)(?P<key>_proxy\s*=\s*)(?P<value>(?>(?:=\s*|[^/?#\s=]+)*))")
_BARE_USERINFO = re.compile(r"\A[^/?#\s]*@")


def _without_query(match: re.Match[str]) -> str:
    before, mark, _ = (match["query"] or "").partition("?")
    return match[0].removesuffix(match["query"] or "") + before + (f"{mark}{MASK}" if mark else "")


def _without_user(match: re.Match[str]) -> str:
    _, at, host = match["value"].rpartition("@")
    return f"{match['key']}{MASK}@{host}" if at else match[0]


def masked(text: str) -> str:
    """The text with `***` in place of every secret: an entry, a `KEY=VALUE` pair or one word of a command.

    >>> masked("type=gha,token=abc,mode=max")
    'type=gha,token=***,mode=max'
    >>> masked("http_proxy=http://user:pass@proxy:3128")
    'http_proxy=http://***@proxy:3128'
    """
    if "=" in text:
        text = _SECRET.sub(rf"\g<key>{MASK}", text)
        text = _QUERY.sub(_without_query, text)
    if "@" in text:
        text = _PROXY.sub(_without_user, text)
        text = _USERINFO.sub(rf"\g<key>{MASK}@", text)
    return text


def masked_message(text: str) -> str:
    """A builder's message, masked: of the URLs in it, the userinfo and the query, which may be a signature."""
    return masked(_URL_QUERY.sub(rf"\g<url>?{MASK}", text) if "?" in text else text)


def masked_part(part: str, whole: str) -> str:
    """A part of a text, shown only where the whole shows it too: alone, it may not look like the secret that it is in."""
    visible = masked(whole)
    return part if part in visible or part.replace('"', '""') in visible else MASK


def masked_value(key: str, value: str) -> str:
    """The value of the field or variable `key`, masked where that name makes it a secret."""
    name = fold(key)
    if name in SECRET_FIELDS:
        return MASK
    value = masked(value)
    if name in URL_FIELDS and "?" in value:
        value = value.partition("?")[0] + "?" + MASK
    if name.endswith("_proxy"):
        value = _BARE_USERINFO.sub(f"{MASK}@", value)
    return value


def shown(value: object) -> str:
    """The `repr` of a value, with every text in it masked."""
    if isinstance(value, str):
        return repr(masked(value))
    if type(value) is tuple:
        return f"({', '.join(map(shown, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def shown_fields(self: Any) -> str:  # noqa: ANN401  # any attrs instance; attrs gives them no common type
    """The `repr` of an attrs instance by its public fields, masked: assign it to `__repr__`."""
    fields = (a.name for a in self.__attrs_attrs__ if a.repr)
    return f"{type(self).__name__}({', '.join(f'{name}={shown(getattr(self, name))}' for name in fields)})"


def fold(key: str) -> str:
    """The key in lower case as Go's `strings.ToLower` does it: rune by rune, with no eye for the context.

    >>> fold("KEY İ")
    'key i'
    """
    return key.lower() if key.isascii() else "".join(c.lower()[0] for c in key)
