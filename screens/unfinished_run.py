"""What the app offers at its start if a restore of this cluster is unfinished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loomtui.wording.quantities import time_of
from loomtui.wording.states import STEP_TITLES
from screens.input import keys
from screens.modals.ask import ChoiceDialog

if TYPE_CHECKING:
    from textual.app import App

    from loomtui.restore.record.run_store import RunSummary
    from screens.navigation import RunNavigation


def offer(app: App[Any], runs: RunNavigation, run: RunSummary) -> None:
    """Offers to go on with it or roll it back, or to watch it if somebody works on it."""
    if run.at_work:
        _offer_to_watch(app, runs, run)
    else:
        _offer_ways_on(app, runs, run)


def _offer_ways_on(app: App[Any], runs: RunNavigation, run: RunSummary) -> None:
    def go_on(answer: str | None) -> None:
        if answer == "resume":
            runs.resume_run(run.id)
        elif answer == "roll-back":
            runs.roll_back_run(run.id)

    runs_key = keys.name("app.runs")
    step = STEP_TITLES[run.last_step] if run.last_step else "its beginning"
    app.push_screen(
        ChoiceDialog(
            "An unfinished restore",
            f"The restore {run.id} of {time_of(run.started_at)} stopped at: {step}. "
            "Its nodes may be stopped and held.",
            (
                ("", "Look first", f"nothing happens; {runs_key} lists the runs, from where you can go on"),
                ("resume", "Resume it", "goes on where it stood; each step is shown and asked for"),
                ("roll-back", "Roll it back", "puts back what was there before; wants the cluster's name"),
            ),
        ),
        go_on,
    )


def _offer_to_watch(app: App[Any], runs: RunNavigation, run: RunSummary) -> None:
    app.push_screen(
        ChoiceDialog(
            "A restore is going on",
            f"Another loomtui on this machine works on {run.id}, begun {time_of(run.started_at)} by "
            f"{run.operator}.",
            (
                ("", "Look at the cluster", f"nothing happens; {keys.name('app.runs')} lists the runs"),
                ("watch", "Watch it", "you see its steps; decisions are taken there"),
            ),
        ),
        lambda answer: runs.watch_run(run.id) if answer == "watch" else None,
    )
