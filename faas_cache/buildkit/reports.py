from __future__ import annotations
from faas_cache.buildkit.events import Event, StepFinished
from faas_cache.buildkit.progress import CacheReport as CacheReport, Step as Step
class ReportBuilder:
    def __init__(self) -> None:
        self.e: list[Event] = []
    def add(self, event: Event) -> None:
        self.e.append(event)
    def report(self) -> CacheReport:
        return CacheReport(function=self.e[0].function, steps=tuple(x.step for x in self.e if isinstance(x, StepFinished)))
