"""A manifest that is written and read again, and manifests that somebody else wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.backups.layouts import may_be_data
from loomtui.backups.model import BackupKind, Compression
from loomtui.backups.prepared import document
from loomtui.backups.prepared.checking import ManifestInvalid, files_for_twin
from loomtui.backups.prepared.document import dump, outline, read
from loomtui.backups.prepared.finding import Prepared
from loomtui.backups.prepared.making import refusal_manifest
from loomtui.backups.prepared.manifest import Manifest
from loomtui.backups.prepared.reference import Outline
from loomtui.errors import ArchiveRejected
from tests.backups.depot import files_of, night
from tests.backups.making import (
    CONFIG_TAR,
    TM_GENESIS_TEXT,
    UNIT_TEXT,
    data_tar,
    node_key,
    pack,
    priv_validator,
    tar_with,
)
from tests.backups.manifests import AUTHOR, backup_of, looked_at, twin_of
from tests.loom.test_chainstate import STATE


def full_tar() -> bytes:
    """Of a node whose state.db tells of its chain."""
    return data_tar(
        ("evm.db/CURRENT", "MANIFEST-000000\n"),
        ("evm.db/MANIFEST-000000", "x"),
        ("chaindata/data/state.db/CURRENT", "MANIFEST-000000\n"),
        ("chaindata/data/state.db/MANIFEST-000000", "x"),
        ("chaindata/data/state.db/000001.log", STATE),
        ("chaindata/config/node_key.json", node_key()),
        ("chaindata/config/priv_validator.json", priv_validator()),
        ("chaindata/config/genesis.json", TM_GENESIS_TEXT),
        ("genesis.json", '{"contracts":[]}'),
        ("loom.yml", "password: hunter2"),
        ("loom.service", UNIT_TEXT),
    )


@cache
def body() -> bytes:
    return pack(full_tar(), Compression.GZIP)


@cache
def made() -> Manifest:
    _, manifest = looked_at(body())
    return replace(manifest, twin=twin_of(manifest), has_twin=True)


def changed(**fields: Any) -> dict[str, Any]:
    document_: dict[str, Any] = json.loads(dump(made()))
    return {**document_, **fields}


def encoded(document_: dict[str, Any]) -> bytes:
    return json.dumps(document_).encode()


# ── there and back ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tar", [full_tar(), data_tar(), CONFIG_TAR], ids=["full", "data", "config"])
def test_what_is_read_again_is_what_a_read_of_the_archive_tells(tar: bytes) -> None:
    archive = pack(tar, Compression.BZIP2)
    backup = backup_of(archive)
    contents, manifest = looked_at(archive, backup)
    data = dump(manifest)
    ref = document.reference(manifest, "key", '"e"', data)
    again = Prepared(ref, read(data)).contents(backup)
    assert again == replace(contents, texts={}, manifest=ref)
    assert contents.texts or tar == data_tar()


def test_no_key_and_no_text_of_a_config_file_is_in_it() -> None:
    text = dump(made()).decode()
    assert "hunter2" not in text
    assert json.loads(node_key())["priv_key"]["value"] not in text
    assert "PrivKey" not in text


def test_a_backup_that_was_refused_is_refused_without_being_read() -> None:
    bad = replace(backup_of(b"x"), kind=BackupKind.DATA, compression=Compression.BZIP2)
    manifest = read(dump(refusal_manifest(bad, "it is truncated at byte 7", AUTHOR)))
    ref = document.reference(manifest, "key", "", b"")
    with pytest.raises(ArchiveRejected, match=r"truncated at byte 7.*by its manifest of 2026-11-29"):
        Prepared(ref, manifest).contents(bad)


def test_its_beginning_tells_what_a_list_shows() -> None:
    data = dump(made())
    source = made().source
    found = outline(data[:1500])
    assert found == Outline(source.size_bytes, source.etag, "full", False, True, AUTHOR.made_at)
    assert len(data) > 1500
    assert outline(data[:200]) is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xff", b'{"format": "other"}', b"[" * 100_000])
def test_the_beginning_of_something_else_tells_nothing(data: bytes) -> None:
    assert outline(data) is None


def test_fields_that_a_later_version_adds_are_passed_over() -> None:
    assert read(encoded(changed(more={"a": 1}))) == made()


@pytest.mark.parametrize("tar", [full_tar(), data_tar(), night(1, 2)], ids=["full", "data", "night"])
@pytest.mark.parametrize("below", ["", "./", "home/ubuntu/"])
def test_what_is_restored_as_data_is_known_while_it_is_read(tar: bytes, below: str) -> None:
    """A twin is packed before the whole listing is known."""
    moved = tar_with(*((below + name, data) for name, data in files_of(tar).items()))
    _, manifest = looked_at(pack(moved, Compression.GZIP))
    wanted = files_for_twin(manifest.files, manifest.data_items)
    assert wanted
    assert all(may_be_data(manifest.files[index].path) for index in wanted)


# ── hostile ones ────────────────────────────────────────────────────────────────────────────────────────────


def with_file(index: int = 0, **fields: Any) -> dict[str, Any]:
    document_ = changed()
    document_["files"][index] |= fields
    return document_


def with_other(**fields: Any) -> dict[str, Any]:
    other = {"path": "d", "type": "directory", "size": 0, "link": "", "mtime": 0}
    return changed(others=[{**other, **fields}])


def with_part(number: int = 0, **fields: Any) -> dict[str, Any]:
    document_ = changed()
    document_["twin"]["parts"][number] |= fields
    return document_


def with_frame(number: int = 0, **fields: Any) -> dict[str, Any]:
    document_ = changed()
    document_["twin"]["parts"][-1]["frames"][number] |= fields
    return document_


def with_chain(**fields: Any) -> dict[str, Any]:
    document_ = changed()
    document_["chain"] |= fields
    return document_


def with_power(**fields: Any) -> dict[str, Any]:
    document_ = changed()
    document_["chain"]["validators"][0] |= fields
    return document_


def without_last_frame() -> dict[str, Any]:
    document_ = changed()
    del document_["twin"]["parts"][-1]["frames"][-1]
    return document_


def with_identity(name: str, **fields: Any) -> dict[str, Any]:
    document_ = changed()
    document_[name] |= fields
    return document_


HOSTILE: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "another format": (lambda: changed(format="tar"), "format"),
    "a later version": (lambda: changed(version=2), "version"),
    "a version as a text": (lambda: changed(version="1"), "version"),
    "a time without zone": (lambda: changed(made_at="2026-01-01T00:00:00"), "no time zone"),
    "no time": (lambda: changed(made_at="yesterday"), "made_at"),
    "an author with an escape": (lambda: changed(made_by="\x1b[2Jroot"), "made_by holds what cannot"),
    "a warning of two lines": (lambda: changed(warnings=["a\nb"]), "a warning holds"),
    "a thousand warnings": (lambda: changed(warnings=["a"] * 1000), "warnings"),
    "an endless warning": (lambda: changed(warnings=["a" * 10_000]), "warnings"),
    "a refusal with a listing": (lambda: changed(refusal="no"), "refuses the backup, but lists"),
    "no listing": (lambda: changed(files=[], others=[], twin=None, has_twin=False), "lists nothing"),
    "no digest of the source": (
        lambda: changed(source={**changed()["source"], "sha256": ""}), "does not tell its SHA-256",
    ),
    "an ETag for a shell": (lambda: changed(source={**changed()["source"], "etag": '"$(x)"'}), "source.etag"),
    "a source of negative size": (
        lambda: changed(source={**changed()["source"], "size_bytes": -1}), "source.size_bytes",
    ),
    "a size as a float": (lambda: with_file(size_bytes=1.5), "files.0.size_bytes"),
    "a size as a text": (lambda: with_file(size_bytes="1"), "files.0.size_bytes"),
    "a size below zero": (lambda: with_file(size_bytes=-1), "files.0.size_bytes"),
    "an absurd size": (lambda: with_file(size_bytes=2**70), "files.0.size_bytes"),
    "a digest in upper case": (lambda: with_file(sha256="A" * 64), "files.0.sha256"),
    "a digest with a newline": (lambda: with_file(sha256="a" * 64 + "\n"), "files.0.sha256"),
    "a time beyond all": (lambda: with_file(mtime=2**60), "files.0.mtime"),
    "a path that leads out": (lambda: with_file(path="../x"), "leads out of the archive"),
    "an absolute path": (lambda: with_file(path="/etc/passwd"), "absolute name"),
    "a path with an escape": (lambda: with_file(path="a\x1b[2J"), "control characters"),
    "a path twice": (lambda: with_file(path="./" + changed()["files"][1]["path"]), "in it twice"),
    "a file that another lies in": (lambda: with_file(path="app.db"), "through a file"),
    "a database less": (lambda: with_file(path="elsewhere/CURRENT"), "kind and items"),
    "another target": (lambda: with_file(-1, target="loom.yml"), "kind and items"),
    "a target for a table": (lambda: with_file(target="loom.yml"), "config file that cannot be one"),
    "no such target": (lambda: with_file(-1, target="/etc/shadow"), "config file that cannot be one"),
    "another kind": (lambda: changed(kind="data"), "kind and items"),
    "no kind": (lambda: changed(kind="everything"), "kind"),
    "an item more": (
        lambda: changed(data_items=[*changed()["data_items"], {"source": "x", "target": "events.db"}]),
        "kind and items",
    ),
    "an item from elsewhere": (
        lambda: changed(data_items=[{"source": "../x", "target": "app.db"}]), "kind and items",
    ),
    "a file among the others": (lambda: with_other(type="file"), "neither a folder nor a link"),
    "a device": (lambda: with_other(type="other"), "neither a folder nor a link"),
    "a link that leads out": (lambda: with_other(type="symlink", link="../../x"), "leads out"),
    "a link in place of a database": (lambda: with_other(path="app.db", type="symlink", link="x"), "twice"),
    "a folder with a size": (lambda: with_other(size=5), "neither a folder nor a link"),
    "a folder from beyond": (lambda: with_other(mtime=-1), "time is out of range"),
    "hard links in a twin": (
        lambda: with_other(path="app.db/x", type="hardlink", link="app.db/CURRENT"), "no twin: hard links",
    ),
    "a height below zero": (lambda: changed(app_height=-1), "app_height"),
    "a height beyond 64 bits": (lambda: changed(store_height=2**63), "store_height"),
    "heights that differ from the chain's": (lambda: changed(state_height=1), "state_height is not"),
    "a chain below zero": (lambda: with_chain(height=-1), "no state of a chain"),
    "a chain with an escape": (lambda: with_chain(chain_id="\x1b[2J"), "no state of a chain"),
    "a chain without validators": (lambda: with_chain(validators=[]), "no state of a chain"),
    "a block hash that is none": (lambda: with_chain(block_hash="$(x)"), "no state of a chain"),
    "a block without a time": (lambda: with_chain(block_time=None), "no state of a chain"),
    "power below zero": (lambda: with_power(power=-5), "no state of a chain"),
    "another address than the key's": (lambda: with_power(address="0" * 40), "no state of a chain"),
    "a key that is none": (lambda: with_power(public_key="x"), "no state of a chain"),
    "a genesis that is none": (lambda: changed(genesis_doc="{}"), "genesis_doc"),
    "another node ID than the key's": (lambda: with_identity("node_key", node_id="0" * 40), "node_key"),
    "a node ID for a shell": (
        lambda: with_identity("node_key", node_id="$(x)", public_key=None), "node_key is not",
    ),
    "another validator than the key's": (
        lambda: with_identity("validator", address="0" * 40), "validator is not",
    ),
    "a signing state below zero": (
        lambda: with_identity("validator", signing={"height": -1, "round": 0, "step": 0}), "validator is not",
    ),
    "a twin that is not there": (lambda: changed(twin=None), "has_twin and twin"),
    "a twin that is not told": (lambda: changed(has_twin=False), "has_twin and twin"),
    "a part elsewhere": (lambda: with_part(key="other/backup.tar.zst"), "where none can be"),
    "a part twice": (lambda: with_part(key=changed()["twin"]["parts"][1]["key"]), "named twice"),
    "a part of no size": (lambda: with_part(size_bytes=0), "size_bytes"),
    "an absurd part": (lambda: with_part(size_bytes=2**50), "size_bytes"),
    "a part without frames": (lambda: with_part(frames=[]), "no frames"),
    "a frame beyond the part": (lambda: with_frame(-1, length=10_000), "overlap, or lie beyond"),
    "frames that overlap": (lambda: with_frame(1, offset=0), "overlap, or lie beyond"),
    "a frame of no length": (lambda: with_frame(length=0), "length"),
    "a frame before the part": (lambda: with_frame(offset=-1), "offset"),
    "an index below zero": (lambda: with_frame(files=[-1]), "files"),
    "an index beyond the files": (lambda: with_frame(files=[400_000]), "not listed"),
    "a file in two frames": (lambda: with_frame(files=[0]), "exactly one frame"),
    "a config file in a frame": (lambda: with_frame(files=[len(made().files) - 1]), "and nothing else"),
    "a file in no frame": (without_last_frame, "exactly one frame"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_manifest_that_contradicts_itself_is_refused_in_one_clean_sentence(case: str) -> None:
    make, expected = HOSTILE[case]
    with pytest.raises(ManifestInvalid, match=expected) as caught:
        read(encoded(make()))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 1_000_000, b'{"format":' * 100_000, b"1" * 10_000],
    ids=["empty", "object", "list", "null", "no UTF-8", "deep lists", "deep objects", "a number"],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ManifestInvalid):
        read(data)


def test_a_manifest_without_end_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_MANIFEST_BYTES", 100)
    with pytest.raises(ManifestInvalid, match="more than 100 bytes"):
        read(b"x" * 101)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_any_value_in_any_place_is_taken_or_refused(data: st.DataObject) -> None:
    """A place is a path into the document; whatever stands there, reading ends in a manifest or a refusal."""
    document_: Any = changed()
    place = document_
    while True:
        keys: list[Any] = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(JSON)
    with suppress(ManifestInvalid):
        manifest = read(encoded(document_))
        assert read(dump(manifest)) == manifest
