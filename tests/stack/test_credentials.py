"""`secret-in-file`: credentials in the text of a stack file, with their locations."""

import pytest

from faas_cache.stack.credentials import ALTERNATIVES
from faas_cache.stack.stack_file import Stack

HEAD = "provider: {name: openfaas}\nfunctions:\n"
S3 = "type=s3,bucket=b,region=r,secret_access_key"


def secrets(
    text: str, environ: dict[str, str] | None = None, *, envsubst: bool = True
) -> list[tuple[str, str]]:
    """The location and the hint of each warning about a credential."""
    stack = Stack.loads(HEAD + text, environ or {}, envsubst=envsubst)
    assert all("hunter2" not in str(d) for d in stack.diagnostics)
    return [(str(d.location), d.hint) for d in stack.diagnostics if d.name == "secret-in-file"]


FOUND = [
    ("s3", f"{{to: ['{S3}=hunter2']}}", "3:39: functions.fn.build_cache.to[0]", "s3"),
    ("one-entry", f"{{to: '{S3}=hunter2'}}", "3:34: functions.fn.build_cache.to", "s3"),
    (
        "token",
        "{from: ['type=gha,token=hunter2']}",
        "3:41: functions.fn.build_cache.from[0]",
        "token",
    ),
    (
        "ghtoken",
        "{to: ['type=gha,ghtoken=hunter2']}",
        "3:39: functions.fn.build_cache.to[0]",
        "ghtoken",
    ),
    (
        "azblob",
        "{to: ['type=azblob,secret_access_key=hunter2']}",
        "3:39: functions.fn.build_cache.to[0]",
        "azblob",
    ),
    (
        "other",
        "{to: ['type=x,secret_access_key=hunter2']}",
        "3:39: functions.fn.build_cache.to[0]",
        "url",
    ),
    (
        "signature",
        "{to: ['type=azblob,account_url=https://x/?sig=hunter2']}",
        "3:39: functions.fn.build_cache.to[0]",
        "url",
    ),
    (
        "proxy",
        "max, build_args: {A: b, HTTP_PROXY: 'http://me:hunter2@p'}",
        "3:57: functions.fn.build_args.HTTP_PROXY",
        "proxy",
    ),
    (
        "argument",
        "max, build_args: {URL: 'http://me:hunter2@p'}",
        "3:51: functions.fn.build_args.URL",
        "argument",
    ),
]


@pytest.mark.parametrize(
    ("setting", "location", "alternative"),
    [row[1:] for row in FOUND],
    ids=[row[0] for row in FOUND],
)
def test_a_credential_in_the_file(setting: str, location: str, alternative: str) -> None:
    """Each has a hint for what to do instead."""
    assert secrets(f"  fn: {{image: a/b, build_cache: {setting}}}\n") == [
        (location, ALTERNATIVES[alternative])
    ]


SPARED = [
    ("variable", f"{{to: ['{S3}=${{KEY}}']}}"),
    ("two-variables", "max, build_args: {URL: 'http://${USER}:${KEY}@p'}"),
    ("no-value", f"{{to: ['{S3}=']}}"),
    ("no-credential", "{to: ['type=azblob,account_url=https://x/']}"),
    ("invalid-entry", "{to: ['type=gha,token', 'a=b\"']}"),
    ("no-entry", "{to: [~, [a]], from: ~}"),
    ("no-setting", "~, build_args: {URL: 'http://me:hunter2@p'}"),
]


@pytest.mark.parametrize("setting", [row[1] for row in SPARED], ids=[row[0] for row in SPARED])
def test_what_is_not_a_credential_in_the_file(setting: str) -> None:
    """Variables, empty values, other errors, and functions without a cache."""
    environ = {"KEY": "hunter2", "USER": "me"}
    assert secrets(f"  fn: {{image: a/b, build_cache: {setting}}}\n", environ) == []


def test_without_substitution_a_variable_is_not_a_credential() -> None:
    """`${…}` is no value then."""
    text = f"  fn: {{build_cache: {{to: ['{S3}=${{KEY}}']}}}}\n"
    assert secrets(text, envsubst=False) == []


@pytest.mark.parametrize("value", ["${KEY:-hunter2}", "hunter2${GONE}", "hunter2,name=${NAME}"])
def test_a_credential_beside_a_variable_is_in_the_file(value: str) -> None:
    """A default is written in the file, and so is a value beside a variable."""
    text = f"  fn: {{build_cache: {{to: ['{S3}={value}']}}}}\n"
    assert [location for location, _ in secrets(text, {"NAME": "n"})] == [
        "3:27: functions.fn.build_cache.to[0]"
    ]


def test_a_credential_behind_an_alias_of_a_variable() -> None:
    """The variable is where the anchor is."""
    text = "  x: {handler: &k '${KEY}', build_cache: max, build_args: {http_proxy: *k}}\n"
    assert secrets(text, {"KEY": "http://me:hunter2@p"}) == []
