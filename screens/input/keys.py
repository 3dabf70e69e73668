"""Every key of the screens, in one place: its name, what it does, and whether it is dangerous."""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual.binding import BindingType

from screens.input.key import Key
from screens.input.restore_keys import CHOOSE, PLAN, RUN

APP = (
    Key("app.health", "h", "go('health')", "Health", "Cluster health, the first screen", show=False),
    Key("app.backups", "b", "go('backups')", "Backups", "The backups in S3, and what is in them"),
    Key("app.keys", "i", "go('keys')", "Node IDs", "Every node's ID against every reference to it"),
    Key(
        "app.services",
        "d",
        "go('services')",
        "Units",
        "The service definitions, and what would have to change",
    ),
    Key("app.logs", "o", "go('logs')", "Logs", "The logs of all nodes, live"),
    Key("app.runs", "u", "go('runs')", "Runs", "Past and unfinished restores, and their reports"),
    Key("app.restore", "r", "restore", "Restore", "Restore the cluster, step by step", danger=True),
    Key(
        "app.help",
        "question_mark,f1",
        "help",
        "Help",
        "What this screen shows and all its keys",
        shown_as="?",
    ),
    Key("app.quit", "q,ctrl+q", "quit", "Quit", "Leave; an unfinished restore can be resumed"),
    Key("app.palette", "ctrl+p", "command_palette", "Commands", "Find any action by its name", show=False),
    Key(
        "app.jump",
        "apostrophe,ctrl+g",
        "jump",
        "Jump",
        "Letters over the parts of the screen; the letter goes there",
        show=False,
        shown_as="'",
    ),
    Key("app.theme", "T", "choose_theme", "Theme", "Other colours, kept for the next time", show=False),
    Key(
        "app.suspend",
        "ctrl+z",
        "suspend",
        "Suspend",
        "Back to the shell; fg comes back here",
        local=True,
        show=False,
    ),
)

#: On every screen of a drill, and nowhere else.
DRILL = (
    Key("drill.hint", "H", "drill('hint')", "Hint", "The next hint of the drill; it costs points, and asks"),
    Key("drill.end", "Q", "drill('end')", "End drill", "The drill is over, or is given up: the debriefing"),
    Key(
        "drill.briefing",
        "B",
        "drill('briefing')",
        "Briefing",
        "What was told at the beginning of the drill, and the hints since",
        show=False,
    ),
)

DRILL_CHOICE = (
    Key("drillchoice.take", "enter", "take", "Play", "Start the practice cluster of the marked drill"),
    Key("drillchoice.fewer", "minus", "size(-1)", "Fewer", "One validator less", shown_as="-"),
    Key("drillchoice.more", "plus", "size(1)", "More", "One validator more", shown_as="+"),
    Key(
        "drillchoice.filter",
        "slash",
        "filter",
        "Filter",
        "Show only drills that match a regular expression; ! in front inverts",
        shown_as="/",
    ),
)

BRIEFING = (Key("briefing.begin", "enter", "begin", "Begin", "To the cluster; the clock runs already"),)

DEBRIEFING = (
    Key("debriefing.copy", "c", "copy", "Copy", "Copy the debriefing, as text for a channel"),
    Key(
        "debriefing.save",
        "S",
        "save",
        "Save page",
        "Save the debriefing as one HTML page, readable by you alone",
        local=True,
    ),
)

BACK = (Key("screen.back", "escape", "back", "Back", "To the screen before this one", shown_as="esc"),)

COPY = (Key("screen.copy", "c", "copy", "Copy", "Copy the text of this screen to the clipboard", show=False),)

REFRESH = (Key("screen.refresh", "f5", "refresh_now", "Refresh", "Look again now", show=False),)

HEALTH = (
    Key("health.open", "enter", "open_node", "Node", "All that is known about the node under the cursor"),
    Key(
        "health.mark", "space", "mark('one')", "Mark", "Mark the node under the cursor, or take its mark away"
    ),
    Key("health.act", "a", "act", "Act", "What can be done with the marked nodes: logs, plan, copy"),
    Key(
        "health.mark_all",
        "A",
        "mark('all')",
        "Mark all",
        "Mark all nodes that are shown, or none",
        show=False,
    ),
    Key(
        "health.filter",
        "slash",
        "filter",
        "Filter",
        "Show only nodes whose row matches a regular expression; ! in front inverts",
        shown_as="/",
    ),
    Key("health.sort", "s", "sort(1)", "Sort", "Sort by the next column"),
    Key("health.reverse", "S", "reverse", "Reverse", "Turn the order round", show=False),
)

FILTER_LINE = (
    Key(
        "filterline.take",
        "enter,down",
        "take",
        "Take",
        "Keep the filter and go back to the rows",
        shown_as="enter",
    ),
    Key("filterline.clear", "escape", "clear", "Clear", "Show all rows again", shown_as="esc"),
)

TABLE = (
    Key("table.down", "down,j", "cursor_down", "Down", "Next row", show=False),
    Key("table.up", "up,k", "cursor_up", "Up", "Row above", show=False),
    Key("table.page_down", "pagedown", "page_down", "Page down", "One page down", show=False),
    Key("table.page_up", "pageup", "page_up", "Page up", "One page up", show=False),
    Key("table.top", "g,home", "scroll_top", "Top", "First row", show=False),
    Key("table.end", "G,end", "scroll_bottom", "End", "Last row", show=False),
    Key("table.left", "left", "scroll_left", "Left", "To the left, where columns are hidden", show=False),
    Key(
        "table.right", "right", "scroll_right", "Right", "To the right, where columns are hidden", show=False
    ),
)

SCROLL = (
    Key("scroll.down", "j", "scroll_down", "Down", "One line down", show=False),
    Key("scroll.up", "k", "scroll_up", "Up", "One line up", show=False),
    Key("scroll.top", "g", "scroll_home", "Top", "To the beginning", show=False),
    Key("scroll.end", "G", "scroll_end", "End", "To the end", show=False),
)

BACKUPS = (
    Key("backups.open", "enter", "open_backup", "Look into", "Read the whole archive, check it and list it"),
    Key("backups.verify", "V", "open_backup(True)", "Verify", "Read the whole archive anew, and check it"),
    Key("backups.list", "l", "toggle_list", "List", "To the list, or to the time axis"),
    Key("backups.kind", "f", "next_kind", "Kind", "Show all, data, or config backups only"),
    Key("backups.time", "at", "go_to_time", "To time", "Put the cursor at a time", show=False, shown_as="@"),
    Key(
        "backups.restore",
        "R",
        "restore_from",
        "Restore",
        "Restore with the backups of the cursor's moment",
        danger=True,
    ),
)

AXIS = (
    Key("axis.left", "left", "step(-1)", "Before", "To the backup before", show=False),
    Key("axis.right", "right", "step(1)", "After", "To the next backup, at the end to now", show=False),
    Key("axis.down", "down,j", "row(1)", "Down", "Next row", show=False),
    Key("axis.up", "up,k", "row(-1)", "Up", "Row above", show=False),
    Key("axis.first", "g,home", "first", "Oldest", "To the oldest backup", show=False),
    Key("axis.last", "G,end", "last", "Now", "To now", show=False),
    Key("axis.closer", "plus", "zoom(1)", "Closer", "Show less of the time", show=False, shown_as="+"),
    Key("axis.wider", "minus", "zoom(-1)", "Wider", "Show more of the time", show=False, shown_as="-"),
)

SERVICES = (
    Key("services.all", "f", "toggle_all", "Whole", "Show the changes only, or the whole unit files"),
)

RUNS = (
    Key("runs.open", "enter", "open_run", "Look into", "Timeline, decisions and checks of the marked run"),
    Key("runs.replay", "p", "replay", "Replay", "Play the marked run again, from its record"),
    Key("runs.watch", "w", "watch", "Watch", "See the steps of a run that another loomtui works on"),
    Key(
        "runs.take_over",
        "t",
        "take_over",
        "Take over",
        "Go on with the marked run of another machine from here",
        danger=True,
    ),
    Key("runs.resume", "x", "resume", "Resume", "Go on with the marked run", danger=True),
    Key(
        "runs.rollback",
        "v",
        "roll_back",
        "Roll back",
        "Put back what was there before the marked run",
        danger=True,
    ),
)

REPLAY = (
    Key("replay.pause", "space", "pause", "Pause", "Pause, or go on; at the end, play it again"),
    Key("replay.next", "n", "step(1)", "Next", "The next event; then it is paused"),
    Key("replay.before", "p", "step(-1)", "Before", "The event before; then it is paused"),
    Key("replay.ahead", "right_square_bracket", "jump_by(1)", "+1 min", "A minute on", shown_as="]"),
    Key("replay.back", "left_square_bracket", "jump_by(-1)", "-1 min", "A minute back", shown_as="["),
    Key("replay.time", "at", "go_to_time", "To time", "Go to a moment of the run", shown_as="@"),
    Key("replay.faster", "greater_than_sign", "change_speed(1)", "Faster", "Play it faster", shown_as=">"),
    Key("replay.slower", "less_than_sign", "change_speed(-1)", "Slower", "Play it slower", shown_as="<"),
    Key("replay.beginning", "0", "to_beginning", "Beginning", "To the beginning", show=False),
    Key("replay.end", "dollar_sign", "to_end", "End", "To the end of the run", show=False, shown_as="$"),
)

RUN_RECORD = (
    Key("record.copy", "c", "copy", "Copy", "Copy the report, as text for an incident channel"),
    Key(
        "record.save",
        "S",
        "save",
        "Save page",
        "Save the report as one HTML page, readable by you alone",
        local=True,
    ),
)

LOGS = (
    Key(
        "logs.filter",
        "slash",
        "filter",
        "Filter",
        "Show only lines that match; ! in front inverts",
        shown_as="/",
    ),
    Key("logs.follow", "s", "switch('follow')", "Follow", "Stay at the newest line, or stay where you are"),
    Key("logs.pause", "p", "switch('pause')", "Pause", "Hold the display; new lines are counted"),
    Key("logs.find", "f", "find", "Find", "Go to the lines that match, from one to the next"),
    Key("logs.select", "space", "select", "Select", "Begin to select lines, or select none"),
    Key(
        "logs.save",
        "S",
        "save",
        "Save",
        "Save the selected lines, or all that are shown",
        local=True,
        show=False,
    ),
    Key("logs.copy", "c", "copy", "Copy", "Copy the selected lines, or all that are shown", show=False),
    Key("logs.go", "at", "go_to_time", "To time", "Go to a time", show=False, shown_as="@"),
    Key(
        "logs.nodes",
        "0",
        "show_nodes",
        "Nodes",
        "Choose whose lines are shown",
        show=False,
    ),
    Key("logs.wrap", "w", "switch('wrap')", "Wrap", "Fold long lines, or cut them", show=False),
    Key("logs.time", "t", "switch('time')", "Time", "Show or hide the time of each line", show=False),
    Key("logs.open", "enter", "open_line", "Line", "The whole marked line, and what it means"),
    Key("logs.next", "n", "next_match(1)", "Next", "Next hit, or next known line", show=False),
    Key("logs.previous", "N", "next_match(-1)", "Previous", "The hit, or known line, before", show=False),
    Key(
        "logs.known",
        "right_square_bracket",
        "next_known(1)",
        "Known",
        "Next known line",
        show=False,
        shown_as="]",
    ),
    Key(
        "logs.known_before",
        "left_square_bracket",
        "next_known(-1)",
        "Known",
        "The known line before",
        show=False,
        shown_as="[",
    ),
    *(
        Key(
            f"logs.node{digit}",
            str(digit),
            f"toggle_node({digit})",
            f"Node {digit}",
            f"Show or hide node {digit}",
            show=False,
        )
        for digit in range(1, 10)
    ),
)

LOG_VIEW = (
    Key("logview.down", "down,j", "move(1)", "Down", "Next line", show=False),
    Key("logview.up", "up,k", "move(-1)", "Up", "Line above; ends following", show=False),
    Key("logview.page_down", "pagedown", "page(1)", "Page down", "One page down", show=False),
    Key("logview.page_up", "pageup", "page(-1)", "Page up", "One page up; ends following", show=False),
    Key("logview.top", "g,home", "top", "Top", "The oldest line that is kept", show=False),
    Key("logview.end", "G,end", "bottom", "End", "The newest line; follows again", show=False),
)

DIFF = (
    Key(
        "diff.columns",
        "W",
        "toggle_columns",
        "Columns",
        "Differences: old beside new, or one below the other",
    ),
)

DIALOG = (Key("dialog.cancel", "escape", "cancel", "Cancel", "Close; nothing happens", shown_as="esc"),)

GROUPS: tuple[tuple[Key, ...], ...] = (
    *(APP, DRILL, DRILL_CHOICE, BRIEFING, DEBRIEFING),
    *(BACK, COPY, REFRESH, HEALTH, FILTER_LINE, TABLE, SCROLL, BACKUPS, AXIS),
    *(SERVICES, RUNS, RUN_RECORD, REPLAY, LOGS, LOG_VIEW, CHOOSE, PLAN, RUN, DIFF, DIALOG),
)

#: The keys that lead from any screen to another.
WAYS = frozenset(key.id for key in APP if key.action.startswith("go(") or key.action == "restore")

DRILL_GROUP = "drill"
#: The groups of keys that are the same on every screen.
COMMON = frozenset({"app", DRILL_GROUP})
WAY_ACTIONS = frozenset(key.action.partition("(")[0] for key in APP if key.id in WAYS)

#: What is left of the app's keys where there is no cluster: they stand for no place and for no act.
APART = tuple(key for key in APP if key.id not in WAYS)

#: The groups that move about in a text or table.
MOVING = frozenset(key.id for group in (TABLE, SCROLL, LOG_VIEW, AXIS) for key in group)

#: What exists in a drill alone.
OF_DRILLS = frozenset(key.action.partition("(")[0] for key in DRILL)
DANGEROUS = frozenset(key.action.partition("(")[0] for group in GROUPS for key in group if key.danger)
LOCAL = frozenset(key.action.partition("(")[0] for group in GROUPS for key in group if key.local)


def bindings(*groups: Iterable[Key]) -> list[BindingType]:
    """The Textual bindings of a screen, app or widget."""
    return [key.binding() for group in groups for key in group]


_NAMED = re.compile(r"\{([a-z_]+\.[a-z_]+)\}")


def name(binding_id: str) -> str:
    """What is printed on the key of an action. Raises KeyError for an action that is not there."""
    key = by_id(binding_id)
    if key is None:
        raise KeyError(binding_id)
    return key.name


def fill_key_names(text: str) -> str:
    """The text, in which `{logs.find}` stands for what is printed on the key of that action."""
    return _NAMED.sub(lambda match: name(match[1]), text)


_PLACES = {key.id: position for position, key in enumerate(key for group in GROUPS for key in group)}


def position(binding_id: str) -> int:
    """The order in which keys are shown, wherever the operator's own keymap has put them."""
    return _PLACES.get(binding_id, len(_PLACES))


def by_id(binding_id: str) -> Key | None:
    return next((key for group in GROUPS for key in group if key.id == binding_id), None)
