"""What pages are made of. A page has no script and nothing from elsewhere, and its policy forbids both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files
from xml.etree.ElementTree import Element

from loomtui.restore.report.markup import Child, element, html

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def document(title: str, *parts: Element) -> str:
    """A whole page of these parts, in the form that all reports have."""
    style = files(__package__).joinpath("page.css").read_text("utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )
    return html(element("html", head, element("body", element("main", *parts)), lang="en"))


def figure(name: str, value: str, explanation: str) -> Element:
    return element("div", element("h2", name), element("strong", value), element("p", explanation))


def section(title: str, *children: Child) -> Element:
    return element("section", element("h2", title), *children)


def table(
    head: Sequence[str], rows: Iterable[Sequence[Child]], classes: Iterable[str] | None = None
) -> Element:
    marks = iter(classes) if classes is not None else None
    body = [
        element("tr", *(element("td", cell) for cell in row), class_=next(marks) if marks else None)
        for row in rows
    ]
    heads = element("thead", element("tr", *(element("th", title) for title in head)))
    return element("div", element("table", heads, element("tbody", *body)), class_="scroll")
