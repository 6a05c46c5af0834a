"""A real mosquitto for a test: started on a free loopback port, frozen, killed and started again there."""

import os
import random
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol

from motet_testing.certificates import Pair

PATIENCE_S = 10.0
"""The longest wait for it to start or to end, seconds."""
_PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


def program(name: str = "mosquitto") -> str | None:
    """Where a program of mosquitto is, None where it is not installed."""
    return shutil.which(name) or shutil.which(name, path=_PLACES)


def dynamic_security() -> Path | None:
    """Where mosquitto's plugin of that name is, which refuses subscriptions too; None where it is not installed."""
    return next(Path("/usr").glob("lib*/**/mosquitto_dynamic_security.so"), None)


def free_port() -> int:
    """A loopback TCP port that nobody listens on now.

    It is none of those that the operating system gives to whoever connects (from 32768 on with Linux): so nobody takes
    it while a broker is down, not even one of its own clients that tries to reach it.
    """
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Mosquitto:
    """A mosquitto in a process of its own, `with Mosquitto(folder) as broker:`, on the same port at every start.

    `users` are names and passwords; without any, everybody may come. `acl` is the text of its acl_file. `tls` is its
    certificate and key, and `ca` the authority that must have signed those of its clients. `settings` are more lines
    of mosquitto.conf. `persistent`: retained messages and sessions survive also a kill. `config` is the whole of
    mosquitto.conf instead, in which `{port}` and `{folder}` are filled in and to which nothing is added.

    Nothing here needs an event loop; a start takes about 10 ms.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: Mapping[str, str] | None = None,
        acl: str = "",
        tls: Pair | None = None,
        ca: Path | None = None,
        settings: str = "",
        persistent: bool = False,
        config: str | None = None,
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self._folder = folder
        self._tls = tls is not None
        self._log: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._path = folder / f"mosquitto-{self.port}.conf"
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {'false' if users else 'true'}",
            "set_tcp_nodelay true",
            "log_dest stderr",
            f"persistence {'true' if persistent else 'false'}",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # else it becomes one that may not read the folder
        if persistent:
            lines += [f"persistence_location {folder}/", f"persistence_file mosquitto-{self.port}.db"]
            lines += ["autosave_on_changes true", "autosave_interval 1"]
        if users:
            passwords = folder / f"passwords-{self.port}"
            passwords.touch(mode=0o600)
            for user, password in users.items():
                add_user(passwords, user, password)
            lines.append(f"password_file {passwords}")
        if acl:
            rights = folder / f"acl-{self.port}"
            rights.touch(mode=0o600)
            rights.write_text(acl)
            lines.append(f"acl_file {rights}")
        if tls is not None:
            lines += [f"certfile {tls.certificate}", f"keyfile {tls.key}"]
        if ca is not None:
            lines += [f"cafile {ca}", "require_certificate true"]
        text = "\n".join([*lines, settings, ""])
        if config is not None:
            text = config.replace("{port}", str(self.port)).replace("{folder}", str(folder))
        self._path.write_text(text)

    @property
    def url(self) -> str:
        """`mqtt://127.0.0.1:PORT`, or `mqtts://localhost:PORT` with `tls`."""
        return f"mqtts://localhost:{self.port}" if self._tls else f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process is not None, "mosquitto does not run"
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has written to stderr so far, of all its lives."""
        return "".join(self._log)

    def start(self) -> None:
        """Start it; it takes connections when this returns."""
        found = program()
        assert found is not None, "mosquitto not found: apt-get install mosquitto"
        assert self._process is None, "mosquitto runs already"
        self._process = subprocess.Popen([found, "-c", str(self._path)], stderr=subprocess.PIPE, text=True)
        started = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self._process, started), daemon=True)
        self._reader.start()
        waited = started.wait(PATIENCE_S)
        if not waited or self._process.poll() is not None or " running" not in self.log:
            self.kill()
            raise AssertionError(f"mosquitto did not start: {self.log}")

    def stop(self) -> None:
        """End it in order: it takes leave of its clients. Nothing is done when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power failure does (SIGKILL)."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang with its connections open (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it was frozen (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Kill it and start it again on the same port."""
        self.kill()
        self.start()

    def __enter__(self) -> "Mosquitto":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)  # a frozen one takes no other signal than SIGKILL
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE_S)
        if self._reader is not None:
            self._reader.join(PATIENCE_S)
        if process.stderr is not None:
            process.stderr.close()

    def _read(self, process: "subprocess.Popen[str]", started: threading.Event) -> None:
        """Its log, line by line, so that its pipe never fills."""
        assert process.stderr is not None
        for line in process.stderr:
            self._log.append(line)
            if " running" in line:
                started.set()
        started.set()


class StartMosquitto(Protocol):
    """Starts one that ends with the test."""

    def __call__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        acl: str = "",
        tls: Pair | None = None,
        ca: Path | None = None,
        settings: str = "",
        persistent: bool = False,
        config: str | None = None,
        port: int | None = None,
    ) -> Mosquitto:
        """See `Mosquitto`."""
        ...


def add_user(file: Path, user: str, password: str) -> None:
    """Put a user into a password file with `mosquitto_passwd`; the file must be there."""
    found = program("mosquitto_passwd")
    assert found is not None, "mosquitto_passwd not found: apt-get install mosquitto"
    subprocess.run([found, "-b", str(file), user, password], check=True, capture_output=True, timeout=PATIENCE_S)
