"""The report of a run, made from its plan and its journal alone. Neither holds a secret, so it holds none."""

from __future__ import annotations

from typing import Literal

from loomtui.restore.record.run_store import Run
from loomtui.restore.report.aftermath import Ending, Todo, TodoKind, ending_of, still_to_do
from loomtui.restore.report.chronicle import Chronicle, chronicle_of
from loomtui.restore.report.timing import StepTiming, Timings, timings

__all__ = [
    "Chronicle",
    "Ending",
    "Form",
    "StepTiming",
    "Timings",
    "Todo",
    "TodoKind",
    "chronicle_of",
    "ending_of",
    "render",
    "still_to_do",
    "timings",
]

Form = Literal["md", "json", "html"]


def render(run: Run, form: Form) -> str:
    """Raises nothing, whatever a journal may hold. A damaged journal is told as far as it goes."""
    from loomtui.restore.report.markdown import markdown
    from loomtui.restore.report.page import page
    from loomtui.restore.report.run_document import document

    chronicle = chronicle_of(run)
    return {"md": markdown, "json": document, "html": page}[form](chronicle)
