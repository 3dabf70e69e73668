"""`loomtui replay` plays a run again on the screens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loomtui.cli.output import say, table
from loomtui.cli.screen import need_terminal
from loomtui.cli.settings import Settings
from loomtui.errors import CallError

if TYPE_CHECKING:
    from loomtui.restore.replay.recording import Recording


@click.command()
@click.argument("run", metavar="[RUN|FILE]", required=False)
@click.option("--speed", type=float, metavar="N", help="Play N times as fast as it was. The default is 10.")
@click.option("--within", metavar="LENGTH", help="Play the whole in a length of time, such as 30s or 5m.")
@click.option("--drills", is_flag=True, help="List the runs of drills, newest first.")
@click.pass_obj
def replay(settings: Settings, run: str | None, speed: float | None, within: str | None, drills: bool) -> int:
    """Play RUN again on the screens, from its record or from a report.

    RUN is one of those that loomtui runs or --drills list; FILE is what a colleague made with loomtui
    report RUN --format json. No inventory is needed, and nothing is connected to. The screens are those of
    the run, with a clock that can be paused and wound on and back, and a key that goes from event to event.
    """
    if drills:
        return _list_drills()
    if run is None:
        raise click.UsageError("Name a run, or the file of a report.")
    if speed is not None and within is not None:
        raise click.UsageError("--speed and --within are two ways to say one thing: give one of them.")
    recording = _recording(run)
    chosen = _speed(recording, speed, within)
    need_terminal(f"Without one: loomtui report {recording.run}, if the run is one of this machine's.")
    import screens

    return screens.run_replay(recording, speed=chosen, theme=settings.theme)


def _list_drills() -> int:
    from loomtui.restore.replay.kept import KeptRuns
    from loomtui.wording.quantities import length, timestamp

    rows = [
        (one.run, one.cluster, timestamp(one.began), length(one.length.total_seconds()))
        for one in KeptRuns().recordings()
    ]
    if rows:
        table(("RUN", "CLUSTER", "STARTED (UTC)", "TOOK"), rows)
    else:
        say("No run of a drill is kept on this machine yet. Hold one: loomtui drill")
    return 0


def _recording(run: str) -> Recording:
    """Raises CallError: there is neither such a run nor such a file, or it cannot be replayed."""
    from loomtui.restore.record.run_store import RunStore
    from loomtui.restore.replay.kept import KeptRuns
    from loomtui.restore.replay.recording import recording_of
    from loomtui.restore.replay.report_file import load_report

    store, kept, path = RunStore(), KeptRuns(), Path(run)
    if kept.has(run) and not store.has(run):
        return kept.open(run)
    if not store.has(run) and (path.suffix == ".json" or path.exists()):
        return load_report(path)
    return recording_of(store.open(run))


def _speed(recording: Recording, speed: float | None, within: str | None) -> float:
    """Recorded seconds in a second. Raises CallError."""
    from loomtui.restore.replay.player import FASTEST, SLOWEST, USUAL_SPEED, speed_within
    from loomtui.times import read_length

    if within is not None:
        try:
            return speed_within(recording, read_length(within).total_seconds())
        except ValueError as error:
            raise CallError(f"--within: {error}") from error
    if speed is not None and not SLOWEST <= speed <= FASTEST:
        raise CallError(f"--speed: {speed:g} is no speed; it goes from {SLOWEST:g} to {FASTEST:,.0f}.")
    return speed if speed is not None else USUAL_SPEED
