"""`SecretValues`: masks secret values in the output of builders.

A builder prints the values of build arguments: in the names of steps, in errors, and where a
command of the Dockerfile does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from faas_cache.buildkit.events import Event, Output, StepFinished, StepProgress, StepStarted
from faas_cache.model.masking import MASK, is_secret_name
from faas_cache.planning.builder_flags import build_arguments
from faas_cache.planning.plan import BuildPlan

__all__ = ["NO_SECRETS", "SecretStream", "SecretValues"]

# Shorter values, such as `true`, are words of every log; GitLab masks none below 8 characters.
_MIN_LENGTH = 6
# Longer values are masked in pieces of this size, so that little output is held back.
_PIECE = 2**10


class SecretValues:
    """The values of build arguments whose names make them secrets, and how they are masked."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        lines = {line.strip() for value in values for line in value.splitlines()}
        texts = {line.encode(errors="surrogateescape") for line in lines}
        pieces = {piece for text in texts if len(text) >= _MIN_LENGTH for piece in _pieces(text)}
        found = sorted(pieces, key=len, reverse=True)
        self._longest = len(found[0]) if found else 0
        self._heads: dict[bytes, list[bytes]] = {}
        for value in found:
            self._heads.setdefault(value[:_MIN_LENGTH], []).append(value)
        self._pattern = re.compile(b"|".join(map(re.escape, found))) if found else None

    @classmethod
    def of(cls, plans: Iterable[BuildPlan], environ: Mapping[str, str]) -> SecretValues:
        """Those of some plans; `environ` has the values of arguments that are passed by name."""
        items = (item for plan in plans for item in build_arguments(plan, environ).items())
        return cls(value for name, value in items if is_secret_name(name))

    def __bool__(self) -> bool:
        return self._pattern is not None

    def mask(self, data: bytes) -> bytes:
        """The data without the values."""
        return data if self._pattern is None else self._pattern.sub(MASK.encode(), data)

    def mask_event(self, event: Event) -> Event:
        """The event without the values."""
        if self._pattern is None:
            return event
        if isinstance(event, Output):
            return attrs.evolve(event, data=self.mask(event.data))
        if isinstance(event, StepStarted):
            return attrs.evolve(event, name=self._mask_text(event.name))
        if isinstance(event, StepProgress):
            return attrs.evolve(event, status=self._mask_text(event.status))
        if isinstance(event, StepFinished):
            return attrs.evolve(event, error=self._mask_text(event.error))
        return event

    def _mask_text(self, text: str) -> str:
        data = text.encode(errors="surrogatepass")
        return self.mask(data).decode(errors="surrogatepass")

    def settled(self, data: bytes) -> int:
        """How many bytes of the data are masked alike whatever follows them.

        What follows may complete a value, or make a value that is complete a longer one.
        """
        for size in range(min(self._longest - 1, len(data)), 0, -1):
            end = data[-size:]
            values: Sequence[bytes] = self._heads.get(end[:_MIN_LENGTH], ())
            if size < _MIN_LENGTH:
                values = tuple(self._heads)
            if any(len(value) > size and value.startswith(end) for value in values):
                start = len(data) - size
                if not self._is_within_value(data, start):
                    return start
        return len(data)

    def _is_within_value(self, data: bytes, start: int) -> bool:
        """Whether a position is in the middle of a value, which is masked as a whole."""
        matches = () if self._pattern is None else self._pattern.finditer(data)
        return any(match.start() < start < match.end() for match in matches)


def _pieces(text: bytes) -> Iterator[bytes]:
    """The text in pieces that are masked one by one; no piece is too short for that."""
    start = 0
    while len(text) - start >= _PIECE + _MIN_LENGTH:
        yield text[start : start + _PIECE]
        start += _PIECE
    yield text[start:]


class SecretStream:
    """Masks output that comes in blocks, which may end within a value."""

    def __init__(self, secrets: SecretValues) -> None:
        self._secrets = secrets
        self._rest = b""

    def feed(self, block: bytes) -> bytes:
        """What can be shown so far."""
        data = self._rest + block
        size = self._secrets.settled(data)
        self._rest = data[size:]
        return self._secrets.mask(data[:size])

    def close(self) -> bytes:
        """What was held back."""
        rest, self._rest = self._rest, b""
        return self._secrets.mask(rest)


NO_SECRETS = SecretValues()
