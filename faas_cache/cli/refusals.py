"""Flags of faas-cli that are not supported, each with what to do instead."""

from __future__ import annotations

from faas_cache.model.diagnostics import Diagnostic
from faas_cache.planning.remote_builders import refuse_remote_builder

__all__ = ["refused_flag"]

_REMOTE = frozenset({"--remote-builder", "--payload-secret", "--builder-public-key"})
_RESET_QEMU = Diagnostic(
    name="invalid-argument",
    message="`--reset-qemu` is not supported, because it changes the kernel of this machine",
    hint="run `docker run --rm --privileged multiarch/qemu-user-static --reset -p yes` before",
)


def refused_flag(name: str) -> Diagnostic | None:
    """The error for a flag of faas-cli that is not supported; `None` for any other."""
    if name in _REMOTE:
        return refuse_remote_builder(name)
    return _RESET_QEMU if name == "--reset-qemu" else None
