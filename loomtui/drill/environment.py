"""What the engine's own process needs while it works on a practice cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from loomtui.drill.practice import Practice
from loomtui.errors import LoomtuiError
from loomtui.restore.record.run_store import RunStore
from loomtui.restore.replay.kept import KeptRuns


@contextmanager
def surroundings(cluster: Practice) -> Iterator[None]:
    """Sets environment variables: the practice S3's credentials, and folders that go with the cluster.

    So runs and caches of a drill do not mix with the operator's own, and go with it. Its runs can be played
    again afterwards: their reports are kept.
    """
    kept = KeptRuns()  # in the operator's own folder, as the environment is now
    own = cluster.root / ".operator"
    values = {
        **cluster.environment,
        "XDG_STATE_HOME": str(own / "state"),
        "XDG_CACHE_HOME": str(own / "cache"),
    }
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        keep_runs(RunStore(own / "state/loomtui/runs"), kept)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def keep_runs(store: RunStore, kept: KeptRuns) -> None:
    """A drill does not fail because one of its runs cannot be kept."""
    for summary in store.list():
        with suppress(LoomtuiError, OSError):
            kept.keep(store.open(summary.id))
