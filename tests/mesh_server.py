"""A real MESH server (mesh-sandbox) on loopback, in an environment and a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mesh_client import MeshClient

PYTHON = Path(__file__).resolve().parents[1] / ".venv" / "mesh-sandbox" / "bin" / "python"
PASSWORD, SHARED_KEY = "password", "made-up key"
HOSPITAL, PRACTICE = "X26ABC1", "X26ABC2"  # mailboxes the server always has, with that password


@dataclass(frozen=True)
class Server:
    """Where the server answers; ``client`` opens a mailbox."""

    url: str

    def client(self, mailbox: str) -> MeshClient:
        """A mailbox as its owner sees it."""
        return MeshClient(self.url, mailbox, PASSWORD, shared_key=SHARED_KEY.encode(), timeout=20)

    def send(self, content: bytes, name: str, workflow: str = "LETTERS") -> str:
        """The hospital sends one message to the practice; its id."""
        with self.client(HOSPITAL) as hospital:
            return str(
                hospital.send_message(PRACTICE, content, workflow_id=workflow, filename=name)
            )

    def waiting(self) -> list[str]:
        """Ids of what the practice has not acknowledged."""
        with self.client(PRACTICE) as practice:
            return list(practice.list_messages())

    def inbox(self, home: Path, practice: str, **more: object) -> None:
        """Describe the practice's mailbox in a home's ``inboxes.toml``."""
        for name, text in (("mesh.password", PASSWORD), ("mesh.key", SHARED_KEY)):
            (home / name).write_text(text)
            (home / name).chmod(0o600)
        settings = {
            "name": "mesh",
            "practice": practice,
            "url": self.url,
            "mailbox": PRACTICE,
            "password_file": "mesh.password",
            "shared_key_file": "mesh.key",
            **more,
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        (home / "inboxes.toml").write_text("[[mesh]]\n" + "\n".join(lines) + "\n")


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A server that keeps its mailboxes in *folder*, until the block ends."""
    assert PYTHON.exists(), "tools/bootstrap test makes the MESH server's environment"
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "ENV": "local",
        "AUTH_MODE": "full",
        "STORE_MODE": "file",
        "SHARED_KEY": SHARED_KEY,
        "MAILBOXES_DATA_DIR": str(folder),
    }
    words = ["-m", "uvicorn", "mesh_sandbox.api:app", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(PYTHON), *words, "--log-level", "warning"],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        _wait(process, port, folder / "log")
        yield Server(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text())
