"""`loomtui backups prepare` and `prune-prepared`, and what other commands tell of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest

from loomtui.drill.practice import practice
from loomtui.inventory import load
from tests.backups.peculiar import peculiar
from tests.cli.conftest import ROOT, Cluster, Run, command


def newest(cluster: Cluster, kind: str) -> str:
    backups = cluster("backups", "--json").document["backups"]
    return next(str(one["key"]) for one in backups if one["kind"] == kind)


def state(cluster: Cluster, key: str) -> str:
    backups = cluster("backups", "--json").document["backups"]
    return next(str(one["prepared"]) for one in backups if one["key"] == key)


@pytest.mark.slow
def test_prepare_show_and_prune(cluster: Cluster) -> None:
    key = newest(cluster, "data")
    read = cluster("backups", "show", key, "--json").document
    assert (state(cluster, key), read["prepared"]) == ("none", "none")
    done = cluster("backups", "prepare", "--latest", "--twin", "--json")
    assert (done.status, done.err) == (0, "")
    (one,) = done.document["backups"]
    assert (one["key"], one["outcome"], one["prepared"], one["reason"]) == (key, "prepared", "twin", None)
    assert one["read_bytes"] > 0
    assert one["uploaded_bytes"] > 0
    assert state(cluster, key) == "twin"
    told = cluster("backups", "show", key, "--json").document
    by_path = [sorted(one.pop("members"), key=lambda member: member["path"]) for one in (told, read)]
    assert by_path[0] == by_path[1]
    assert told == {**read, "prepared": "twin"}
    people = cluster("backups", "show", key)
    assert "This is what its manifest tells" in people.out
    again = cluster("backups", "prepare", key)
    assert (again.status, again.out) == (0, f"{key} was prepared already, with a twin.\n")
    assert cluster("backups", "prepare", key, "--quiet").out == ""
    kept = cluster("backups", "prune-prepared", "--json")
    assert (kept.status, kept.document["manifests"], kept.document["parts"]) == (0, [], [])
    assert "There is nothing to remove" in cluster("backups", "prune-prepared").out


@pytest.mark.slow
def test_what_is_bad_ends_with_1_and_is_told_in_the_list(cluster: Cluster) -> None:
    s3 = load(cluster.practice.inventory_path).s3
    env = cluster.practice.environment
    session = boto3.session.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    client = session.client("s3", endpoint_url=s3.endpoint, region_name="us-east-1")
    data = newest(cluster, "data")
    body = client.get_object(Bucket=s3.bucket, Key=data)["Body"].read()
    key = f"{s3.prefix}2001-01-01--000000-bad.tar.bz2"
    client.put_object(Bucket=s3.bucket, Key=key, Body=body[: len(body) // 2])
    done = cluster("backups", "prepare", key, "--quiet")
    assert (done.status, done.out) == (1, "")
    assert f"✗ {key}: it must not be restored: it is truncated" in done.err
    again = cluster("backups", "prepare", key, "--json")
    assert (again.status, again.document["backups"][0]["outcome"]) == (1, "bad")
    assert cluster("backups", "show", key, "--json").document["fault"]["kind"] == "rejected"
    everything = cluster("backups", "prepare", "--all", "--json")
    assert everything.status == 0
    assert key not in {one["key"] for one in everything.document["backups"]}
    assert "Nothing is left to prepare." in cluster("backups", "prepare", "--all").out
    client.delete_object(Bucket=s3.bucket, Key=key)
    refused = cluster("backups", "prune-prepared")
    assert refused.status == 3
    assert f"of a backup that is gone: {key}.loomtui.json" in refused.out
    assert "nobody agreed to it" in refused.err
    assert cluster("backups", "prune-prepared", "--json").status == 3
    removed = cluster("backups", "prune-prepared", "--yes", "--json").document
    assert (removed["removed"], removed["manifests"]) == (True, [f"{key}.loomtui.json"])
    client.close()


@pytest.mark.parametrize("args", [(), ("KEY", "--all"), ("--latest", "--all")])
def test_exactly_one_choice_of_backups(cluster: Cluster, args: tuple[str, ...]) -> None:
    done = cluster("backups", "prepare", *args)
    assert done.status == 2
    assert "Name one KEY, or give --latest or --all." in done.err


def test_no_s3_ends_with_4(cluster: Cluster) -> None:
    for args in (("--latest",), ("--all",), ("some-key",)):
        done = cluster(
            "backups", "prepare", *args, env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        )
        assert done.status == 4


@pytest.mark.slow
def test_a_plan_with_prepared_data_reads_nothing_of_it(cluster: Cluster, tmp_path: Path) -> None:
    """One byte is asked for, which shows that S3 would give the archive to the nodes."""
    key = newest(cluster, "data")
    assert cluster("backups", "prepare", key).status == 0
    endpoint = load(cluster.practice.inventory_path).s3.endpoint or ""
    with peculiar(endpoint) as store:
        inventory = cluster.inventory_with(tmp_path, endpoint, store.url)
        cache = {"XDG_CACHE_HOME": str(tmp_path / "empty")}
        plan = cluster("plan", "-i", inventory, "--json", env=cache).document
        asked = [headers for method, path, headers in store.asked if method == "GET" and path.endswith(key)]
        assert [headers.get("Range") for headers in asked] == ["bytes=0-0"]
        archive = plan["nodes"][0]["data"]
        assert (archive["key"], archive["manifest"]["key"]) == (key, f"{key}.loomtui.json")
        people = cluster("plan", "-i", inventory, env=cache)
        assert "  prepared, with" in people.out


class Assassin(list[Any]):
    """Kills a process when S3 is asked for the time that is named; S3 answers nevertheless."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at
        self.process: subprocess.Popen[bytes] | None = None

    def append(self, asked: Any) -> None:
        super().append(asked)
        if len(self) == self._at and self.process is not None:
            self.process.send_signal(signal.SIGKILL)


@pytest.mark.slow
def test_killed_at_any_request_it_leaves_nothing_that_counts(
    cluster: Cluster, home: Path, tmp_path: Path
) -> None:
    """The backup stays as it is, no manifest names a part that is not there, and the next call ends well."""
    prepared = cluster.practice
    settings = load(prepared.inventory_path).s3
    bucket = boto3.resource(
        "s3",
        endpoint_url=settings.endpoint,
        region_name="us-east-1",
        aws_access_key_id=prepared.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=prepared.environment["AWS_SECRET_ACCESS_KEY"],
    ).Bucket(settings.bucket)
    key = newest(cluster, "data")
    before = bucket.Object(key).get()["Body"].read()
    environment = {**os.environ, **prepared.environment, "HOME": str(home), "PYTHONPATH": str(ROOT)}
    with peculiar(settings.endpoint or "") as store:
        inventory = cluster.inventory_with(tmp_path, settings.endpoint or "", store.url)
        for at in range(1, 100):
            for stored in bucket.objects.all():
                if ".loomtui" in stored.key:
                    stored.delete()
            store.asked = assassin = Assassin(at)
            arguments = command("backups", "prepare", "-i", inventory, key, "--twin", "--quiet")
            with subprocess.Popen(arguments, env=environment, cwd=home) as process:
                assassin.process = process
            assert bucket.Object(key).get()["Body"].read() == before
            there = {stored.key for stored in bucket.objects.all()}
            if f"{key}.loomtui.json" in there:
                manifest = json.loads(bucket.Object(f"{key}.loomtui.json").get()["Body"].read())
                assert {part["key"] for part in manifest["twin"]["parts"]} <= there
            if process.returncode == 0:
                break
        assert at > 5
    assert not list((home / ".cache/loomtui/parts").iterdir())
    assert cluster("backups", "prepare", key, "--twin").status == 0
    assert state(cluster, key) == "twin"


@pytest.mark.slow
def test_a_restore_of_prepared_data_takes_its_twin(loomtui: Run, tmp_path: Path) -> None:
    """The archive itself passes nobody's line but for one byte, and the chain moves again."""
    with practice("clean-restore", 2, block_seconds=0.5) as broken:
        cluster = Cluster(broken, loomtui)
        key = newest(cluster, "data")
        assert cluster("backups", "prepare", key, "--twin").status == 0
        endpoint, plan = load(broken.inventory_path).s3.endpoint or "", str(tmp_path / "plan.yml")
        with peculiar(endpoint) as store:
            inventory = cluster.inventory_with(tmp_path, endpoint, store.url)
            chosen = ("--data", key, "--reset-signing-state", cluster.name, "-o", plan)
            assert cluster("plan", "-i", inventory, *chosen).status == 0
            done = cluster("restore", "-i", inventory, "--plan", plan, "--yes", "--json")
            assert (done.status, done.lines[-1]["outcome"]) == (0, "restored"), done.err
            got = [(path.partition("?")[0], headers) for how, path, headers in store.asked if how == "GET"]
        assert [headers["Range"] for path, headers in got if path.endswith(key)] == ["bytes=0-0"]
        assert len([path for path, _ in got if "/.loomtui/parts/" in path]) >= len(broken.names)
        assert cluster("status").status == 0
