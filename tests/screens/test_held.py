"""A held node on the health screen: by which run, since when, and how that is lifted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from loomtui.fleet.probes.node_status import Active, NodeStatus
from screens.health.node_facts import sections, status_sections
from tests.screens import scenes
from tests.screens.basics import NOW
from tests.screens.fake import FakeEngine
from tests.screens.helping import running, screen_text, until

RUN = "20261122-031000-ab12"


def with_hold(status: NodeStatus) -> NodeStatus:
    assert status.service is not None
    service = replace(
        status.service,
        active=Active.INACTIVE,
        sub="dead",
        main_pid=0,
        held_by=RUN,
        held_since=NOW - timedelta(minutes=5),
    )
    suspended = (f"{RUN} crontab /etc/cron.d/loom",)
    refused = "connection refused"
    return replace(status, service=service, chain=None, chain_error=refused, suspended=suspended)


async def test_a_held_node_says_how_it_is_lifted() -> None:
    scene = scenes.healthy()
    scene = replace(scene, statuses={name: with_hold(status) for name, status in scene.statuses.items()})
    async with running(FakeEngine(scene)) as (app, pilot):
        await until(pilot, lambda: "held from starting since" in screen_text(app))
        text = " ".join(screen_text(app).replace("┃", " ").split())
        assert "⊘ held" in text
        assert RUN in text
        assert f"loomtui rollback {RUN}" in text


def test_all_that_is_known_of_a_held_node() -> None:
    status = with_hold(next(iter(scenes.healthy().statuses.values())))
    text = sections(status_sections(status, None, NOW)).plain
    assert f"run {RUN} is not finished" in text
    assert f"by run {RUN} crontab /etc/cron.d/loom" in text
