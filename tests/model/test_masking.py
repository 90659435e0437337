"""Masking: what is a secret, and that none is shown."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.model.diagnostics import Location
from faas_cache.model.entries import csv_field, parse_entries
from faas_cache.model.errors import FaasCacheError
from faas_cache.model.flags import CacheFlags
from faas_cache.model.frozen_map import FrozenMap
from faas_cache.model.masking import (
    SECRET_FIELDS,
    SECRET_WORDS,
    URL_FIELDS,
    is_secret_name,
    masked,
    masked_message,
    masked_part,
    masked_value,
    shown,
)
from faas_cache.model.references import Reference
from faas_cache.model.specs import FunctionSpec

CASES = [
    ("type=gha,token=abc,mode=max", "type=gha,token=***,mode=max"),
    ('type=s3,"secret_access_key=a,b",x=1', 'type=s3,"secret_access_key=***",x=1'),
    ('type=s3,session_token="a,b",x=1', "type=s3,session_token=***"),
    ("type=gha,ghtoken=a,TOKEN=b", "type=gha,ghtoken=***,TOKEN=***"),
    (
        "type=azblob,account_url=https://x/?sig=a&b=c,name=n",
        "type=azblob,account_url=https://x/?***,name=n",
    ),
    ("type=gha,url=https://me:pw@x/y", "type=gha,url=https://***@x/y"),
    ("http_proxy=me:pw@proxy:1", "http_proxy=***@proxy:1"),
    ("HTTPS_PROXY=http://me:pw@proxy:1", "HTTPS_PROXY=http://***@proxy:1"),
    ("http_proxy=a=b@proxy:1", "http_proxy=***@proxy:1"),
    ("http_proxy=proxy:1,ref=a/b@sha256:0", "http_proxy=proxy:1,ref=a/b@sha256:0"),
    ("https://***@me:pw@x/y", "https://***@x/y"),
    ('type=gha,"url=https://x/a,b?c,d",x=1', 'type=gha,"url=https://x/a,b?***",x=1'),
    ('type=gha,"url=https://x/""y",x=a?b', 'type=gha,"url=https://x/""y",x=a?b'),
    ("url=https://x/y,name=a?b", "url=https://x/y,name=a?b"),
    ("token=a\nb,x=1", "token=***"),
    ("type=gha, token=a\nb,x=1", "type=gha, token=***,x=1"),
    ("NPM_TOKEN=a,b c", "NPM_TOKEN=***"),
    ("--build-arg NPM_TOKEN=a b", "--build-arg NPM_TOKEN=***"),
    ("--build-arg=DB_PASSWORD=a=b", "--build-arg=DB_PASSWORD=***"),
    ("--my-api-key=a", "--my-api-key=***"),
    ("--token=a", "--token=***"),
    ("aws_access_key_2=a", "aws_access_key_2=***"),
    ("PRIVATE_KEY = a", "PRIVATE_KEY =***"),
    ("SIGNING-PRIVATE-KEY=a", "SIGNING-PRIVATE-KEY=***"),
    ("MY_PASSWD=a", "MY_PASSWD=***"),
    ("APIKEY=a", "APIKEY=***"),
    ("A=1,my-secret=b,c=d", "A=1,my-secret=***,c=d"),
    ("https://host/?access_token=a&b=c", "https://host/?access_token=***"),
    ("--secret=id=npm,src=file", "--secret=id=npm,src=file"),
    ("SECRETARY=a", "SECRETARY=a"),
    ("MYTOKEN=a", "MYTOKEN=a"),
    ("ACCESS=KEY=a", "ACCESS=KEY=a"),
    ("TOKEN x=1", "TOKEN x=1"),
    ('"token=a"\r\n', '"token=***"\r\n'),
    ("NPM_TOKENS=x", "NPM_TOKENS=x"),
    ("git+https://github.com/a/b@v1", "git+https://github.com/a/b@v1"),
    ("a/b@sha256:0", "a/b@sha256:0"),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_masked(text: str, expected: str) -> None:
    """Secrets are masked and nothing else is; a masked text stays as it is."""
    assert (masked(text), masked(expected)) == (expected, expected)


VALUES = [
    ("token", "x", "***"),
    ("Session_Token", "x", "***"),
    ("url_v2", "https://x/?sig=a", "https://x/?***"),
    ("no_proxy", "me:pw@x", "***@x"),
    ("other", "https://me:pw@x", "https://***@x"),
    ("NPM_TOKEN", "x", "***"),
    ("secret", "x", "***"),
    ("other", "x", "x"),
]


@pytest.mark.parametrize(("key", "value", "expected"), VALUES)
def test_masked_value(key: str, value: str, expected: str) -> None:
    """A value is masked by the name of its field or variable."""
    assert masked_value(key, value) == expected


def test_shown_goes_into_tuples_and_mappings() -> None:
    """A repr masks the texts in tuples and mappings at any depth."""
    value = (FrozenMap({"token": "hunter2", "from": ("type=gha,token=hunter2",)}), 1)
    assert shown(value) == "({'token': '***', 'from': ('type=gha,token=***',)}, 1)"


MESSAGES = [
    ("RUN NPM_TOKEN=abc npm ci", "RUN NPM_TOKEN=*** npm ci"),
    ("RUN NPM_TOKEN='a b' npm ci", "RUN NPM_TOKEN=*** npm ci"),
    ('RUN NPM_TOKEN="a \\" b"c npm ci', "RUN NPM_TOKEN=*** npm ci"),
    ("RUN NPM_TOKEN=a\\ b npm ci", "RUN NPM_TOKEN=*** npm ci"),
    ("NPM_TOKEN = abc npm", "NPM_TOKEN =*** npm"),
    ('NPM_TOKEN="abc npm', "NPM_TOKEN=***"),
    ("A_TOKEN=a B_TOKEN=b", "A_TOKEN=*** B_TOKEN=***"),
    ("GET https://me:pw@host/a?sig=b: 403", "GET https://***@host/a?*** 403"),
    ("type=gha,token=abc,mode=max", "type=gha,token=***,mode=max"),
    ("https://host/a b?", "https://host/a b?"),
    ("what?", "what?"),
]


@pytest.mark.parametrize(("text", "expected"), MESSAGES, ids=[text for text, _ in MESSAGES])
def test_masked_message(text: str, expected: str) -> None:
    """Within a message, a value ends where a shell's word ends."""
    assert masked_message(text) == expected


@pytest.mark.parametrize("word", sorted(SECRET_WORDS))
def test_a_name_with_a_secret_word_is_secret(word: str) -> None:
    """A secret word counts as a whole word, in any case, with `_` or `-`."""
    names = [
        word,
        word.lower(),
        f"MY_{word}",
        f"{word}_2",
        f"--my-{word.lower().replace('_', '-')}",
    ]
    assert [name for name in names if not is_secret_name(name)] == []
    assert [name for name in (f"{word}S", f"MY{word}", f"{word}2") if is_secret_name(name)] == []


BROKEN = [
    ("type=gha,token=a,b,c=d", "type=gha,token=***"),
    ("type=gha,token=a,,b", "type=gha,token=***"),
    ('type=gha,token=a,b"c', "type=gha,token=***"),
    ('type=gha,token=a,"b",c=d', "type=gha,token=***"),
    ('type=gha,token=a"b,c=d', "type=gha,token=***"),
    ('type=gha,"token=a"b,c=d', 'type=gha,"token=***'),
    ('type=gha,"token=a",b', 'type=gha,"token=***'),
    ('type=gha,"token=a,c=d', 'type=gha,"token=***'),
    ('url=https://x"?a,b', 'url=https://x"?***'),
    ('url=https://x"y', 'url=https://x"y'),
    ('"url=https://x"?a,b', '"url=https://x"?***'),
    ("url=https://x?a,b,c=d", "url=https://x?***"),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN, ids=[text for text, _ in BROKEN])
def test_a_broken_secret_is_masked_to_its_end(text: str, expected: str) -> None:
    """In an entry that is broken right after a secret, what follows may belong to it."""
    assert masked(text) == expected


def test_masked_part() -> None:
    """A part of a text is shown if the masked text contains it, also as CSV."""
    whole = 'type=x,"a""b",token=abc,url=https://h?sig=def'
    assert [masked_part(part, whole) for part in ('a"b', "abc", "sig=def", "url")] == [
        'a"b',
        "***",
        "***",
        "url",
    ]


MARKER = "hunter2"
SECRETS = [
    *(f"type=s3,{field}={MARKER},name=x" for field in sorted(SECRET_FIELDS)),
    *(f"type=gha,{field}=https://host/a?sig={MARKER},name=x" for field in sorted(URL_FIELDS)),
    *(f"type=gha,{field}=https://me:{MARKER}@host/a" for field in sorted(URL_FIELDS)),
    f'type=gha,"url=https://host/a,b?sig={MARKER}"',
    f'type=gha,"url=https://host/""?sig={MARKER}',
    f"TYPE=gha,TO\u212aEN={MARKER}",
    f"type=gha,token=Aa,{MARKER}",
    f'type=gha,"token=A"{MARKER}',
    f'type=gha,token="{MARKER}",x=1',
    f"type=s3,endpoint_url=https://me:A,{MARKER}@host",
    f"type=registry,ref=https://me:{MARKER}@host/a",
    f"https://me:{MARKER}@host/a",
    f"TOKEN={MARKER}",
    f"url=Host/a?sig={MARKER}",
    f"https_proxy=me:{MARKER}@proxy",
    f"NO_PROXY=http://me:{MARKER}@proxy",
    f"token={MARKER}",
]
DOORS: dict[str, Callable[[str], object]] = {
    "parse_entries": lambda text: parse_entries([text]),
    "Reference": Reference.parse,
    "name": lambda text: FunctionSpec(name=text),
    "image": lambda text: FunctionSpec.from_mapping(
        "fn", {"image": text, "output": text, "context": text}
    ),
    "setting": lambda text: FunctionSpec.from_mapping("fn", {"build_cache": text}),
    "from": lambda text: FunctionSpec.from_mapping(
        "fn", {"build_cache": {"from": [text], "to": [{text: text}]}}
    ),
    "args": lambda text: FunctionSpec.from_mapping(
        "fn", {"build_args": {text: text}, "build_secrets": {"id": text}}
    ),
    "lists": lambda text: FunctionSpec.from_mapping(
        "fn", {"builder_flags": [text], "ssh": text, "extra_tags": [text]}
    ),
    "unknown": lambda text: FunctionSpec.from_mapping("fn", {text: 1}),
    "long": lambda text: FunctionSpec.from_mapping("fn", {f"{text}{'x' * 60}@host": 1}),
    "list": lambda text: FunctionSpec.from_mapping("fn", {"build_options": text}),
    "pair": lambda text: FunctionSpec.from_mapping("fn", {"build_args": {text: []}}),
    "boolean": lambda text: FunctionSpec.from_mapping("fn", {"pull": text}),
    "flags": lambda text: CacheFlags(cache_from=[text], cache_to=[text], scope=text),
    "flag": lambda text: CacheFlags(build_cache={"to": [text]}),
    "location": lambda text: Location(path=(text,), file="stack.yaml"),
}


@pytest.mark.parametrize("text", SECRETS)
@pytest.mark.parametrize("door", DOORS)
def test_no_secret_in_any_repr(door: str, text: str) -> None:
    """A secret is in no repr of a value or its diagnostics, and in no error."""
    try:
        value = DOORS[door](text)
    except FaasCacheError as fault:
        words = repr(fault) + str(fault)
    else:
        words = (
            repr(value)
            + repr(getattr(value, "diagnostics", ""))
            + repr(getattr(value, "attrs", ""))
        )
    assert MARKER not in words.lower()


odd = st.text(st.sampled_from(',"x \n?/'), max_size=6)
after = st.sampled_from(["", ",mode=max", ',"a=b,c"', ",x"])


@given(st.sampled_from(["token", "TOKEN", " token", "secret_access_key", "url"]), odd, odd, after)
def test_no_secret_is_shown_however_it_is_quoted(
    key: str, before: str, behind: str, rest: str
) -> None:
    """A secret between any characters is not shown: quoted, not quoted, or half quoted."""
    url = "https://host?" if key == "url" else ""
    field = f"{key}={url}{before}{MARKER}{behind}"
    for text in (
        f"type=gha,{field}{rest}",
        f"type=gha,{csv_field(field)}{rest}",
        f'type=gha,"{field}{rest}',
    ):
        try:
            words = repr(parse_entries([text]))
        except FaasCacheError as fault:
            words = repr(fault) + str(fault)
        assert MARKER not in words


HOSTILE = {
    piece: piece * (250_000 // len(piece)) + tail
    for piece in (
        "url=",
        "token=",
        'token="',
        '"token=""',
        "http_proxy=",
        "://",
        "=@",
        'url="',
        "token=,",
        ",",
        '"',
        " ",
        "NPM_TOKEN=",
        'A_SECRET="\\',
        "A_PASSWORD='",
        " API_KEY",
        "API_KEY ",
        "token -",
        "https://",
        "https://host?",
    )
    for tail in ("@=? ?",)
}


@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_hostile_texts_are_masked(piece: str) -> None:
    """Masking ends, whatever is repeated."""
    text = HOSTILE[piece]
    assert max(len(masked(text)), len(masked_message(text))) <= len(text) + 1_000_000


@given(st.text())
def test_a_text_without_secrets_is_kept(text: str) -> None:
    """A text without `=` and `@` is not changed."""
    plain = text.replace("=", "").replace("@", "")
    assert (masked(plain), shown(plain)) == (plain, repr(plain))
