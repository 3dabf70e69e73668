"""Manifests that lie are found out by what a node has unpacked, before anything is stopped.

Each field of a manifest is here: `LIES` has those that only a node can find out, `AT_ONCE` those that
contradict something as soon as they are read, `HARMLESS` those that decide nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from loomtui.backups.archive import Reading, read
from loomtui.backups.contents import assemble
from loomtui.backups.model import Compression
from loomtui.backups.prepared import document
from loomtui.backups.prepared.digests import FileDigests
from loomtui.backups.prepared.finding import Prepared
from loomtui.backups.prepared.making import manifest_of
from loomtui.backups.prepared.manifest import Manifest, ManifestFile, Source
from loomtui.errors import ArchiveRejected
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.plan import Plan
from loomtui.restore.running.operator import OnFailure
from tests.backups.manifests import AUTHOR
from tests.loom import leveldb_writer
from tests.loom.test_manifest import START, added
from tests.restore.cluster import BACKUP_TIME, LocalCluster, stopped_at
from tests.restore.material import Key
from tests.restore.scripted import Scripted
from tests.restore.serving import Store
from tests.sampling import rest_slow

Make = Callable[..., LocalCluster]
Lie = Callable[[Manifest], Manifest]


def prepare(cluster: LocalCluster, store: Store, lie: Lie = lambda manifest: manifest) -> None:
    """All data archives of the cluster get a manifest, which `lie` has changed."""
    catalogue = cluster.catalogue
    catalogue.url = store.url
    for key, body in catalogue.objects.items():
        store.objects[key] = (body, catalogue.backups[key].etag.strip('"'))
        if "data" in key:
            offer(cluster, key, lie(true_manifest(cluster, key, body)))


def true_manifest(cluster: LocalCluster, key: str, body: bytes) -> Manifest:
    reading, digests = Reading(), FileDigests()
    read((body,), reading, taker=digests)
    contents = assemble(cluster.catalogue.backups[key], reading, hashlib.sha256(body).hexdigest())
    return manifest_of(contents, digests.files, reading.files, AUTHOR)


def offer(cluster: LocalCluster, key: str, manifest: Manifest) -> None:
    data = document.dump(manifest)
    assert document.read(data) == manifest, "it contradicts nothing"
    ref = document.reference(manifest, f"{key}.loomtui.json", '"m"', data)
    cluster.catalogue.prepared.by_key[key] = Prepared(ref, manifest)


# ── what only a node finds out ──────────────────────────────────────────────────────────────────────────────


def lower(manifest: Manifest) -> Manifest:
    assert manifest.chain is not None
    assert manifest.state_height is not None
    state = replace(manifest.chain, height=manifest.chain.height - 1)
    return replace(manifest, chain=state, state_height=manifest.state_height - 1)


def other_powers(manifest: Manifest) -> Manifest:
    assert manifest.chain is not None
    powers = tuple(replace(power, power=power.power + 1) for power in manifest.chain.validators)
    return replace(manifest, chain=replace(manifest.chain, validators=powers))


def other_chain(manifest: Manifest) -> Manifest:
    assert manifest.chain is not None
    return replace(manifest, chain=replace(manifest.chain, chain_id="another"))


JOURNAL = "app.db/000001.log"


def without_file(manifest: Manifest) -> Manifest:
    return replace(manifest, files=tuple(file for file in manifest.files if file.path != JOURNAL))


def with_more(manifest: Manifest) -> Manifest:
    more = ManifestFile("app.db/000077.ldb", 5, "0" * 64)
    return replace(manifest, files=(*manifest.files, more))


def file_with(**changes: Any) -> Lie:
    def lie(manifest: Manifest) -> Manifest:
        files = (replace(file, **changes) if file.path == JOURNAL else file for file in manifest.files)
        return replace(manifest, files=tuple(files))

    return lie


def source_with(**changes: Any) -> Lie:
    return lambda manifest: replace(manifest, source=replace(manifest.source, **changes))


@dataclass(frozen=True)
class Told:
    """A lie, which field it is about, and what is said of it."""

    field: str
    lie: Lie
    said: str
    tools: tuple[str, ...] = ()  # of the nodes; without any the archive is relayed


JUDGED = "its manifest lies: "
LIES = {
    "app": Told(
        "app_height", lambda one: replace(one, app_height=99), f"{JUDGED}it has app.db at height 99, but that"
    ),
    "blocks": Told(
        "store_height",
        lambda one: replace(one, store_height=None),
        f"{JUDGED}it has the block store at height none, but",
    ),
    "state": Told("state_height", lower, f"{JUDGED}it has state.db at height 99, but that is at 100"),
    "powers": Told("chain", other_powers, f"{JUDGED}it tells another state of the chain than state.db"),
    "genesis": Told(
        "genesis_doc",
        lambda one: replace(one, genesis_doc='{"chain_id": "x"}'),
        f"{JUDGED}it tells another genesis than state.db",
    ),
    "a file less": Told("files", without_file, "were unpacked, the archive lists"),
    "a file more": Told("files", with_more, "app.db/000077.ldb"),
    "another size": Told("files", file_with(size_bytes=7), "were unpacked, the archive lists"),
    "another digest": Told("files", file_with(sha256="0" * 64), f"{JOURNAL}: FAILED"),
    "another archive": Told(
        "source",
        source_with(sha256="0" * 64),
        "is not the archive that the plan was made of",
        tools=("curl", "gzip"),
    ),
    "another compression": Told(
        "source", source_with(compression=Compression.ZSTD), "zstd", tools=("curl", "gzip")
    ),
}


@pytest.mark.parametrize("lie", rest_slow(LIES, 3))
async def test_a_lie_is_found_out_before_anything_is_stopped(
    make_cluster: Make, store: Store, lie: str
) -> None:
    told = LIES[lie]
    cluster = make_cluster(tools=told.tools)
    before = cluster.live()
    prepare(cluster, store, told.lie)
    run = await cluster.run()
    data = run.plan.node("n1").data
    assert data is not None
    assert data.manifest is not None
    fleet = cluster.fleet()
    error = await stopped_at(cluster, run, fleet)
    assert told.said in error.what
    assert error.node == "n1"
    assert not {"stop", "hold", "swap"} & {ran.name for ran in fleet.ran}
    assert cluster.live() == before


async def test_another_chain_than_that_of_the_files_makes_no_plan(make_cluster: Make, store: Store) -> None:
    cluster = make_cluster()
    prepare(cluster, store, other_chain)
    assert (await cluster.plan()).refusals


async def test_torn_data_that_is_called_whole_is_judged_on_the_node(make_cluster: Make, store: Store) -> None:
    """The verdict. Its writer knew every digest, and the heights of data that was whole."""
    cluster = make_cluster()
    catalogue = cluster.catalogue
    (key,) = (key for key in catalogue.objects if "data" in key)
    whole = true_manifest(cluster, key, catalogue.objects[key])
    torn = {"app.db/MANIFEST-000000": leveldb_writer.journal([START + added(2, 1000)])}
    cluster.add_data_backup(key=key, files=torn)
    prepare_torn(cluster, store, key, whole)
    fleet = cluster.fleet()
    error = await stopped_at(cluster, await cluster.run(), fleet)
    assert isinstance(error, ArchiveRejected)
    assert "app.db in it is torn" in error.what
    assert "stop" not in {ran.name for ran in fleet.ran}


def prepare_torn(cluster: LocalCluster, store: Store, key: str, whole: Manifest) -> None:
    body, digests = cluster.catalogue.objects[key], FileDigests()
    read((body,), Reading(), taker=digests)
    backup = cluster.catalogue.backups[key]
    cluster.catalogue.url = store.url
    store.objects[key] = (body, backup.etag.strip('"'))
    source = Source(key, backup.size_bytes, backup.etag, hashlib.sha256(body).hexdigest(), Compression.GZIP)
    files = tuple(
        replace(new, target=old.target) for new, old in zip(digests.files, whole.files, strict=True)
    )
    offer(cluster, key, replace(whole, source=source, files=files))


# ── what needs no node ──────────────────────────────────────────────────────────────────────────────────────

#: Field → why a lie about it is known as soon as the manifest is read (tests/backups/test_manifest.py,
#: test_prepared.py).
AT_ONCE = {
    "format": "there is one",
    "version": "there is one",
    "source": "key, size and ETag have to be those of the backup: otherwise it counts as not prepared",
    "kind": "it follows from the listing by the rules of layouts.py",
    "data_items": "likewise",
    "config_items": "likewise",
    "own_items": "likewise",
    "has_twin": "it has to agree with `twin`",
}
#: Field → why nothing is decided by it.
HARMLESS = {
    "made_at": "it is shown; where S3 gives no ETags, it lets an old manifest pass, whose files are compared",
    "made_by": "it is shown",
    "loomtui": "it is shown",
    "refusal": "a good backup that is refused is not restored, and `--look` reads it; a bad one that is not "
    "refused is judged on the node (the test of torn data)",
    "no_twin": "it is shown",
    "others": "folders are made, empty; a link among what is unpacked is refused, told or not (place.sh)",
    "chain_id": "it is shown: a plan goes by `chain`",
    "node_key": "it is shown: whose identity a node gets, a config archive tells, which is read whole",
    "validator": "it is shown, likewise",
    "warnings": "they refuse nothing; what they hint at, torn databases, is judged on the node",
}
#: Field → where its lies are tried.
ELSEWHERE = {"twin": "tests/restore/test_twin_fetching.py: a node compares what each part and frame holds"}


def test_each_field_of_a_manifest_has_its_test() -> None:
    tried = {told.field for told in LIES.values()} | set(AT_ONCE) | set(HARMLESS) | set(ELSEWHERE)
    assert tried == {field.name for field in fields(Manifest)}


def about_what_is_shown(manifest: Manifest) -> Manifest:
    foreign = Key(55)
    key = NodeKeyFacts(foreign.node_id, foreign.public64)
    files = tuple(replace(file, mtime=file.mtime + 86_400) for file in manifest.files)
    return replace(
        manifest,
        made_by="root@nowhere",
        loomtui="99",
        no_twin="no",
        chain_id="another",
        node_key=key,
        validator=foreign.facts(7_000_000),
        warnings=("all is lost",),
        files=files,
    )


async def test_nothing_is_decided_by_what_is_only_shown(make_cluster: Make, store: Store) -> None:
    cluster = make_cluster()
    prepare(cluster, store)
    true = await cluster.plan()
    prepare(cluster, store, about_what_is_shown)
    lying = await cluster.plan()
    assert lying.refusals == ()
    assert decided(lying) == decided(true)


def decided(plan: Plan) -> Plan:
    """Without what is only told, and without when and of which manifest it was made."""
    nodes = (
        replace(node, data=replace(node.data, manifest=None) if node.data else None) for node in plan.nodes
    )
    return replace(plan, id="", made_at=BACKUP_TIME, warnings=(), nodes=tuple(nodes))


# ── whatever happens in between ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize("choices", [{}, {"stage_first": False}], ids=["staged first", "staged after"])
async def test_a_true_manifest_is_restored(make_cluster: Make, store: Store, choices: Any) -> None:
    cluster = make_cluster(2)
    prepare(cluster, store)
    run = await cluster.run(**choices)
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    for machine in cluster.machines.values():
        assert "restored" in (machine.workdir / "app.db/LOG").read_text()


async def test_trying_again_does_not_pass_a_lie_over(make_cluster: Make, store: Store) -> None:
    cluster = make_cluster()
    before = cluster.live()
    prepare(cluster, store, LIES["app"].lie)
    run = await cluster.run()
    operator = Scripted(on_failure=[(OnFailure.RETRY, None)])
    error = await stopped_at(cluster, run, operator=operator)
    assert "its manifest lies" in error.what
    assert [step for step, _, _ in operator.failures] == [StepName.PREFLIGHT] * 2
    assert cluster.live() == before


class Killed(Exception):
    """Nothing of a run catches it, so that it ends as by SIGKILL."""


async def test_what_a_process_that_was_killed_had_not_judged_is_judged_by_the_next(
    make_cluster: Make, store: Store
) -> None:
    cluster = make_cluster()
    prepare(cluster, store, LIES["app"].lie)
    run = await cluster.run()
    fleet = cluster.fleet()

    def killed(node: str, script: str) -> None:
        if script == "staged":
            raise Killed

    fleet.faults.before = killed
    with pytest.raises(Killed):
        await cluster.runner(run, fleet).restore()
    again = cluster.fleet()
    error = await stopped_at(cluster, cluster.store.open(run.id), again)
    assert "its manifest lies" in error.what
    assert "stop" not in {ran.name for ran in again.ran}


async def test_of_data_that_is_fetched_after_the_stop_nothing_lying_is_swapped_in(
    make_cluster: Make, store: Store
) -> None:
    cluster = make_cluster(2)
    prepare(cluster, store, LIES["app"].lie)
    run = await cluster.run(stage_first=False)
    fleet, operator = cluster.fleet(), Scripted(on_failure=[(OnFailure.RETRY, None)])
    error = await stopped_at(cluster, run, fleet, operator)
    assert "its manifest lies" in error.what
    assert [step for step, _, _ in operator.failures] == [StepName.DATA] * 2
    assert "swap" not in {ran.name for ran in fleet.ran}


async def test_what_a_manifest_told_is_not_taken_for_what_is_in_the_archive(
    make_cluster: Make, store: Store
) -> None:
    """The nodes may have fetched its parts, and never seen the archive."""
    cluster = make_cluster()
    prepare(cluster, store)
    run = await cluster.run()
    await cluster.runner(run).restore()
    cache = cluster.catalogue.cache
    assert (cache.told, cache.faults) == ({}, {})
