"""`secret-in-file`: the credentials that are written in a stack file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from faas_cache.model.diagnostics import Diagnostic, KeyPath, Location
from faas_cache.model.entries import parse_entries
from faas_cache.model.errors import InvalidEntry
from faas_cache.model.masking import SECRET_FIELDS, masked, masked_value
from faas_cache.model.specs import FunctionSpec
from faas_cache.stack.values import Document

__all__ = ["ALTERNATIVES", "Credential", "credentials", "written_credentials"]

# What to do instead of writing a credential into the file, by the field, or by the type of the
# entry.
ALTERNATIVES = {
    "token": "leave it out, because buildx reads ACTIONS_RUNTIME_TOKEN from the environment",
    "ghtoken": "pass the whole entry with `--cache-to`, from a secret of the repository",
    "access_key_id": (
        "leave it out, because buildx reads AWS_ACCESS_KEY_ID, a profile or a role from the"
        " environment"
    ),
    "session_token": (
        "leave it out, because buildx reads AWS_SESSION_TOKEN, a profile or a role from the"
        " environment"
    ),
    "s3": (
        "leave it out, because buildx reads AWS_SECRET_ACCESS_KEY, a profile or a role from the"
        " environment"
    ),
    "azblob": (
        "leave it out, because the daemon uses a managed identity or AZURE_CLIENT_SECRET from its"
        " own environment"
    ),
    "url": (
        "remove the credential from the URL, or pass the entry with a flag, from a secret of the CI"
        " system"
    ),
    "proxy": "leave it out, because docker reads proxies from `proxies` in its config.json",
    "argument": (
        "use `build_secrets` and mount the secret where it is needed, because a build argument"
        " stays in the history of the image"
    ),
}
_SHOWN = 60


class Credential:
    """A credential of a function: its key path, the name of its field, and an alternative."""

    __slots__ = ("alternative", "name", "path", "value")

    def __init__(self, path: KeyPath, name: str, value: str, alternative: str) -> None:
        self.path: KeyPath = path
        self.name: str = name
        self.value: str = value
        self.alternative: str = alternative


def credentials(specs: Iterable[FunctionSpec]) -> Iterator[Credential]:
    """The credentials in the cache entries and build arguments of functions with `build_cache`."""
    for spec in specs:
        if spec.build_cache is not None or spec.default_cache is not None:
            yield from _in_entries(spec)
            yield from _in_arguments(spec)


def written_credentials(specs: Iterable[FunctionSpec], document: Document) -> Iterator[Diagnostic]:
    """Warnings about the credentials in the text of a file.

    A credential that a `${…}` inserts is not in the file. This is decided before flags are applied.
    """
    # A credential of the default is in the entries of several functions, and written once.
    for credential in {c.path: c for c in credentials(specs)}.values():
        if not _is_inserted(credential, document):
            name = masked(credential.name)[:_SHOWN]
            yield Diagnostic(
                name="secret-in-file",
                severity="warning",
                message=f"the value of `{name}` is a credential in plain text",
                hint=credential.alternative,
                location=Location(path=credential.path),
            )


def _in_entries(spec: FunctionSpec) -> Iterator[Credential]:
    setting = spec.build_cache
    top: KeyPath = ("functions", spec.name, "build_cache")
    if setting is None:  # D9
        setting, top = spec.default_cache, ("configuration", "build_cache")
    if not isinstance(setting, dict):
        return
    for side in ("from", "to"):
        entries = setting.get(side)
        path: KeyPath = (*top, side)
        for index, text in enumerate(entries if isinstance(entries, tuple) else (entries,)):
            here = (*path, index) if isinstance(entries, tuple) else path
            yield from _in_entry(text, here) if isinstance(text, str) else ()


def _in_entry(text: str, path: KeyPath) -> Iterator[Credential]:
    if "=" not in text and "@" not in text:  # references without fields and users
        return
    try:
        entries = parse_entries(text)
    except InvalidEntry:  # reported by the rules for entries
        return
    for entry in entries:
        for key, value in entry.attrs.items():
            if _is_credential(key, value):
                kind = entry.type if key in SECRET_FIELDS else "url"
                alternative = ALTERNATIVES.get(key) or ALTERNATIVES.get(kind) or ALTERNATIVES["url"]
                yield Credential(path, key, value, alternative)


def _in_arguments(spec: FunctionSpec) -> Iterator[Credential]:
    for key, value in spec.build_args.items():
        if _is_credential(key, value):
            kind = "proxy" if key.lower().endswith("_proxy") else "argument"
            path: KeyPath = ("functions", spec.name, "build_args", key)
            yield Credential(path, key, value, ALTERNATIVES[kind])


def _is_credential(key: str, value: str) -> bool:
    """Whether masking hides a value; a `${…}` that was not replaced is not a value."""
    return bool(value) and "${" not in value and masked_value(key, value) != value


def _is_inserted(credential: Credential, document: Document) -> bool:
    """Whether variables insert a credential that the source does not contain literally."""
    _, start, end = document.marks.find(credential.path)
    substitution = document.substitution
    if not substitution.replaced_within(start, end):
        return False
    return credential.value not in substitution.source_slice(start, end)
