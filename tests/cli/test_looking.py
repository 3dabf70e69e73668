"""The commands that only look, over real SSH and S3 protocols, at a healthy practice cluster."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from loomtui.drill.practice import Practice
from loomtui.inventory import load
from tests.cli.conftest import ROOT, Cluster, command

NODES = ["val-1", "val-2", "backup-1"]
ID = re.compile(r"[0-9a-f]{40}")


def is_moment(text: str) -> bool:
    """ISO 8601 in UTC, with a Z."""
    return text.endswith("Z") and datetime.fromisoformat(text).utcoffset() is not None


def test_status_of_a_healthy_cluster(cluster: Cluster) -> None:
    done = cluster("status", "--json")
    assert (done.status, done.err) == (0, ""), done.out
    document = done.document
    assert document["cluster"] == cluster.name
    assert document["state"] == "healthy"
    assert document["diagnoses"] == []
    assert [node["name"] for node in document["nodes"]] == NODES
    for node in document["nodes"]:
        assert node["role"] == ("backup" if node["name"] == "backup-1" else "validator")
        assert (node["reachable"], node["error"], node["catching_up"]) == (True, None, False)
        assert (node["service"]["active"], node["service"]["sub"]) == ("active", "running")
        assert is_moment(node["service"]["since"])
        assert ID.fullmatch(node["node_id"])
        assert node["height"] >= 120
        assert node["peers"] == len(NODES) - 1
        others = [name for name in NODES if name not in ("backup-1", node["name"])]
        backup = [] if node["name"] == "backup-1" else ["backup-1"]
        told = {"seen": others, "missing": [], "untold": [], "others": backup, "strangers": []}
        assert node["connections"] == told
        assert node["missing_databases"] == []
        assert node["disk_free_bytes"] > 0
        assert node["load_average"] >= 0


@pytest.mark.slow
def test_status_for_people(cluster: Cluster) -> None:
    done = cluster("status")
    assert done.status == 0
    assert done.out.startswith(f"{cluster.name}: ● HEALTHY. ")
    assert [line.split()[0] for line in done.out.splitlines()[-len(NODES) :]] == NODES
    assert "\x1b" not in done.out


def test_backups(cluster: Cluster) -> None:
    done = cluster("backups", "--json")
    assert done.status == 0
    backups = done.document["backups"]
    assert backups == sorted(backups, key=lambda backup: backup["taken_at"], reverse=True)
    assert {"data", "config"} <= {backup["kind"] for backup in backups}
    assert {"bzip2", "gzip"} <= {backup["compression"] for backup in backups}
    assert "backup.loom.example" in {backup["source"] for backup in backups}
    assert all(is_moment(backup["taken_at"]) and backup["size_bytes"] > 0 for backup in backups)
    for_people = cluster("backups")
    assert for_people.status == 0
    assert len(for_people.out.splitlines()) == 1 + len(backups)


def newest(cluster: Cluster, kind: str) -> str:
    backups = cluster("backups", "--json").document["backups"]
    return next(str(backup["key"]) for backup in backups if backup["kind"] == kind)


@pytest.mark.parametrize("verb", ["show", "verify"])
def test_one_backup(cluster: Cluster, verb: str) -> None:
    key = newest(cluster, "data")
    done = cluster("backups", verb, key, "--json")
    assert done.status == 0
    document = done.document
    assert (document["key"], document["kind"], document["certain"]) == (key, "data", True)
    assert len(document["sha256"]) == 64
    assert {"app.db", "chaindata/data"} <= set(document["data"])
    assert ("members" in document) == (verb == "show")
    for_people = cluster("backups", verb, key)
    assert for_people.status == 0
    assert document["sha256"] in for_people.out


@pytest.fixture
def damaged(healthy: Practice) -> Iterator[str]:
    """The key of a data archive that is cut off, newer than all others."""
    s3 = load(healthy.inventory_path).s3
    session = boto3.session.Session("practice", "practice", region_name=s3.region)
    client = session.client("s3", endpoint_url=s3.endpoint)
    listed = client.list_objects_v2(Bucket=s3.bucket, Prefix=s3.prefix)["Contents"]
    ending = "-backup.loom.example.tar.bz2"
    whole = max(entry["Key"] for entry in listed if entry["Key"].endswith(ending))
    body = client.get_object(Bucket=s3.bucket, Key=whole)["Body"].read()
    key = f"{s3.prefix}{datetime.now(UTC):%Y-%m-%d--%H%M%S}{ending}"
    client.put_object(Bucket=s3.bucket, Key=key, Body=body[: len(body) // 2])
    yield key
    client.delete_object(Bucket=s3.bucket, Key=key)
    client.close()


@pytest.mark.slow
def test_a_damaged_backup_is_shown_as_far_as_it_can_be_read(cluster: Cluster, damaged: str) -> None:
    done = cluster("backups", "show", damaged, "--json")
    assert done.status == 1
    assert "truncated" in done.err
    document = done.document
    assert (document["key"], document["kind"], document["certain"]) == (damaged, "data", False)
    assert document["fault"]["kind"] == "rejected"
    assert "truncated" in document["fault"]["reason"]
    assert any(member["path"].startswith("app.db/") for member in document["members"])
    people = cluster("backups", "show", damaged)
    assert people.status == 1
    assert "NOT TO BE RESTORED" in people.out
    assert "app.db/000005.ldb" in people.out
    assert cluster("backups", "verify", damaged).status == 1
    listed = {one["key"]: one for one in cluster("backups", "--json").document["backups"]}
    assert listed[damaged]["fault"]["kind"] == "rejected"  # known from the look
    assert listed[damaged]["taken_by"] == "measured"
    assert f"✗ {damaged}: it is truncated" in cluster("backups").out


@pytest.mark.slow
def test_the_plan_names_a_damaged_backup_that_is_newer_than_what_it_takes(
    cluster: Cluster, damaged: str
) -> None:
    document = cluster("plan", "--json").document
    (passed,) = document["passed_over"]
    assert (passed["key"], passed["kind"], passed["why"]) == (damaged, "data", "rejected")
    assert "truncated" in passed["reason"]
    assert any(damaged in warning for warning in document["warnings"])
    assert f"newer, but passed over: {damaged}" in cluster("plan").out


def test_backup_that_is_not_there(cluster: Cluster) -> None:
    done = cluster("backups", "show", "nightly/nothing", "--json")
    assert (done.status, done.out) == (1, "")
    assert "nightly/nothing" in done.err


@pytest.mark.slow
def test_nodekeys(cluster: Cluster) -> None:
    done = cluster("nodekeys", "--json")
    assert done.status == 0
    document = done.document
    assert (document["ok"], document["mismatches"]) == (True, [])
    assert [node["name"] for node in document["nodes"]] == NODES
    assert all(ID.fullmatch(node["node_id"]) for node in document["nodes"])
    assert all(node["reported"] == node["node_id"] for node in document["nodes"])
    for_people = cluster("nodekeys")
    assert for_people.status == 0
    assert "Every reference that was seen is right." in for_people.out


@pytest.mark.slow
def test_services(cluster: Cluster) -> None:
    done = cluster("services", "--json")
    assert done.status == 0
    assert done.document["ok"] is True
    assert [(node["name"], node["changes"]) for node in done.document["nodes"]] == [
        (name, False) for name in NODES
    ]
    assert "● right" in cluster("services", "--diff").out


def test_logs_of_all_nodes_by_time(cluster: Cluster) -> None:
    lines = cluster("logs", "--json", "-n", "3").lines
    assert {line["node"] for line in lines} == set(NODES)
    assert all(line["text"] and is_moment(line["at"]) for line in lines)
    times = [line["at"] for line in lines]
    assert times == sorted(times)


def test_logs_filter_by_node_and_pattern(cluster: Cluster) -> None:
    done = cluster("logs", "--node", "val-2", "--grep", "addrbook", "--explain")
    assert done.status == 0
    logged = [line for line in done.out.splitlines() if not line.lstrip().startswith("└")]
    assert logged
    assert all(line.startswith("val-2") and "addrbook" in line for line in logged)
    assert "└ harmless" in done.out


@pytest.mark.slow
def test_plan_that_must_not_be_run_is_kept_and_ends_with_3(cluster: Cluster, tmp_path: Path) -> None:
    kept = tmp_path / "plan.yml"
    done = cluster("plan", "--json", "-o", str(kept), "--keep-keys")
    assert done.status == 3
    assert kept.exists()
    document = done.document
    assert document["cluster"] == cluster.name
    assert document["prediction"]["moves"] is False
    assert document["refusals"]
    refused = cluster("restore", "--plan", str(kept), "--yes", "--json")
    assert (refused.status, refused.out) == (3, "")
    assert "must not be run" in refused.err
    made_anew = refused.err.split("Make it anew: ")[1]
    assert made_anew.startswith("loomtui plan ")
    assert f"--keep-keys -o {kept}" in " ".join(made_anew.split())
    assert cluster("runs", "--json").document == {"runs": []}


@pytest.mark.slow
def test_plan_for_people_says_first_that_the_chain_would_stand_still(cluster: Cluster) -> None:
    done = cluster("plan", "--keep-keys", "--no-stage-first")
    assert done.status == 3
    text = done.out
    told = [line for line in text.splitlines() if "loomtui plan " in line]
    assert len(told) == 2
    assert all("--no-stage-first --keep-keys" in line for line in told)
    assert text.index("would stand still") < text.index("val-1  ")
    assert f"--reset-signing-state {cluster.name}" in text
    assert text.rstrip().endswith("Nothing was changed.")


@pytest.mark.slow
def test_plan_of_another_cluster_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    kept = tmp_path / "plan.yml"
    cluster("plan", "--json", "-o", str(kept))
    other = cluster.inventory_with(tmp_path, f"cluster: {cluster.name}", "cluster: another")
    done = cluster("restore", "-i", other, "--plan", str(kept), "--yes")
    assert done.status == 2
    assert "another" in done.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "env"),
    [
        ("bucket: loom-backups", "bucket: no-such-bucket", {}),
        ("", "", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}),
        ("endpoint: http://", "endpoint: http://127.0.0.1:1/", {}),
    ],
    ids=["no bucket", "no credentials", "no endpoint"],
)
def test_s3_that_cannot_be_used_ends_with_4(
    cluster: Cluster, tmp_path: Path, old: str, new: str, env: dict[str, str]
) -> None:
    path = cluster.inventory_with(tmp_path, old, new)
    for args in (("backups", "--json"), ("plan", "--json")):
        done = cluster(*args, "-i", path, env=env)
        assert (done.status, done.out) == (4, "")
        assert done.err.startswith("Error: ")


@pytest.mark.slow
def test_watch_goes_on_until_it_is_told_to_stop(cluster: Cluster, home: Path) -> None:
    watching = subprocess.Popen(
        command("status", "-i", str(cluster.practice.inventory_path), "--watch", "--json"),
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with watching as process:
        assert process.stdout is not None
        looks: list[dict[str, Any]] = []
        while len(looks) < 2 or looks[-1]["state"] != "healthy":  # no block may have come between two looks
            looks.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (130, "Interrupted.")
    assert looks[0]["at"] < looks[1]["at"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--map", "val-1"), "--map val-1 says nothing"),
        (("--map", "val-1=a", "--map", "val-1=b"), "something twice"),
        (("--map", "val-1=nowhere"), "no backups of nowhere for val-1"),
        (("--map", "val-9=ip-10-2-0-11"), "no such node: val-9"),
        (("--map", "val-1=ip-10-2-0-12"), "val-1 and val-2 would both get the backups of ip-10-2-0-12"),
        (("--gone", "val-9"), "no such node: val-9"),
        (("--gone", "val-2", "--nodes", "val-2"), "cannot be restored and gone at once"),
    ],
)
def test_wrong_mappings_are_wrong_calls_that_say_what_is_right(
    cluster: Cluster, args: tuple[str, ...], said: str
) -> None:
    done = cluster("plan", *args)
    assert done.status == 2
    assert said in done.err
    assert done.out == ""


@pytest.mark.slow
def test_a_node_that_answers_is_not_gone(cluster: Cluster) -> None:
    done = cluster("plan", "--gone", "val-2", "--json")
    assert done.status == 3
    assert any(
        text.startswith("val-2 is said to be gone, but it answers") for text in done.document["refusals"]
    )
