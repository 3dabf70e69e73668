"""A small SSH agent on a Unix socket: it lists keys and signs with them. draft-miller-ssh-agent."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from paramiko import Message, PKey

_IDENTITIES_ANSWER, _SIGN_RESPONSE, _FAILURE = 12, 14, 5


class FakeAgent:
    """Context manager; `path` is what SSH_AUTH_SOCK has to be."""

    def __init__(self, path: Path, *keys: PKey) -> None:
        self.path = path
        self.signed = 0
        self._keys = keys
        self._listener = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Self:
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as stream, contextlib.suppress(OSError):
            while len(head := stream.read(4)) == 4:
                answer = self._answer(Message(stream.read(struct.unpack(">I", head)[0])))
                client.sendall(struct.pack(">I", len(answer)) + answer)

    def _answer(self, request: Message) -> bytes:
        answer = Message()
        kind = request.get_byte()[0]
        if kind == 11:
            answer.add_byte(bytes([_IDENTITIES_ANSWER]))
            answer.add_int(len(self._keys))
            for number, key in enumerate(self._keys):
                answer.add_string(key.asbytes())
                answer.add_string(f"key {number}")
            return answer.asbytes()
        blob, data = request.get_binary(), request.get_binary()
        for key in self._keys:
            if key.asbytes() == blob:
                self.signed += 1
                answer.add_byte(bytes([_SIGN_RESPONSE]))
                answer.add_string(key.sign_ssh_data(data).asbytes())
                return answer.asbytes()
        return bytes([_FAILURE])
