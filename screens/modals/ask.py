"""Questions that come from elsewhere: an unknown host key, a password, or one with several answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, OptionList, SelectionList, Static
from textual.widgets.option_list import Option
from textual.widgets.selection_list import Selection

from screens.input import keys
from screens.modals.base import Dialog, DialogText
from screens.text import content
from screens.text.words import Tone

if TYPE_CHECKING:
    from textual.widget import Widget


@dataclass(frozen=True)
class HostKey:
    node: str
    host: str
    key_type: str
    fingerprint: str


class HostKeyDialog(Dialog[bool]):
    """An SSH host key that nobody has vouched for yet. Escape and a blind enter answer no."""

    KIND = "-danger"

    def __init__(self, key: HostKey) -> None:
        super().__init__(f"Unknown host key of {key.node}")
        self.key = key

    def body(self) -> Iterable[Widget]:
        yield DialogText(
            content.lines(
                [
                    content.fact("Node", self.key.node, 12),
                    content.fact("Host", self.key.host, 12),
                    content.fact("Key", self.key.key_type, 12),
                    content.fact("Fingerprint", content.text(self.key.fingerprint, Tone.ACCENT), 12),
                    Content(""),
                    "Compare the fingerprint with one that you got by another way. If you trust it, it is "
                    "written to the known hosts file. If not, this node stays unreachable.",
                ]
            )
        )
        with Horizontal(classes="dialog-buttons"):
            yield Button(Content("No"), id="no", compact=True)
            yield Button(Content("Yes, I trust it"), id="yes", variant="warning", compact=True)
        yield Static(
            Content("  ").join(
                [content.keycap("enter", "no"), content.keycap("tab", "then enter: yes, I trust it")]
            ),
            classes="dialog-keys",
        )

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def cancelled(self) -> bool:
        return False


class InputDialog(Dialog[str | None]):
    """One line from the operator, or None if they cancelled."""

    def __init__(
        self,
        title: str,
        question: str,
        *,
        value: str = "",
        hint: str = "",
        secret: bool = False,
        prompt: str = "",
    ) -> None:
        """`prompt` stands at the field, also where the question is so long that it has to be scrolled."""
        super().__init__(title)
        self._question = question
        self._prompt = prompt
        self._value = value
        self._hint = hint
        self._secret = secret

    def body(self) -> Iterable[Widget]:
        yield DialogText(content.text(self._question), focusable=bool(self._prompt))
        if self._prompt:
            yield Static(content.line(self._prompt, Tone.STRONG))
        yield Input(self._value, placeholder=self._hint, password=self._secret, id="line", compact=True)
        caps = [content.keycap("enter", "take it"), content.keycap(keys.name("dialog.cancel"), "cancel")]
        if self._prompt:
            caps.append(content.keycap("tab", "scroll the text"))
        yield Static(Content("  ").join(caps), classes="dialog-keys")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#line", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class ChoiceDialog(Dialog[str | None]):
    """One of several ways on, each with its consequence. The harmless one is marked first."""

    def __init__(self, title: str, text: Content | str, choices: tuple[tuple[str, str, str], ...]) -> None:
        """`choices` are the answer, its name, and what follows from it."""
        super().__init__(title)
        self._text = text if isinstance(text, Content) else content.text(text)
        self._choices = choices

    def body(self) -> Iterable[Widget]:
        yield DialogText(self._text)
        yield OptionList(
            *(
                Option(
                    content.lines([content.line(name, Tone.STRONG), content.row("  ", consequence)]),
                    id=answer,
                )
                for answer, name, consequence in self._choices
            ),
            id="choices",
            markup=False,
        )
        yield Static(
            Content("  ").join(
                [
                    content.keycap("↑↓", "mark one"),
                    content.keycap("enter", "take the marked one"),
                    content.keycap(keys.name("dialog.cancel"), "close"),
                ]
            ),
            classes="dialog-keys",
        )

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#choices", OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


class NodesDialog(Dialog[tuple[str, ...] | None]):
    """The operator chooses some of the nodes."""

    def __init__(self, title: str, text: str, nodes: tuple[str, ...], chosen: tuple[str, ...]) -> None:
        super().__init__(title)
        self._text = text
        self._names = nodes
        self._chosen = chosen

    def body(self) -> Iterable[Widget]:
        yield DialogText(content.text(self._text))
        yield SelectionList[str](
            *(Selection(content.line(node), node, node in self._chosen) for node in self._names), id="nodes"
        )
        yield Static(id="chosen")
        with Horizontal(classes="dialog-buttons"):
            yield Button(Content("Take these"), id="take", variant="primary", compact=True)
        yield Static(
            Content("  ").join(
                [
                    content.keycap("space", "in or out"),
                    content.keycap("tab", "then enter: take these"),
                    content.keycap(keys.name("dialog.cancel"), "cancel"),
                ]
            ),
            classes="dialog-keys",
        )

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#nodes", SelectionList).focus()
        self._show_chosen()

    def on_selection_list_selected_changed(self) -> None:
        self._show_chosen()

    def _show_chosen(self) -> None:
        """Says it in words, because the list tells it by colour alone."""
        chosen = self._selected()
        text = f"Chosen, {len(chosen)} of {len(self._names)}: {', '.join(chosen) or 'none'}"
        self.query_one("#chosen", Static).update(content.line(text, Tone.STRONG))

    def _selected(self) -> tuple[str, ...]:
        selected_names = set(self.query_one("#nodes", SelectionList).selected)
        return tuple(node for node in self._names if node in selected_names)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(self._selected())
