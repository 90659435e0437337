from __future__ import annotations
from collections.abc import Mapping
from faas_cache.buildkit.events import Event, Output, StepFinished
from faas_cache.buildkit.progress import Progress
class EventReader:
    def __init__(self, function: str, targets: Mapping[str, str] | None = None) -> None:
        self.function, self.targets, self.p = function, targets, Progress()
    def feed(self, block: bytes) -> list[Event]:
        return [Output(function=self.function, data=x) for x in self.p.feed(block)]
    def close(self) -> list[Event]:
        out: list[Event] = [Output(function=self.function, data=x) for x in self.p.close()]
        reps = self.p.reports(self.targets) if self.targets else (self.p.report(self.function),)
        return out + [StepFinished(function=r.function, step=s) for r in reps for s in r.steps]
