"""What the restore screen says at each moment, and which keys it has then. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from textual.content import Content

from loomtui.errors import LoomtuiError
from loomtui.restore.events import Event, EventKind, Outcome, StepName
from loomtui.restore.report.estimates import Estimate
from loomtui.restore.running.operator import OnFailure, Preview
from loomtui.restore.running.task_failures import CLUSTER
from loomtui.wording.quantities import count, joined, size, span
from loomtui.wording.states import STEP_TITLES
from screens.diff.diff_text import Difference, Page, page
from screens.modals.text import error_text
from screens.restore.next_panel import Choice
from screens.restore.run_view import STEPS, RunView, TaskState
from screens.restore.screen_operator import FailureQuestion, Question, StepQuestion, UnitQuestion
from screens.text import content
from screens.text.words import OUTCOME_MARKS, Tone

#: Steps whose carrying out wants the cluster's name typed: services stop, live data is swapped.
TYPED_STEPS = frozenset({StepName.STOP, StepName.DATA})

#: What the key for a step says besides; the others change something that can be undone.
HARMLESS_STEPS = {
    StepName.PREFLIGHT: "the services go on running",
    StepName.NODE_KEYS: "only looks, changes nothing",
    StepName.VERIFY: "only looks, changes nothing",
}

_EVIDENCE = 6


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


_STOP = Choice("run.stop", "stop here", "the run can be resumed later")
_ROLL_BACK = Choice("run.rollback", "roll back", "puts back what was there before the run")
_REPORT = Choice("run.report", "read the report")


def guidance_for(state: RunUiState) -> Guidance:
    if state.watching:
        return _watched_guidance(state)
    question = state.question
    if isinstance(question, StepQuestion):
        return _step_guidance(state, question)
    if isinstance(question, UnitQuestion):
        return _unit_guidance(question)
    if isinstance(question, FailureQuestion):
        return _failure_guidance(question)
    if state.busy:
        return _running_guidance(state)
    return _ended_guidance(state)


def something_changed(view: RunView) -> bool:
    """Whether there is anything that a rollback could put back."""
    changing = (step for step in STEPS if step not in HARMLESS_STEPS)
    return any(view.tasks[step] for step in changing)


def needs_name(question: StepQuestion) -> bool:
    undone = [preview for preview in question.previews.values() if not preview.already]
    return question.step in TYPED_STEPS and bool(undone)


def _step_guidance(state: RunUiState, question: StepQuestion) -> Guidance:
    number = STEPS.index(question.step) + 1
    undone = [name for name, preview in question.previews.items() if not preview.already]
    place = (
        f"on {_nodes_text(undone, len(question.previews))}" if undone else "it is so already on every node"
    )
    name_hint = "asks for the cluster's name" if needs_name(question) else ""
    consequence = HARMLESS_STEPS.get(question.step, name_hint)
    choices = [
        Choice("run.go", f"carry out step {number}: {STEP_TITLES[question.step].lower()}", consequence),
        _STOP,
    ]
    actions = {"go_on", "stop_here", "toggle_view"}
    if something_changed(state.view):
        choices.append(_ROLL_BACK)
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
                    state.undo and f"Undo: {state.undo}",
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


def _nodes_text(names: list[str], total: int) -> str:
    return f"all {count(total, 'node')}" if len(names) == total else joined(names)


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


def _failure_guidance(question: FailureQuestion) -> Guidance:
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
        OnFailure.ROLL_BACK: ("roll_back", _ROLL_BACK),
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
    return Guidance(
        f"{title}: {done} of {count(len(tasks), 'node')} done.{time_left_text} Nothing to do for you now.",
        (
            Choice("run.stop", "stop", "the run can be resumed where it stood"),
            Choice("screen.back", "look elsewhere", "the run goes on"),
        ),
        frozenset({"stop_here", "toggle_view"}),
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
        return Guidance(
            "✓ RESTORED. The chain moves again, every node with its own identity.",
            (_REPORT, Choice("screen.back", "back to cluster health")),
            frozenset({"report", "toggle_view"}),
        )
    if view.outcome is Outcome.ROLLED_BACK:
        return Guidance(
            "↶ ROLLED BACK. What was there before the run is there again.",
            (_REPORT, Choice("screen.back", "back")),
            frozenset({"report", "toggle_view"}),
        )
    if view.rolling_back:
        return _half_rolled_back_guidance(state)
    choices = [Choice("run.go", "go on with the run", "it looks first at what is done already")]
    actions = {"go_on", "report", "toggle_view"}
    if something_changed(view):
        choices.append(_ROLL_BACK)
        actions.add("roll_back")
    return Guidance(
        f"■ STOPPED. The run is kept: here, or later with  loomtui resume {state.run_id}",
        (*choices, _REPORT),
        frozenset(actions),
        "Above: why it stopped." if state.error is not None else "",
        urgent=True,
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
        return previews_page(question.previews)
    if isinstance(question, UnitQuestion):
        return previews_page({question.node: question.preview})
    if isinstance(question, FailureQuestion):
        return page([failures_text(question.failures, state.view)])
    if state.error is not None and not state.busy:
        return page([error_text(state.error)])
    return None


def previews_page(previews: Mapping[str, Preview]) -> Page:
    """What would be done on each node. Nodes with something to do come first."""
    parts: list[Content | Difference | str] = []
    for preview in sorted(previews.values(), key=lambda preview: preview.already):
        sign = ("✓ already so: ", Tone.GOOD) if preview.already else ("▶ ", Tone.ACCENT)
        first_line, *other_lines = preview.text.splitlines() or [""]
        parts.append(
            content.row(content.line(f"{preview.node}  ", Tone.STRONG), content.line(*sign), first_line)
        )
        parts += [f"    {text}" for text in other_lines]
        if preview.diff:
            parts.append(Difference(preview.diff))
    return page(parts)


def has_diff(question: Question | None) -> bool:
    """Whether what is asked about has long lines to read."""
    if isinstance(question, StepQuestion):
        return any(preview.diff for preview in question.previews.values())
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
