"""What the engine's own process needs while it works on a practice cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from loomtui.drill.practice import Practice


@contextmanager
def surroundings(cluster: Practice) -> Iterator[None]:
    """Sets environment variables: the practice S3's credentials, and folders that go with the cluster.

    So runs and caches of a drill neither mix with the operator's own nor outlive it.
    """
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
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
