"""What is a secret, and that it is shown nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faas_cache.mapping import FrozenMap
from faas_cache.masking import fold, masked, masked_value, shown

CASES = [
    ("type=gha,token=abc,mode=max", "type=gha,token=***,mode=max"),
    ('type=s3,"secret_access_key=a,b",x=1', 'type=s3,"secret_access_key=***",x=1'),
    ('type=s3,session_token="a,b",x=1', "type=s3,session_token=***"),
    ("type=gha,ghtoken=a,TOKEN=b", "type=gha,ghtoken=***,TOKEN=***"),
    ("type=azblob,account_url=https://x/?sig=a&b=c,name=n", "type=azblob,account_url=https://x/?***,name=n"),
    ("type=gha,url=https://me:pw@x/y", "type=gha,url=https://***@x/y"),
    ("http_proxy=me:pw@proxy:1", "http_proxy=***@proxy:1"),
    ("HTTPS_PROXY=http://me:pw@proxy:1", "HTTPS_PROXY=http://***@proxy:1"),
    ("NPM_TOKENS=x", "NPM_TOKENS=x"),
    ("git+https://github.com/a/b@v1", "git+https://github.com/a/b@v1"),
    ("a/b@sha256:0", "a/b@sha256:0"),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_masked(text: str, expected: str) -> None:
    """Secrets are masked and nothing else is, and masking twice is masking once."""
    assert (masked(text), masked(expected)) == (expected, expected)


VALUES = [
    ("token", "x", "***"),
    ("Session_Token", "x", "***"),
    ("url_v2", "https://x/?sig=a", "https://x/?***"),
    ("no_proxy", "me:pw@x", "***@x"),
    ("other", "https://me:pw@x", "https://***@x"),
    ("other", "x", "x"),
]


@pytest.mark.parametrize(("key", "value", "expected"), VALUES)
def test_masked_value(key: str, value: str, expected: str) -> None:
    """A value is masked by the name of its field or variable."""
    assert masked_value(key, value) == expected


def test_shown_goes_into_tuples_and_mappings() -> None:
    """A repr masks texts however deep they stand."""
    value = (FrozenMap({"token": "hunter2", "from": ("type=gha,token=hunter2",)}), 1)
    assert shown(value) == "({'token': '***', 'from': ('type=gha,token=***',)}, 1)"


@given(st.text())
def test_fold_is_one_to_one(key: str) -> None:
    """Keys are folded rune by rune, so positions stay."""
    assert len(fold(key)) == len(key)
    assert fold(key.swapcase() if key.isascii() else key) == fold(key)
