"""The programs on a node's PATH that are not the host's."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer

import pytest
import zstandard

from loomtui.drill.systemd.journal import Journal
from tests.ability import program as program_of_host
from tests.drill.looking import until

_INTERPRETERS = {".sh": "/bin/sh", ".py": sys.executable}
_BIN = Path(__file__).parents[2] / "loomtui/drill/bin"


def run(
    script: str, *arguments: str, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    suffix = Path(script).suffix
    program = program_of_host("perl", "perl-base") if suffix == ".pl" else _INTERPRETERS[suffix]
    return subprocess.run(
        [program, str(_BIN / script), *arguments],
        input=stdin,
        capture_output=True,
        timeout=30,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("kind", "packed"),
    [
        ("bzip2", bz2.compress(b"data" * 1000)),
        ("gzip", gzip.compress(b"data" * 1000)),
        ("xz", lzma.compress(b"data" * 1000)),
        ("zstd", zstandard.compress(b"data" * 1000)),
    ],
)
def test_decompressors(kind: str, packed: bytes) -> None:
    assert run("decompress.py", kind, "-dc", stdin=packed).stdout == b"data" * 1000
    assert run("decompress.py", kind, "-dc", stdin=b"garbage").returncode != 0
    assert run("decompress.py", kind, "-dc", stdin=packed[:-8]).returncode != 0


# systemctl


CALLERS = ("manager_call.py", "manager_call.pl")


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[list[bytes]]:
    """What a manager is asked that answers with status 3 and with both outputs."""
    calls: list[bytes] = []

    class Answer(StreamRequestHandler):
        def handle(self) -> None:
            calls.append(self.rfile.read())
            self.wfile.write("3\0wrong\n\0it is \0 ü\n".encode())

    (tmp_path / ".practice").mkdir()
    with ThreadingUnixStreamServer(str(tmp_path / ".practice/systemd"), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        yield calls
        server.shutdown()


@pytest.mark.parametrize("caller", CALLERS)
def test_what_asks_the_manager_passes_on_every_byte(caller: str, tmp_path: Path, asked: list[bytes]) -> None:
    arguments = ("systemctl", "/a folder", "show", "", "x\ny", "ü\\'\"$(id)")
    ended = run(caller, str(tmp_path), *arguments)
    assert asked == ["\0".join(arguments).encode()]
    assert (ended.returncode, ended.stderr, ended.stdout) == (3, b"wrong\n", "it is \0 ü\n".encode())


@pytest.mark.parametrize("caller", CALLERS)
def test_without_a_manager_it_says_what_systemctl_says(caller: str, tmp_path: Path) -> None:
    ended = run(caller, str(tmp_path), "systemctl", "/", "show")
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert ended.stderr.startswith(b"Failed to connect to bus: ")


# sudo


def sudo(root: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return run("sudo.sh", *arguments, stdin=stdin, ROOT=str(root))


@pytest.fixture
def guarded(tmp_path: Path) -> Path:
    (tmp_path / ".practice").mkdir()
    (tmp_path / ".practice/sudo-password").write_text("geheim\n")
    return tmp_path


def test_sudo_without_a_password(tmp_path: Path) -> None:
    done = sudo(tmp_path, "-n", "-u", "root", "--", "sh", "-c", 'echo "$1"; exit 4', "x", "a b")
    assert (done.returncode, done.stdout) == (4, b"a b\n")


def test_sudo_wants_its_password(guarded: Path) -> None:
    done = sudo(guarded, "-n", "true")
    assert (done.returncode, done.stderr) == (1, b"sudo: a password is required\n")
    assert b"a terminal is required" in sudo(guarded, "true").stderr


def test_sudo_takes_one_line_and_leaves_the_rest(guarded: Path) -> None:
    done = sudo(guarded, "-k", "-S", "-p", "", "cat", stdin=b"geheim\nfor cat\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"for cat\n", b"")


def test_sudo_gives_up_after_three_wrong_passwords(guarded: Path) -> None:
    done = sudo(guarded, "-S", "true", stdin=b"a\nb\nc\nd\n")
    assert done.returncode == 1
    assert b"3 incorrect password attempts" in done.stderr


# curl and wget


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/found?a=1&b=2"
        body = json.dumps({"range": self.headers["Range"], "if": self.headers["If-Match"]}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_curl_takes_the_url_from_its_configuration(web: str) -> None:
    config = f'url = "{web}/found?a=1&b=2"\nheader = "If-Match: \\"x\\""\n'.encode()
    done = run("http_fetch.py", "curl", "-sSf", "-m", "5", "-r", "10-", "-K", "-", stdin=config)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == {"range": "bytes=10-", "if": '"x"'}


def test_curl_fails_as_curl_does(web: str) -> None:
    done = run("http_fetch.py", "curl", "-sSf", f"{web}/lost")
    assert (done.returncode, done.stdout) == (22, b"")
    assert done.stderr == b"curl: (22) The requested URL returned error: 404\n"
    assert run("http_fetch.py", "curl", "-sS", "http://127.0.0.1:9/").returncode == 7
    told = run("http_fetch.py", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{web}/lost")
    assert told.stdout == b"404"


def test_curl_asks_for_several_things_at_once(web: str) -> None:
    asked = ("--write-out", "\\n--\\n", f"{web}/lost", f"{web}/found?a=1&b=2")
    both = run("http_fetch.py", "curl", "-sS", *asked)
    assert (both.returncode, both.stdout.count(b"\n--\n")) == (0, 2)


def test_wget(web: str, tmp_path: Path) -> None:
    done = run("http_fetch.py", "wget", "-q", "-O", "-", f"{web}/found?a=1&b=2")
    assert json.loads(done.stdout)["range"] is None
    done = run(
        "http_fetch.py",
        "wget",
        "-q",
        "-i",
        "-",
        "-O",
        str(tmp_path / "x"),
        stdin=f"{web}/found?a=1&b=2\n".encode(),
    )
    assert done.returncode == 0
    assert json.loads((tmp_path / "x").read_text())
    assert run("http_fetch.py", "wget", "-qO-", f"{web}/lost").returncode == 8


# journalctl


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path, "host-1")
    made.manager("loom.service", "Started loom.service.")
    made.write("loom.service", "first", pid=7, name="loom")
    made.write("other.service", "not this", pid=8, name="other")
    made.write("loom.service", "second ü", pid=7, name="loom")
    return made


def messages(output: bytes) -> list[str]:
    return [json.loads(line)["MESSAGE"] for line in output.splitlines()]


def test_journalctl_selects(journal: Journal, tmp_path: Path) -> None:
    root = str(tmp_path)
    done = run("journalctl.py", root, "-u", "loom", "-o", "cat", "--no-pager", "-q")
    assert done.stdout.decode().splitlines() == ["Started loom.service.", "first", "second ü"]
    assert messages(run("journalctl.py", root, "-uloom.service", "-ojson", "-n1").stdout) == ["second ü"]
    assert messages(
        run("journalctl.py", root, "--unit=loom", "--output=json", "--since", "@0", "-n", "2").stdout
    ) == [
        "first",
        "second ü",
    ]
    later = f"@{time.time() + 60:.0f}"
    assert run("journalctl.py", root, "-u", "loom", f"--since={later}", "-o", "cat", "-q").stdout == b""
    assert run("journalctl.py", root, "-u", "loom", "--since=nonsense").returncode == 1
    short = run("journalctl.py", root, "-u", "loom", "-o", "short-iso").stdout.decode()
    assert " host-1 loom[7]: first\n" in short


def test_journalctl_goes_on_after_a_cursor(journal: Journal, tmp_path: Path) -> None:
    entries = run("journalctl.py", str(tmp_path), "-o", "json").stdout.splitlines()
    cursor = json.loads(entries[1])["__CURSOR"]
    after = run("journalctl.py", str(tmp_path), "-u", "loom", "-o", "json", f"--after-cursor={cursor}").stdout
    assert messages(after) == ["second ü"]


def test_journalctl_loses_what_comes_first_where_the_cursors_own_entry_is_not_wanted(
    journal: Journal, tmp_path: Path
) -> None:
    """As systemd's did up to 255."""
    entries = run("journalctl.py", str(tmp_path), "-o", "json").stdout.splitlines()
    of_another = json.loads(entries[2])["__CURSOR"]
    journal.write("loom.service", "third", pid=7, name="loom")
    asked = (str(tmp_path), "-u", "loom", "-o", "json")
    assert messages(run("journalctl.py", *asked, f"--after-cursor={of_another}").stdout) == ["third"]
    found = messages(run("journalctl.py", *asked, f"--cursor={of_another}").stdout)
    assert found == ["second ü", "third"]


def test_journalctl_follows_the_present_boot_alone(journal: Journal, tmp_path: Path) -> None:
    journal.boot()
    journal.write("loom.service", "second boot", pid=7, name="loom")
    follower = subprocess.Popen(
        [
            sys.executable,
            str(_BIN / "journalctl.py"),
            str(tmp_path),
            "-u",
            "loom",
            "-f",
            "-n",
            "5",
            "-o",
            "cat",
        ],
        stdout=subprocess.PIPE,
    )
    assert follower.stdout
    with follower.stdout as output:
        assert output.readline() == b"second boot\n"
        journal.write("loom.service", "third", pid=7, name="loom")
        assert output.readline() == b"third\n"
        follower.terminate()
    until(lambda: follower.poll() is not None)
