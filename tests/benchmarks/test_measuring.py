"""How benchmarks measure: both sides in turn, and every byte of this process's sockets."""

from __future__ import annotations

import socket

from benchmarks.counting import counted_traffic
from benchmarks.interleaved import Side, in_turn


def test_sides_are_measured_in_turn_and_what_is_around_them_is_not() -> None:
    done: list[str] = []

    def work(name: str, value: float) -> float:
        done.append(name)
        return value

    def side(name: str, value: float) -> Side:
        return Side(
            name, lambda: work(name, value), lambda: done.append("before"), lambda: done.append("after")
        )

    first, second = in_turn(side("one", 1.0), side("other", 2.0), rounds=2)
    assert done == ["before", "one", "after", "before", "other", "after"] * 2
    assert (first.label, first.values, second.values) == ("one", (1.0, 1.0), (2.0, 2.0))


def test_what_counts_nothing_is_timed() -> None:
    side = Side("nothing", lambda: None)
    found, _ = in_turn(side, side, rounds=1)
    assert 0 <= found.median < 10


def test_every_byte_of_a_socket_counts_both_ways_and_none_afterwards() -> None:
    one, other = socket.socketpair()
    with one, other, other.makefile("rb") as reading, counted_traffic() as traffic:
        one.sendall(b"x" * 100)
        assert reading.read(100) == b"x" * 100
        assert one.send(b"xy") == 2
        assert other.recv(10) == b"xy"
    assert traffic.bytes == 204
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"x")
    assert traffic.bytes == 204
    assert "recv" not in vars(socket.socket)
