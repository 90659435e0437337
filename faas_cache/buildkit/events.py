from __future__ import annotations
from typing import TypeAlias
import attrs
from faas_cache.buildkit.progress import Step
@attrs.frozen(kw_only=True)
class Output:
    function: str
    data: bytes
@attrs.frozen(kw_only=True)
class StepProgress:
    function: str
@attrs.frozen(kw_only=True)
class StepFinished:
    function: str
    step: Step
Event: TypeAlias = Output | StepProgress | StepFinished
