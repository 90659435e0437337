from __future__ import annotations
from faas_cache.buildkit.events import Event, Output
class LineFormatter:
    def format(self, event: Event) -> bytes:
        return event.data if isinstance(event, Output) else b""
