"""Three S3 servers of different origin, each on loopback for as long as it is needed."""

from __future__ import annotations

import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from moto.server import ThreadedMotoServer
from urllib3.exceptions import HTTPError

from tests.http import get
from tests.stores.tree import StoreError, apart, debian_tree

REGION = "us-east-1"
_PORT = 8080
_UP_SECONDS = 240
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Server:
    name: str
    endpoint: str
    access_key: str
    secret_key: str
    domain: str = ""  # below which it knows buckets by host names; nobody's DNS has it


@contextmanager
def moto() -> Iterator[Server]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield Server("moto", f"http://{host}:{port}", "access", "secret")
    finally:
        server.stop()


@contextmanager
def ceph() -> Iterator[Server]:
    with _in_debian("ceph", access_key="access", domain="ceph.stores.test") as server:
        yield server


@contextmanager
def swift() -> Iterator[Server]:
    with _in_debian("swift", access_key="test:access", domain="swift.stores.test") as server:
        yield server


SERVERS: Mapping[str, Callable[[], AbstractContextManager[Server]]] = {
    "moto": moto,
    "ceph": ceph,
    "swift": swift,
}


@contextmanager
def _in_debian(name: str, *, access_key: str, domain: str) -> Iterator[Server]:
    """Raises StoreError. All of the server ends with its standard input, also when this process is killed."""
    tree = debian_tree()
    # An address of its own: whoever else listens on loopback takes none of its ports.
    address = f"127.{random.randint(64, 190)}.{random.randint(1, 254)}.{random.randint(1, 254)}"
    script = (_FOLDER / f"{name}.sh").read_text(encoding="utf-8")
    command = apart(tree, "sh", "-c", script, f"{name}.sh", address, str(_PORT))
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    secrets = {"ACCESS_KEY": access_key, "SECRET_KEY": "secret"}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            env={"PATH": path, "LC_ALL": "C", **secrets},
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
        )
        try:
            endpoint = f"http://{address}:{_PORT}"
            if not _is_up(endpoint, process):
                said.seek(0)
                raise StoreError(f"{name} does not come up:\n{said.read()[-3000:].decode(errors='replace')}")
            yield Server(name, endpoint, access_key, "secret", domain)
        finally:
            process.communicate(timeout=60)


def _is_up(endpoint: str, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + _UP_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            get(endpoint)
        except HTTPError:
            time.sleep(0.5)  # there is nothing to wait for but that it answers
        else:
            return True
    return False
