"""Every key of the screens, in one place: its name, what it does, and whether it is dangerous."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True)
class Key:
    """`action` is the Textual action; a dangerous one does not exist where the engine only looks.

    A `local` one acts on the machine that loomtui runs on, so it does not exist in a browser.
    """

    id: str
    keys: str
    action: str
    label: str  # in the footer: one or two words
    tooltip: str  # in the help and in the palette: a sentence
    danger: bool = False
    local: bool = False
    show: bool = True
    shown_as: str = ""

    @property
    def name(self) -> str:
        """What is printed on the key, by the operator's own keymap where there is one."""
        own_keys = _own_keys.get(self.id)
        return (
            printed_name(own_keys.split(",")[0])
            if own_keys
            else self.shown_as or printed_name(self.keys.split(",")[0])
        )

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]

    def binding(self) -> Binding:
        return Binding(
            self.keys,
            self.action,
            self.label,
            show=self.show,
            key_display=self.name,
            tooltip=self.tooltip,
            id=self.id,
        )


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

CHOOSE = (
    Key(
        "choose.take",
        "enter",
        "take",
        "Plan with it",
        "Take the marked data backup and make the plan",
        danger=True,
    ),
    Key("choose.nodes", "n", "choose_nodes", "Nodes", "Restore some of the nodes only", danger=True),
    Key("choose.before", "t", "choose_time", "Time", "Only backups taken before a time", danger=True),
    Key(
        "choose.stage",
        "f",
        "toggle_stage",
        "Stage first",
        "Fetch the data while the services still run",
        danger=True,
    ),
    Key(
        "choose.look",
        "l",
        "toggle_look",
        "Read here",
        "Read the data archive on this machine, however large it is",
        danger=True,
        show=False,
    ),
    Key(
        "choose.delta",
        "D",
        "toggle_delta",
        "Delta",
        "Take over what the nodes' own databases hold too",
        danger=True,
        show=False,
    ),
    Key("choose.keys", "m", "toggle_keys", "Own keys", "Keep each node's own keys", danger=True, show=False),
)

PLAN = (
    Key("plan.start", "x", "start", "Start", "Begin the restore; step one changes nothing", danger=True),
    Key(
        "plan.carry_on",
        "X",
        "start_all",
        "Start all",
        "Begin the restore and carry out all of it; asks only about what this plan does not show",
        danger=True,
    ),
    Key(
        "plan.reset",
        "z",
        "reset_signing",
        "Reset signing",
        "Plan the reset of the signing states",
        danger=True,
    ),
    Key(
        "plan.backup_jobs",
        "p",
        "next_policy",
        "backup.sh",
        "What is done about backup.sh while the restore goes on",
        danger=True,
    ),
    Key(
        "plan.redis",
        "e",
        "edit_redis",
        "Redis",
        "Give another Redis address, or keep it knowingly",
        danger=True,
    ),
    Key(
        "plan.delta",
        "D",
        "take_delta",
        "Delta",
        "Plan anew: take over what the nodes' own databases hold too",
        danger=True,
    ),
    Key(
        "plan.give_up",
        "w",
        "give_up",
        "Give up old data",
        "Plan the deletion of old databases, which nothing takes back",
        danger=True,
    ),
    Key("plan.decline", "n", "decline", "Decline", "Do not do it; nothing is changed", danger=True),
)

RUN = (
    Key("run.go", "x", "go_on", "Carry out", "Carry out what is shown", danger=True),
    Key(
        "run.carry_on",
        "X",
        "carry_on",
        "Carry on",
        "Carry out all that is left; asks only about what the plan does not show",
        danger=True,
    ),
    Key(
        "run.approve_all",
        "a",
        "approve_all",
        "All",
        "Approve this unit and all others as previewed",
        danger=True,
    ),
    Key("run.edit_unit", "E", "edit_unit", "Edit", "Edit this unit before it is approved", danger=True),
    Key("run.refuse_unit", "m", "refuse_unit", "Not this", "Leave this unit as it is", danger=True),
    Key(
        "run.consent",
        "z",
        "consent",
        "Allow",
        "Allow what the completed plan asks for; it is made again with that",
        danger=True,
    ),
    Key("run.retry", "y", "retry", "Retry", "Try the failed nodes again", danger=True),
    Key("run.kill", "z", "kill", "Kill", "SIGKILL to the processes that did not end", danger=True),
    Key(
        "run.leave_out",
        "m",
        "leave_out",
        "Leave out",
        "Go on without a failed node; it stays held",
        danger=True,
    ),
    Key("run.stop", "e", "stop_here", "Stop here", "Stop; the run can be resumed later", danger=True),
    Key("run.rollback", "v", "roll_back", "Roll back", "Put back what was there before the run", danger=True),
    Key("run.view", "space", "toggle_view", "View", "Switch between the nodes and what will be done"),
    Key(
        "run.paths",
        "p",
        "toggle_paths",
        "Paths",
        "Paths from each node's working directory on, or whole",
        show=False,
    ),
    Key(
        "run.clean",
        "F",
        "clean",
        "Free room",
        "Delete what the run replaced; no rollback after that",
        danger=True,
    ),
    Key("run.report", "f", "report", "Report", "The report of this run"),
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
    *(
        APP,
        DRILL,
        DRILL_CHOICE,
        BRIEFING,
        DEBRIEFING,
        BACK,
        COPY,
        REFRESH,
        HEALTH,
        FILTER_LINE,
        TABLE,
        SCROLL,
        BACKUPS,
        AXIS,
    ),
    *(SERVICES, RUNS, RUN_RECORD, LOGS, LOG_VIEW, CHOOSE, PLAN, RUN, DIFF, DIALOG),
)

#: The keys that lead from any screen to another.
WAYS = frozenset(key.id for key in APP if key.action.startswith("go(") or key.action == "restore")

#: The groups of keys that are the same on every screen.
COMMON = frozenset({"app", "drill"})

#: The groups that move about in a text or table.
MOVING = frozenset(key.id for group in (TABLE, SCROLL, LOG_VIEW, AXIS) for key in group)

#: What exists in a drill alone.
OF_DRILLS = frozenset(key.action.partition("(")[0] for key in DRILL)
DANGEROUS = frozenset(key.action.partition("(")[0] for group in GROUPS for key in group if key.danger)
LOCAL = frozenset(key.action.partition("(")[0] for group in GROUPS for key in group if key.local)


def bindings(*groups: Iterable[Key]) -> list[BindingType]:
    """The Textual bindings of a screen, app or widget."""
    return [key.binding() for group in groups for key in group]


#: Groups that are there whatever screen is open, and groups of what can have the focus on any screen.
_EVERYWHERE = frozenset({"app", "drill", "screen"})
_ANYWHERE = frozenset({"table", "scroll", "diff", "logview", "axis"})
#: A field that is typed into: its keys are its own while it has the focus.
_APART = frozenset({"filterline", "dialog"})


def meet(one: Key, other: Key) -> bool:
    """Whether both can be there at the same time, so that they need keys of their own."""
    groups = {one.group, other.group}
    if len(groups) == 1:
        return True
    if one.action == other.action:  # a screen's own words for what others have, too
        return False
    if groups & _APART:
        return False
    return bool(groups & _EVERYWHERE) or len(groups & _ANYWHERE) == 1


_NAMED = re.compile(r"\{([a-z_]+\.[a-z_]+)\}")

#: The operator's own keys by action id, of the app that runs.
_own_keys: dict[str, str] = {}


def use_keymap(keymap: Mapping[str, str]) -> None:
    """From now on keys have the operator's own names."""
    _own_keys.clear()
    _own_keys.update(keymap)


def name(binding_id: str) -> str:
    """What is printed on the key of an action. Raises KeyError for an action that is not there."""
    key = by_id(binding_id)
    if key is None:
        raise KeyError(binding_id)
    return key.name


def fill_key_names(text: str) -> str:
    """The text, in which `{logs.find}` stands for what is printed on the key of that action."""
    return _NAMED.sub(lambda match: name(match[1]), text)


def printed_name(key: str) -> str:
    """`slash` is printed /."""
    modifiers, plus, last = key.rpartition("+")
    return f"{modifiers}{plus}{_PRINTED.get(last, last)}"


PUNCTUATION = {
    "slash": "/",
    "question_mark": "?",
    "apostrophe": "'",
    "full_stop": ".",
    "comma": ",",
    "colon": ":",
    "semicolon": ";",
    "exclamation_mark": "!",
    "minus": "-",
    "plus": "+",
    "asterisk": "*",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}
_PRINTED = {**PUNCTUATION, "escape": "esc", "up": "↑", "down": "↓", "left": "←", "right": "→"}


_PLACES = {key.id: position for position, key in enumerate(key for group in GROUPS for key in group)}


def position(binding_id: str) -> int:
    """The order in which keys are shown, wherever the operator's own keymap has put them."""
    return _PLACES.get(binding_id, len(_PLACES))


def by_id(binding_id: str) -> Key | None:
    return next((key for group in GROUPS for key in group if key.id == binding_id), None)
