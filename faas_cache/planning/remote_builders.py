"""The remote builder of faas-cli: it does not support a cache, so it is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from faas_cache.model.diagnostics import Diagnostic, Location

__all__ = ["REMOTE_BUILDER", "check_remote_builder", "refuse_remote_builder"]

# The variable that makes `faas-cli build` and `publish` use a remote builder.
REMOTE_BUILDER = "OPENFAAS_REMOTE_BUILDER"


def refuse_remote_builder(name: str, hint: str = "remove it") -> Diagnostic:
    """The error for a flag or a variable of the remote builder.

    >>> refuse_remote_builder("--remote-builder").message
    'a remote build carries no cache, so `--remote-builder` is not supported'
    """
    return Diagnostic(
        name="remote-builder",
        message=f"a remote build carries no cache, so `{name}` is not supported",
        hint=f"{hint}, and name a buildx builder with `--builder`",
        location=Location(path=(name,)),
    )


def check_remote_builder(environ: Mapping[str, str] | None) -> Iterator[Diagnostic]:
    """The error where the environment asks for a remote builder: no other builder must be used."""
    if environ is not None and environ.get(REMOTE_BUILDER):
        yield refuse_remote_builder(REMOTE_BUILDER, f"unset `{REMOTE_BUILDER}`")
