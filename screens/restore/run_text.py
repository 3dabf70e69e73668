"""What the restore screen says at each moment, and which keys it has then. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from textual.content import Content

from loomtui.errors import LoomtuiError
from loomtui.restore.events import Event, EventKind, Outcome, StepName
from loomtui.restore.record.left_out import but_for
from loomtui.restore.report import Ending, TodoKind
from loomtui.restore.report.estimates import Estimate
from loomtui.restore.running.operator import FailureQuestion, OnFailure
from loomtui.restore.running.task_failures import CLUSTER
from loomtui.wording.objectives import STANDING_GRADES
from loomtui.wording.quantities import count, joined, size, span
from loomtui.wording.states import STEP_TITLES
from screens.diff.diff_text import Page, page
from screens.modals.text import error_text
from screens.restore.next_panel import Choice
from screens.restore.plan_text import completed_page, offer_of, summary
from screens.restore.preview_text import NO_FOLDERS, Folders, has_paths, nodes_text, previews_page
from screens.restore.run_view import STEPS, RunView, TaskState
from screens.restore.screen_operator import (
    PlanQuestion,
    Question,
    StepQuestion,
    UnitQuestion,
)
from screens.text import content
from screens.text.words import OUTCOME_MARKS, Tone, tone_of

#: Steps whose carrying out wants the cluster's name typed: services stop, live data is swapped.
TYPED_STEPS = frozenset({StepName.STOP, StepName.DATA})

#: What the key for a step says besides; the others change something that can be undone.
HARMLESS_STEPS = {
    StepName.PREFLIGHT: "the services go on running",
    StepName.NODE_KEYS: "only looks, changes nothing",
    StepName.VERIFY: "only looks, changes nothing",
}

_EVIDENCE = 6
_NAME_NOW = "asks for the cluster's name"
_NAME_ONCE = "the cluster's name is typed once"


@dataclass(frozen=True)
class Guidance:
    """The text for the panel at the bottom. `actions` are the only ones that are there now."""

    headline: str
    choices: tuple[Choice, ...]
    actions: frozenset[str]
    detail: str = ""
    urgent: bool = False


@dataclass(frozen=True)
class RunUiState:
    """All that decides what is said."""

    question: Question | None
    busy: bool
    view: RunView
    error: LoomtuiError | None
    run_id: str
    now: datetime
    effect: str = ""  # of the step that is asked about
    undo: str = ""
    estimate: Estimate | None = None  # of the step that is asked about, or goes on
    watching: bool = False  # another process works on it
    consented: bool = False  # the cluster's name was typed under all that the plan does
    carries_on: bool = False  # only what the plan does not show is asked about
    too_quick: bool = False  # a key was passed over, and what is typed behind it leads nowhere
    folders: Folders = NO_FOLDERS  # by which paths in previews are told
    ending: Ending | None = None  # of a run that is over
    cleaning: bool = False  # what it replaced is being deleted


_TOO_QUICK = (
    "That was quick, and nothing came of it. Read what is asked now, wait a moment, then press the key."
)
_STOP = Choice("run.stop", "stop here", "the run can be resumed later")
_REPORT = Choice("run.report", "read the report")


def guidance_for(state: RunUiState) -> Guidance:
    said = _guidance_for(state)
    return replace(said, headline=_TOO_QUICK, detail=said.headline) if state.too_quick else said


def _guidance_for(state: RunUiState) -> Guidance:
    if state.watching:
        return _watched_guidance(state)
    question = state.question
    if isinstance(question, StepQuestion):
        return _step_guidance(state, question)
    if isinstance(question, PlanQuestion):
        return _plan_guidance(state, question)
    if isinstance(question, UnitQuestion):
        return _unit_guidance(question)
    if isinstance(question, FailureQuestion):
        return _failure_guidance(question, state.view)
    if state.busy:
        return _running_guidance(state)
    return _ended_guidance(state)


def _roll_back(view: RunView) -> Choice:
    back = "puts back what was there before the run"
    return Choice("run.rollback", "roll back", f"{back}{_but_what_is_gone(view)}")


def _but_what_is_gone(view: RunView) -> str:
    return f", but not the old data of {joined(view.given_up)}" if view.given_up else ""


def something_changed(view: RunView) -> bool:
    """Whether there is anything that a rollback could put back."""
    changing = (step for step in STEPS if step not in HARMLESS_STEPS)
    return any(view.tasks[step] for step in changing)


def lost_text(question: StepQuestion) -> str:
    """What the step takes away for good, node by node; empty if it can all be undone."""
    lost = [f"On {preview.node}, {preview.lost}." for preview in question.previews.values() if preview.lost]
    return " ".join([*lost, "No rollback brings that back."]) if lost else ""


def needs_name(question: StepQuestion, *, consented: bool) -> bool:
    """Once in a run, before the first of these steps."""
    undone = [preview for preview in question.previews.values() if not preview.already]
    return question.step in TYPED_STEPS and bool(undone) and not consented


def _carry_on(state: RunUiState) -> Choice:
    how = "asks only about what the plan does not show"
    return Choice("run.carry_on", "carry out all that is left", how if state.consented else _NAME_ONCE)


def _step_guidance(state: RunUiState, question: StepQuestion) -> Guidance:
    number = STEPS.index(question.step) + 1
    undone = [name for name, preview in question.previews.items() if not preview.already]
    place = f"on {nodes_text(undone, len(question.previews))}" if undone else "it is so already on every node"
    name_hint = _NAME_NOW if needs_name(question, consented=state.consented) else ""
    consequence = HARMLESS_STEPS.get(question.step, name_hint)
    choices = [
        Choice("run.go", f"carry out step {number}: {STEP_TITLES[question.step].lower()}", consequence),
        _carry_on(state),
        _STOP,
    ]
    actions = {"go_on", "carry_on", "stop_here", "toggle_view"}
    if something_changed(state.view):
        choices.append(_roll_back(state.view))
        actions.add("roll_back")
    return Guidance(
        f"Step {number} of 8, {STEP_TITLES[question.step].lower()}: {place}. It waits for you.",
        tuple(choices),
        frozenset(actions),
        " ".join(
            filter(
                None,
                (
                    state.effect,
                    duration_text(state.estimate) if undone else "",
                    lost_text(question) or (state.undo and f"Undo: {state.undo}"),
                ),
            )
        ),
        urgent=True,
    )


def duration_text(estimate: Estimate | None) -> str:
    """How long a step will take, and how that is known."""
    if estimate is None:
        return "No earlier run tells how long it takes."
    source = "the last run" if estimate.runs == 1 else f"the last {estimate.runs} runs"
    rate_text = f", {size(estimate.bytes_per_second)}/s" if estimate.bytes_per_second else ""
    return f"It takes about {span(max(1.0, estimate.seconds))} (by {source}{rate_text})."


def time_left(state: RunUiState) -> str:
    """Judged by what is moved now if that is counted, else by earlier runs; empty if it is not known."""
    step = state.view.current
    if step is None:
        return ""
    running = [task for task in state.view.tasks_of(step) if task.state is TaskState.RUNNING]
    measured = [task for task in running if task.total and task.bytes_per_second]
    if running and len(measured) == len(running):
        seconds_left = max((task.total - task.done) / (task.bytes_per_second or 1.0) for task in measured)
        return f" About {span(seconds_left)} left."
    time_taken = state.view.time_taken(step, state.now)
    if state.estimate is None or time_taken is None:
        return ""
    seconds_left = state.estimate.seconds - time_taken.total_seconds()
    return (
        f" About {span(seconds_left)} left."
        if seconds_left >= 1
        else " It takes longer than in earlier runs."
    )


def _plan_guidance(state: RunUiState, question: PlanQuestion) -> Guidance:
    """Services still run: whatever is answered, nothing is stopped by it."""
    stop = Choice("run.stop", "stop here", "no service was stopped; what is unpacked stays for the next plan")
    offer = offer_of(question.completed)
    if offer is not None:
        allow = Choice("run.consent", offer.verb, "completes the plan with it, and shows it again")
        return Guidance(
            "The nodes have unpacked the data. As it is, the plan must not be run. There is one safe way:",
            (allow, stop),
            frozenset({"consent", "stop_here", "toggle_view"}),
            f"{offer.effect} {offer.danger}",
            urgent=True,
        )
    if question.completed.refusals:
        return Guidance(
            "The nodes have unpacked the data, and this plan must not be run: see above why.",
            (stop,),
            frozenset({"stop_here", "toggle_view"}),
            urgent=True,
        )
    return Guidance(
        f"The nodes have unpacked the data. Read the complete plan ({summary(question.completed)}).",
        (
            Choice("run.go", "go on with this plan", "the next step is asked for; no service was stopped"),
            _carry_on(state),
            stop,
        ),
        frozenset({"go_on", "carry_on", "stop_here", "toggle_view"}),
        urgent=True,
    )


def _unit_guidance(question: UnitQuestion) -> Guidance:
    how = "you edited it, shown" if question.edit else "shown"
    which = "again" if question.edit else "first"
    consequence = (
        "not this one, for a reason" if question.draft.locked else "you see the difference, then decide"
    )
    return Guidance(
        f"May the unit of {question.node} be changed as {how} above?",
        (
            Choice("run.go", f"yes, change {question.node}'s unit", "the old file is kept"),
            Choice("run.approve_all", "yes, and all others as previewed", "others are still asked about"),
            Choice("run.edit_unit", f"edit it {which}", consequence),
            Choice("run.refuse_unit", "no, leave it as it is", "its peers may then not connect"),
        ),
        frozenset({"go_on", "approve_all", "edit_unit", "refuse_unit", "toggle_view"}),
        urgent=True,
    )


def _failure_guidance(question: FailureQuestion, view: RunView) -> Guidance:
    whole_cluster = CLUSTER in question.failures
    failed_nodes = ["the cluster as a whole"] if whole_cluster else list(question.failures)
    scope = "looks once more" if whole_cluster else f"{joined(failed_nodes)} only"
    offers = {
        OnFailure.RETRY: (
            "retry",
            Choice("run.retry", "try again", f"{scope}; what is done stays done"),
        ),
        OnFailure.KILL: (
            "kill",
            Choice("run.kill", "kill what is left", f"SIGKILL on {joined(failed_nodes)}, then try again"),
        ),
        OnFailure.LEAVE_OUT: (
            "leave_out",
            Choice("run.leave_out", "leave a failed node out", "the others go on; it stays stopped and held"),
        ),
        OnFailure.STOP: (
            "stop_here",
            Choice("run.stop", "stop here", "everything stays as it is; the run can be resumed later"),
        ),
        OnFailure.ROLL_BACK: ("roll_back", _roll_back(view)),
    }
    offered = [offers[choice] for choice in question.choices]
    return Guidance(
        f"Step {STEPS.index(question.step) + 1}, {STEP_TITLES[question.step].lower()}, failed: "
        f"{joined(failed_nodes)}. Above: why, and what is safe.",
        tuple(choice for _, choice in offered),
        frozenset({action for action, _ in offered} | {"toggle_view"}),
        urgent=True,
    )


def _running_guidance(state: RunUiState) -> Guidance:
    view = state.view
    if state.cleaning:
        return Guidance(
            "What the run replaced is being deleted on the nodes. Please wait.",
            (),
            frozenset({"toggle_view"}),
        )
    if view.rolling_back:
        return Guidance(
            "Rolling back: what was there before the run is put back. Please wait.",
            (),
            frozenset({"toggle_view"}),
        )
    step = view.current or StepName.PREFLIGHT
    tasks = view.tasks_of(step)
    done = sum(1 for task in tasks if task.state in (TaskState.DONE, TaskState.ALREADY))
    title = f"Step {STEPS.index(step) + 1} of 8, {STEP_TITLES[step].lower()}"
    time_left_text = time_left(state)
    elsewhere = Choice("screen.back", "look elsewhere", "the run goes on")
    headline = f"{title}: {done} of {count(len(tasks), 'node')} done.{time_left_text}"
    if state.carries_on:
        stop = Choice("run.stop", "stop before the next step", "this one is finished; then it waits for you")
        return Guidance(
            f"{headline} It carries on by itself.",
            (stop, elsewhere),
            frozenset({"stop_here", "toggle_view"}),
        )
    return Guidance(
        f"{headline} Nothing to do for you now.",
        (
            Choice("run.stop", "stop", "the run can be resumed where it stood"),
            _carry_on(state),
            elsewhere,
        ),
        frozenset({"stop_here", "carry_on", "toggle_view"}),
    )


def _watched_guidance(state: RunUiState) -> Guidance:
    """The journal does not hold what the one who decides is asked; it only shows that nothing is at work."""
    view = state.view
    actions = frozenset({"report", "toggle_view"})
    if not state.busy:
        outcome = OUTCOME_MARKS[view.outcome].word if view.outcome else "not at its end"
        return Guidance(
            f"The run is {outcome}. Nobody works on it any more.",
            (_REPORT, Choice("screen.back", "back")),
            actions,
        )
    step = view.current
    where = f"Step {STEPS.index(step) + 1} of 8, {STEP_TITLES[step].lower()}" if step else "It begins"
    back = Choice("screen.back", "back", "the run goes on without you")
    return Guidance(
        f"You watch. {where}. {view.operator or 'Somebody else'} decides.", (_REPORT, back), actions
    )


def _ended_guidance(state: RunUiState) -> Guidance:
    view = state.view
    if view.outcome is Outcome.RESTORED:
        headline = "✓ RESTORED. The chain moves again, every node with its own identity."
        if view.left_out:
            headline = f"✓ RESTORED. The chain moves again on every node{but_for(view.left_out)}."
        return _over_guidance(state, headline, "back to cluster health")
    if view.outcome is Outcome.ROLLED_BACK:
        headline = f"↶ ROLLED BACK. What was there before the run is there again{_but_what_is_gone(view)}."
        return _over_guidance(state, headline, "back")
    if view.rolling_back:
        return _half_rolled_back_guidance(state)
    choices = [Choice("run.go", "go on with the run", "it looks first at what is done already")]
    actions = {"go_on", "report", "toggle_view"}
    if something_changed(view):
        choices.append(_roll_back(view))
        actions.add("roll_back")
    return Guidance(
        f"■ STOPPED. The run is kept: here, or later with  loomtui resume {state.run_id}",
        (*choices, _REPORT),
        frozenset(actions),
        "Above: why it stopped." if state.error is not None else "",
        urgent=True,
    )


#: The key for what is still to do, and what it does.
_OFFERS = {
    TodoKind.LEFT_OUT: Choice("app.health", "see the nodes"),
    TodoKind.UNITS: Choice("app.services", "see what is wrong in the units"),
    TodoKind.BACKUP_JOBS: Choice("app.health", "see the nodes"),
    TodoKind.FIRST_BACKUP: Choice("app.backups", "see whether a backup was taken since"),
    TodoKind.FREE_SPACE: Choice("run.clean", "free the room", "no rollback after that; asks for the name"),
}


def _over_guidance(state: RunUiState, headline: str, back: str) -> Guidance:
    """Names what the run cost, and offers what is still to do."""
    todos = state.ending.todos if state.ending else ()
    offers = tuple(dict.fromkeys(_OFFERS[todo.kind] for todo in todos))
    actions = {"report", "toggle_view"} | ({"clean"} if _OFFERS[TodoKind.FREE_SPACE] in offers else set())
    return Guidance(
        headline,
        (*offers, _REPORT, Choice("screen.back", back)),
        frozenset(actions),
        state.ending.cost if state.ending else "",
    )


def _half_rolled_back_guidance(state: RunUiState) -> Guidance:
    return Guidance(
        f"■ The rollback is not complete. Finish it here, or later with  loomtui rollback {state.run_id}",
        (Choice("run.rollback", "go on with the rollback", "what is back already stays"), _REPORT),
        frozenset({"roll_back", "report", "toggle_view"}),
        "Above: why it stopped." if state.error is not None else "",
        urgent=True,
    )


def pane_page(state: RunUiState) -> Page | None:
    """What is in the middle instead of the nodes. None means the nodes."""
    question = state.question
    if isinstance(question, StepQuestion):
        return previews_page(question.previews, state.folders)
    if isinstance(question, PlanQuestion):
        return completed_page(question.first, question.completed, state.now)
    if isinstance(question, UnitQuestion):
        return previews_page({question.node: question.preview}, state.folders)
    if isinstance(question, FailureQuestion):
        return page([failures_text(question.failures, state.view)])
    if state.error is not None and not state.busy:
        return page([error_text(state.error)])
    if state.ending is not None and not state.busy:
        return page(_ending_lines(state.ending))
    return None


def _ending_lines(ending: Ending) -> Iterator[Content]:
    for name, value, standing in (
        ("Downtime", ending.downtime, ending.downtime_standing),
        ("Data loss", ending.data_loss, ending.data_loss_standing),
    ):
        tone = tone_of(STANDING_GRADES[standing]) if standing else Tone.PLAIN
        yield content.fact(name, content.text(value, tone))
    if ending.todos:
        yield Content("")
        yield content.line("Still to do", Tone.ACCENT)
    for todo in ending.todos:
        yield content.row("· ", todo.sentence, content.line(f"  {todo.command}", Tone.DIM))


def has_paths_shown(state: RunUiState) -> bool:
    """Whether there are paths that can be told short or whole."""
    question = state.question
    if isinstance(question, StepQuestion):
        return has_paths(question.previews, state.folders)
    return isinstance(question, UnitQuestion) and has_paths({question.node: question.preview}, state.folders)


def has_diff(question: Question | None) -> bool:
    """Whether what is asked about has long lines to read."""
    if isinstance(question, StepQuestion):
        return any(preview.diff for preview in question.previews.values())
    if isinstance(question, PlanQuestion):
        return True
    return isinstance(question, UnitQuestion) and bool(question.preview.diff)


def failures_text(failures: Mapping[str, LoomtuiError], view: RunView) -> Content:
    """What several nodes have in common is told once."""
    parts: list[Content | str] = []
    for error in dict.fromkeys(failures.values()):
        nodes = [node for node, other in failures.items() if other is error]
        parts += [
            content.row(content.line("✗ ", Tone.BAD), content.line(joined(nodes), Tone.STRONG)),
            error_text(error),
        ]
        evidence = [
            event for event in view.notes if event.node in nodes and event.kind is not EventKind.TASK_FAILED
        ]
        parts += [
            content.fact("Seen", f"{_time_text(event)} {event.message}") for event in evidence[-_EVIDENCE:]
        ]
        parts.append("")
    return content.lines(parts)


def _time_text(event: Event) -> str:
    return f"{event.at:%H:%M:%S}"
