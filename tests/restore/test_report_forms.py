"""The forms of a report: the page, the text for a channel, rows of characters; and what goes into them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len

from loomtui.restore.choices import Choices
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import Plan
from loomtui.restore.report import Chronicle, Form, chronicle_of, render
from loomtui.restore.report.chronicle import SpanState
from loomtui.restore.report.gantt import gantt
from loomtui.restore.report.markup import element, html
from loomtui.restore.report.scale import scale_of
from loomtui.wording.quantities import length
from tests.restore.material import NOW, archive, make_plan_of, node_plan
from tests.restore.stories import Story, whole

NODES = ("n1", "n2", "n3")
FORMS: tuple[Form, ...] = ("md", "json", "html")
HOSTILE = (
    "a\x1b]52;c;x\x07|b`c</code><script>alert(1)</script>\n| d ![x](http://evil/) @here <!all> \x9b2J\u202e"
)
_BEGAN = NOW + timedelta(hours=6)


def plan(**changes: object) -> Plan:
    return make_plan_of(*(node_plan(name) for name in NODES), **changes)


def record_of(tmp_path: Path, story: Story, **changes: object) -> Chronicle:
    return chronicle_of(story.write(tmp_path, plan(**changes)))


# ── what goes into them ─────────────────────────────────────────────────────────────────────────────────────


def test_a_task_that_failed_and_was_tried_again_is_two_spans(tmp_path: Path) -> None:
    record = record_of(tmp_path, whole(_BEGAN, *NODES))
    mine = [
        (task.state, round(task.seconds))
        for task in record.tasks
        if task.step is StepName.DATA and task.node == "n3"
    ]
    assert mine == [(SpanState.FAILED, 200), (SpanState.DONE, 200)]
    others = [task.state for task in record.tasks if task.step is StepName.DATA and task.node == "n1"]
    assert others == [SpanState.DONE, SpanState.ALREADY]
    assert [step.state for step in record.steps] == [SpanState.DONE] * 8


def test_throughput_counts_the_time_of_all_tries(tmp_path: Path) -> None:
    record = record_of(tmp_path, whole(_BEGAN, *NODES), choices=Choices(stage_first=False))
    rates = {one.node: one for one in record.throughput}
    assert rates["n3"].seconds == pytest.approx(400)
    assert rates["n3"].bytes_per_second == pytest.approx(5000 / 400)
    assert rates["n1"].seconds == pytest.approx(300)


def test_with_staging_the_preflight_is_what_brings_the_data(tmp_path: Path) -> None:
    record = record_of(tmp_path, whole(_BEGAN, *NODES), choices=Choices(stage_first=True))
    assert [one.node for one in record.throughput] == list(NODES)
    assert record.throughput[0].seconds == pytest.approx(8 / 3)


def test_decisions_say_who_when_and_after_what_wait(tmp_path: Path) -> None:
    decisions = record_of(tmp_path, whole(_BEGAN, *NODES), choices=Choices(reset_signing=True)).decisions
    assert [(one.answer, one.by) for one in decisions[:3]] == [
        ("made", "op@desk"), ("confirmed", "op@desk"), ("continue", "op@desk")
    ]  # fmt: skip
    stop = next(one for one in decisions if one.step is StepName.STOP)
    assert (stop.at - _BEGAN).total_seconds() == pytest.approx(52)
    assert stop.waited_seconds == 40
    retry = next(one for one in decisions if one.answer == "retry")
    assert (retry.asked, retry.step, retry.waited_seconds) == ("on failure", StepName.DATA, 60)


@pytest.mark.parametrize("seconds", [0, 2.5])
def test_a_wait_is_that_for_the_answer_and_not_for_the_previews_before_it(
    tmp_path: Path, seconds: float
) -> None:
    story = Story(_BEGAN).begin()
    answer = {"asked": "before step", "answer": "continue", "by": "op@desk"}
    story.tell(EventKind.DECISION, StepName.STOP, after=40, **answer, waited=seconds)
    assert record_of(tmp_path, story).decisions[-1].waited_seconds == seconds


def test_a_killed_process_leaves_work_without_an_end_until_it_is_resumed(tmp_path: Path) -> None:
    story = Story(_BEGAN).begin().tell(EventKind.STEP_STARTED, StepName.DATA)
    story.tell(EventKind.TASK_STARTED, StepName.DATA, "n1").tell(
        EventKind.NOTE, StepName.DATA, "n1", after=30
    )
    assert {span.state for span in record_of(tmp_path, story).tasks} == {SpanState.OPEN}
    story.tell(EventKind.RUN_RESUMED, after=3600, operator="eve@desk")
    story.tell(EventKind.TASK_STARTED, StepName.DATA, "n1").tell(
        EventKind.TASK_DONE, StepName.DATA, "n1", after=5
    )
    record = record_of(tmp_path, story)
    assert [(task.state, task.seconds) for task in record.tasks] == [
        (SpanState.INTERRUPTED, 30),
        (SpanState.DONE, 5),
    ]
    assert ("resume", "eve@desk") in [(one.answer, one.by) for one in record.decisions]


def test_a_step_that_stopped_at_a_failure_failed(tmp_path: Path) -> None:
    story = Story(_BEGAN).begin().tell(EventKind.STEP_STARTED, StepName.STOP)
    story.tell(EventKind.TASK_STARTED, StepName.STOP, "n1").tell(
        EventKind.TASK_FAILED, StepName.STOP, "n1", after=3
    )
    record = record_of(tmp_path, story.end(Outcome.STOPPED, after=9))
    assert [(step.state, step.seconds) for step in record.steps] == [(SpanState.FAILED, 12)]
    assert [(check.holds, check.node) for check in record.checks] == [(False, "n1")]


def test_a_rollback_ends_the_outage_and_loses_nothing(tmp_path: Path) -> None:
    story = (
        Story(_BEGAN)
        .begin()
        .step(StepName.STOP, *NODES)
        .tell(EventKind.ROLLBACK_STARTED, after=5, operator="eve")
    )
    for node in NODES:
        story.tell(EventKind.TASK_UNDONE, StepName.STOP, node, after=2)
    record = record_of(tmp_path, story.end(Outcome.ROLLED_BACK))
    undone = [(task.node, task.seconds) for task in record.tasks if task.state is SpanState.UNDONE]
    assert undone == [("n1", 2), ("n2", 4), ("n3", 6)]
    assert record.timings.downtime_seconds == pytest.approx(21)
    assert "- Data loss: none" in render(story.write(tmp_path, plan()), "md")


# ── the axis and the rows ───────────────────────────────────────────────────────────────────────────────────


def test_short_steps_have_room_and_a_weekend_is_cut(tmp_path: Path) -> None:
    story = Story(_BEGAN).begin().step(StepName.PREFLIGHT, *NODES, seconds=0.1)
    story.step(StepName.STOP, *NODES, seconds=600, wait=200_000)
    record = record_of(tmp_path, story)
    scale = scale_of(record)
    assert scale.cuts
    step = record.steps[0]
    assert scale.place(step.ended) - scale.place(step.began) >= 0.02
    assert scale.place(record.steps[1].began) < 0.3
    drawn = gantt(record, 80)
    assert drawn is not None
    assert "≈" in drawn.text
    assert "01-02 09:04" in drawn.axis


def test_rows_for_nodes_show_what_failed_and_who_decided(tmp_path: Path) -> None:
    drawn = gantt(record_of(tmp_path, whole(_BEGAN, *NODES)), 100)
    assert drawn is not None
    rows = {lane.label.strip(): lane.text for lane in drawn.lanes}
    assert list(rows) == [*NODES, "decisions", "down"]
    assert re.search(r"3+✗·+3+", rows["n3"])
    assert "✗" not in rows["n1"]
    for digit in "12345678":
        assert digit in rows["n2"]
    assert rows["decisions"].count("?") >= 8
    assert drawn.axis.strip().startswith("│09:04:")


def test_rows_for_steps(tmp_path: Path) -> None:
    drawn = gantt(record_of(tmp_path, whole(_BEGAN, *NODES)), 80, by_step=True)
    assert drawn is not None
    assert [lane.label.strip() for lane in drawn.lanes][:2] == ["1 preflight", "2 stop"]


def test_nothing_happened_yet(tmp_path: Path) -> None:
    run = Story(_BEGAN).write(tmp_path, plan())
    assert gantt(chronicle_of(run), 80) is None
    for form in FORMS:
        assert "svg" not in render(run, form)


_MOMENT = st.tuples(
    st.sampled_from(EventKind),
    st.sampled_from([None, *StepName]),
    st.sampled_from([None, *NODES, "x y"]),
    st.floats(0, 1e6),
)


@pytest.mark.slow
@given(st.lists(_MOMENT, max_size=25), st.integers(20, 200))
def test_whatever_a_journal_holds_it_is_told(
    tmp_path_factory: pytest.TempPathFactory,
    moments: list[tuple[EventKind, StepName | None, str | None, float]],
    width: int,
) -> None:
    story = Story(_BEGAN)
    for kind, step, node, after in moments:
        story.tell(kind, step, node, after=after)
    run = story.write(tmp_path_factory.mktemp("run"), plan())
    record = chronicle_of(run)
    drawn = gantt(record, width)
    if drawn is not None:
        assert all(cell_len(lane.text) <= max(width, 33) for lane in drawn.lanes)
    scale = scale_of(record)
    places = [scale.place(event.at) for event in record.events]
    assert places == sorted(places)
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)
    for form in FORMS:
        assert render(run, form)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, "–"), (0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (725, "12 min 05 s"),
     (3599.6, "1 h 00 min"), (11_100, "3 h 05 min"), (187_200, "2 d 04 h")],
)  # fmt: skip
def test_lengths_in_words(seconds: float | None, expected: str) -> None:
    assert length(seconds) == expected


# ── the page ────────────────────────────────────────────────────────────────────────────────────────────────


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_holds_all_that_was_asked_for(tmp_path: Path) -> None:
    text = render(whole(_BEGAN, *NODES).write(tmp_path, plan()), "html")
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    for wanted in ("restored: the chain moves", "Downtime", "Data loss", "Throughput", "Decisions", "op@desk",
                   "data, on failure: retry", "app_hash", "A1B2", "no room left", "All "):  # fmt: skip
        assert wanted in page.text, wanted
    bars = [
        attributes["class"] for attributes in page.all("g") if (attributes["class"] or "").startswith("bar")
    ]
    assert sum("whole" in str(name) for name in bars) == 8
    assert bars.count("bar failed") == 1
    assert len(bars) == 8 + 3 * 8 + 3  # steps, tasks, and of the data step: one try more, two looks more
    assert "prefers-color-scheme: dark" in text


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    text = render(whole(_BEGAN, *NODES).write(tmp_path, plan()), "html")
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "a",
        "form",
        "base",
    }
    for _, attributes in page.tags:
        assert not {
            name for name in attributes if name.startswith("on") or name in ("src", "href", "xlink:href")
        }
    assert "url(" not in text
    assert "@import" not in text
    assert "//" not in page.text.replace("s3://", "")
    policy = next(one for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in str(policy["content"])


def hostile_run(tmp_path: Path, story: Story) -> Plan:
    return make_plan_of(
        node_plan("n1", data=archive(key=HOSTILE), config=archive(key=HOSTILE), node_id=HOSTILE),
        replace(node_plan("n2"), signing=replace(node_plan().signing, reason=HOSTILE)),
        cluster=HOSTILE,
        warnings=(Finding(FindingCode.NOT_TOLD, None, HOSTILE),),
        left_out=(HOSTILE,),
        made_by=HOSTILE,
    )


def hostile_story() -> Story:
    story = Story(_BEGAN, by=HOSTILE).begin().step(StepName.STOP, "n1", "n2", seconds=5, said=HOSTILE)
    story.tell(EventKind.TASK_FAILED, StepName.DATA, "n1", after=2, message=HOSTILE, advice=HOSTILE)
    story.tell(EventKind.GATE_REFUSED, StepName.DATA, message=HOSTILE, reasons=[HOSTILE])
    return story.tell(EventKind.NOTE, StepName.DATA, HOSTILE, message=HOSTILE).end(Outcome.STOPPED)


def test_hostile_text_is_text_on_the_page(tmp_path: Path) -> None:
    story = hostile_story()
    text = render(story.write(tmp_path, hostile_run(tmp_path, story)), "html")
    page = Page(text)
    assert not page.all("script")
    assert page.text.count("<script>alert(1)</script>") >= 8
    assert not any(sign in text for sign in ("\x1b", "\x9b", "\u202e", "\x07"))
    assert all("alert" not in str(value) for _, attributes in page.tags for value in attributes.values())


@given(st.text(max_size=80))
def test_what_goes_into_markup_comes_out_as_text(text: str) -> None:
    page = Page(html(element("p", "before", element("b", text, title=text), text)))
    assert [tag for tag, _ in page.tags] == ["p", "b"]
    assert not set(page.text) & set("\x1b\x07\x9b")


# ── the text for a channel ──────────────────────────────────────────────────────────────────────────────────


def test_the_channel_reads_outcome_and_cost_first(tmp_path: Path) -> None:
    late = plan(production=True, choices=Choices(stage_first=False))
    lines = render(whole(_BEGAN, *NODES).write(tmp_path, late), "md").splitlines()
    assert lines[0] == "**✓ Restore of `lab` (▲ PRODUCTION): restored: the chain moves**"
    assert lines[2].startswith("- Downtime: 12 min ")
    assert lines[3].startswith("- Data loss: 6 h 00 min, from the data of ")
    assert re.search("the slowest, n[23], at 12 Bytes/s", lines[4])
    text = "\n".join(lines)
    assert "|" not in text.replace("│", "")  # no table: few chat programs draw one
    assert "- ✗ " in text
    assert "no room left" in text
    assert "retry` by `op@desk`, after 1 min 00 s" in text


def test_hostile_text_is_only_ever_code_in_a_channel(tmp_path: Path) -> None:
    story = hostile_story()
    text = render(story.write(tmp_path, hostile_run(tmp_path, story)), "md")
    assert not any(sign in text for sign in ("\x1b", "\x9b", "\u202e", "\x07"))
    for token in MarkdownIt("commonmark").parse(text):
        for part in token.children or [token]:
            assert part.type not in {"html_block", "html_inline", "image", "link_open"}
            if part.type not in {"code_inline", "fence"}:
                assert "alert" not in part.content or part.type == "inline"
                assert "@here" not in part.content


def test_json_has_the_timeline_decisions_and_checks(tmp_path: Path) -> None:
    document = json.loads(render(whole(_BEGAN, *NODES).write(tmp_path, plan()), "json"))
    failed = [span for span in document["timeline"] if span["state"] == "failed"]
    assert [(span["step"], span["node"], span["seconds"]) for span in failed] == [("data", "n3", 200)]
    assert document["decisions"][-1]["answer"] == "continue"
    assert document["checks"][-1] == document["checks"][-1] | {"step": "verify", "holds": True}
    assert {one["node"] for one in document["throughput"]} == set(NODES)
    assert document["down_from"] < document["down_until"]
