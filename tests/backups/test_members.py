from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.backups.members import MAX_FILE_BYTES, MemberCheck, check_members, parts_of
from loomtui.backups.model import Member, MemberType
from loomtui.errors import ArchiveRejected

FILE, FOLDER = MemberType.FILE, MemberType.DIRECTORY
LINK, HARD, OTHER = MemberType.SYMLINK, MemberType.HARDLINK, MemberType.OTHER


def file(path: str, size: int = 0) -> Member:
    return Member(path, FILE, size)


HOSTILE: dict[str, tuple[list[Member], str]] = {
    "parent": ([file("../x")], "leads out"),
    "parent inside": ([file("app.db/../../x")], "leads out"),
    "absolute": ([file("/etc/passwd")], "absolute name"),
    "link to parent": ([Member("app.db", LINK, 0, "../x")], "leads out"),
    "link to parent from below": ([Member("a/b", LINK, 0, "c/../../../x")], "leads out"),
    "absolute link": ([Member("app.db", LINK, 0, "/mnt/data")], "leads out"),
    "empty link": ([Member("app.db", LINK, 0, "")], "leads out"),
    "link that cannot be shown": ([Member("app.db", LINK, 0, "\x1b[2J")], "leads out"),
    "hard link out": ([Member("x", HARD, 0, "../x")], "hard link 'x' leads out"),
    "absolute hard link": ([Member("x", HARD, 0, "/etc/shadow")], "hard link 'x' leads out"),
    "hard link to nothing": ([Member("x", HARD, 0, "y")], "no file that comes before"),
    "hard link to itself alone": ([Member("x", HARD, 0, "x")], "no file that comes before"),
    "hard link to folder": ([Member("d", FOLDER, 0), Member("x", HARD, 0, "d")], "no file that comes before"),
    "device": ([Member("dev/sda", OTHER, 0)], "neither a file nor a folder"),
    "through a symlink": ([Member("a", LINK, 0, "b"), file("a/x")], "through a symlink"),
    "through a file": ([file("a"), file("a/x")], "through a file"),
    "file twice": ([file("loom.yml"), file("./loom.yml")], "twice"),
    "file then folder": ([file("a"), Member("a", FOLDER, 0)], "twice"),
    "folder then link": ([file("a/x"), Member("a", LINK, 0, "b")], "twice"),
    "config file, then link": (
        [file("chaindata/config/x"), Member("chaindata/config/x", LINK, 0, "y")],
        "twice",
    ),
    "huge": ([file("x", MAX_FILE_BYTES + 1)], "absurd size"),
    "negative": ([file("x", -1)], "absurd size"),
    "escape": ([file("a\x1b[2Jb")], "control characters"),
    "newline": ([file("a\nb")], "control characters"),
    "right to left": ([file("a\u202eb")], "control characters"),
    "not UTF-8": ([file("a\udcffb")], "not UTF-8"),
    "long name": ([file("x" * 256)], "longer than Linux allows"),
    "long path": ([file("/".join(["x" * 200] * 21))], "longer than Linux allows"),
    "no name": ([file("./")], "no name"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_members_are_refused_in_one_clean_sentence(case: str) -> None:
    members, expected = HOSTILE[case]
    with pytest.raises(ArchiveRejected, match=expected) as caught:
        check_members(members)
    assert caught.value.what.isprintable()
    assert len(caught.value.what) < 400


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loomtui.backups.members.MAX_MEMBERS", 2)
    with pytest.raises(ArchiveRejected, match="more than 2 members"):
        check_members([file("a"), file("b"), file("c")])


def test_what_tar_makes_of_real_folders_passes() -> None:
    check_members(
        [
            Member(".", FOLDER, 0),
            Member("./app.db", FOLDER, 0),
            file("./app.db/CURRENT", 16),
            Member("chaindata", FOLDER, 0),
            file("chaindata/config/node_key.json"),
            file("chaindata/config/priv_validator.json"),
            Member("chaindata/config", FOLDER, 0),
            Member("chaindata/config/node_key.json", HARD, 0, "chaindata/config/node_key.json"),
            file("chaindata/config/priv_validator.json"),  # replaced while tar was running
            Member("contracts/latest", LINK, 0, "../contracts/coin.1"),
            file("home/übung/x y"),
            Member("other", HARD, 0, "app.db/CURRENT"),
        ]
    )


def test_parts_leave_out_what_says_nothing() -> None:
    assert parts_of("./a//b/./c/") == ("a", "b", "c")
    assert parts_of("./") == ()


@pytest.mark.slow
@given(
    st.lists(
        st.builds(
            Member,
            path=st.one_of(
                st.text(max_size=12), st.lists(st.sampled_from(["a", "b", "..", ".", ""])).map("/".join)
            ),
            type=st.sampled_from(MemberType),
            size=st.integers(),
            link=st.lists(st.sampled_from(["a", "b", "..", ".", ""])).map("/".join),
        ),
        max_size=8,
    )
)
def test_whatever_passes_stays_in_its_tree(members: list[Member]) -> None:
    check = MemberCheck()
    passed = []
    for member in members:
        try:
            check.add(member)
        except ArchiveRejected:
            break
        passed.append(member)
    links = {parts_of(member.path) for member in passed if member.type is LINK}
    for member in passed:
        assert not member.path.startswith("/")
        assert ".." not in member.path.split("/")
        assert member.type is not OTHER
        parts = parts_of(member.path)
        assert not any(parts[:end] in links for end in range(1, len(parts)))
