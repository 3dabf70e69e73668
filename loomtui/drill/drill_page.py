"""A debriefing, and the history of drills, as one HTML file each: no script, and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from loomtui.drill.debriefing import Debriefing, state_of
from loomtui.drill.history_plot import points_plot, recovery_plot
from loomtui.drill.logbook import Entry
from loomtui.drill.months import months
from loomtui.restore.report.markup import Child, element
from loomtui.restore.report.page_parts import document, figure, section, table
from loomtui.wording.quantities import length, time_of
from loomtui.wording.states import Grade

_BADGES = {Grade.GOOD: "restored", Grade.WARN: "stopped", Grade.BAD: "failed"}
_MOST_ROWS = 500


def debriefing_page(told: Debriefing) -> str:
    title = f"Drill: {told.title}"
    return document(title, _header(title, str(told.state), _BADGES[told.state.grade]), *_told(told))


def history_page(entries: Sequence[Entry]) -> str:
    """`entries`: the oldest first."""
    passed = sum(entry.passed for entry in entries)
    header = _header("Drills", f"{passed} of {len(entries)} passed", "")
    return document("Drills", header, *_plots(entries), _months(entries), _drills(entries))


def _header(title: str, state: str, badge: str) -> Element:
    return element(
        "header",
        element("h1", title),
        element("span", state, class_=f"badge {badge}".strip()),
        element("span", "practice", class_="badge"),
    )


def _told(told: Debriefing) -> Iterator[Element]:
    yield element("p", told.when, class_="run")
    score = told.entry.score
    costs = "; ".join(told.costs) or "nothing has cost points"
    figures = [figure("Points", f"{score.points} of 100", costs)]
    figures += [
        figure(one.name, length(one.seconds), "; ".join(filter(None, (one.what, one.agreed))))
        for one in told.times
    ]
    yield element("section", *figures, class_="figures")
    yield section("What was looked at", _list("ul", told.checks))
    yield section("Where the way was lost", element("p", told.lost_words))
    yield section("The shortest way", _list("ol", told.way))
    rows = [(told.clock(move.at), move.sentence, move.lost) for move in told.moves]
    classes = ["not-held" if move.lost else "" for move in told.moves]
    yield section("The way that was taken", table(("When", "What", "Why it led away"), rows, classes))
    if told.earlier:
        yield element("h2", "This scenario over time", class_="part")
        yield from _plots((*told.earlier, told.entry))


def _plots(entries: Sequence[Entry]) -> Iterator[Element]:
    if not entries:
        return
    yield section("Points", element("div", points_plot(entries), class_="scroll"))
    recoveries = recovery_plot(entries)
    if recoveries is not None:
        yield section("Time until the chain moved", element("div", recoveries, class_="scroll"))


def _months(entries: Sequence[Entry]) -> Element:
    rows = [
        (
            month.name,
            f"{month.passed} of {month.drills}",
            f"{month.points:.0f}" if month.points is not None else "",
            length(month.recovered_seconds),
            f"{month.met} of {month.judged}" if month.judged else "",
        )
        for month in months(entries)
    ]
    return section("By month", table(("Month", "Passed", "Points", "Recovered after", "In time"), rows))


def _drills(entries: Sequence[Entry]) -> Element:
    newest = entries[::-1][:_MOST_ROWS]
    rows = [
        (
            time_of(entry.at),
            entry.scenario,
            entry.by.value,
            str(state_of(entry)),
            str(entry.score.points),
            length(entry.score.recovered_seconds),
        )
        for entry in newest
    ]
    head = ("When", "Scenario", "By", "Result", "Points", "Recovered after")
    return section("Drills, the newest first", table(head, rows))


def _list(tag: str, texts: Sequence[str]) -> Child:
    return element(tag, *(element("li", text) for text in texts)) if texts else element("p", "Nothing.")
