"""A PostgreSQL server of the tests' own: Debian's programs, a new cluster in a temporary folder, gone afterwards.

::

    with PostgresServer() as server:
        url = server.new_database()          # postgresql://agent@/db1?host=/tmp/...&port=...
        server.crash(); server.start()       # kill -9 of all its processes
        server.freeze(); server.thaw()       # SIGSTOP and SIGCONT: connections stay open, nothing answers

Reached through a Unix socket without a password, and through 127.0.0.1 with one (:data:`PASSWORD`). As root the server
runs as Debian's user ``postgres``, because it refuses to be root; else as ourselves.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

ROLE = "agent"
PASSWORD = "planted-postgres-password-7Qx"
_PROGRAMS = Path("/usr/lib/postgresql")
_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
max_connections = 60
shared_buffers = 32MB
fsync = {fsync}
synchronous_commit = {fsync}
full_page_writes = {fsync}
autovacuum_naptime = 15s
max_wal_size = 256MB
recovery_init_sync_method = syncfs
log_min_messages = warning
"""
_WHO = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


def programs() -> Path | None:
    """The folder of the newest installed PostgreSQL; None when none is installed."""
    found = sorted(_PROGRAMS.glob("*/bin/postgres"), key=lambda path: int(path.parent.parent.name))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).parent if on_path else None


def reason_to_skip() -> str | None:
    """Why no server can be started here; None when one can."""
    if programs() is None:
        return "PostgreSQL is not installed and could not be: apt-get install postgresql (.ci/set-up does it)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL refuses to run as root, and there is no user postgres"
    return None


class PostgresServer:
    """One server; ``fsync`` only where a test takes its power away."""

    def __init__(self, *, fsync: bool = False) -> None:
        found = programs()
        assert found is not None, reason_to_skip()
        self._programs = found
        self._user = "postgres" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="agent-pg-", dir="/tmp"))  # short: socket paths end at 107 bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        try:
            self._make_cluster(fsync)
            self.start()
        except BaseException:
            self.remove()
            raise

    def _make_cluster(self, fsync: bool) -> None:
        data = self._folder / "data"
        self._run(
            "initdb", "--pgdata", str(data), "--username=postgres", "--auth=trust", "--no-sync", "--locale=C.UTF-8"
        )
        with (data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(_SETTINGS.format(port=self.port, folder=self._folder, fsync="on" if fsync else "off"))
        (data / "pg_hba.conf").write_text(_WHO, encoding="utf-8")

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [self._programs / program, *arguments],
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done.stdout

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement as the server's administrator; its rows as text."""
        return self._run(
            "psql", "-XAtq", "-h", str(self._folder), "-p", str(self.port), "-U", "postgres", "-c", statement, database
        ).strip()

    # --- databases ---

    def new_database(self) -> str:
        """The address of an empty database, through the Unix socket."""
        if self._databases == 0:
            self.sql(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
        self._databases += 1
        name = f"db{self._databases}"
        self.sql(f"CREATE DATABASE {name} OWNER {ROLE}")
        return f"postgresql://{ROLE}@/{name}?host={self._folder}&port={self.port}"

    def by_network(self, url: str) -> str:
        """The same database through 127.0.0.1, where a password is asked for."""
        name = url.split("/")[3].split("?")[0]
        return f"postgresql://{ROLE}@127.0.0.1:{self.port}/{name}"

    # --- life ---

    def start(self) -> None:
        """Start it, and wait until it lets clients in."""
        assert self._process is None, "it runs already"
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data"],
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests
            )
        end = time.monotonic() + 60
        while not self._lets_in():
            assert self._process.poll() is None, (self._folder / "log").read_text(errors="replace")[-2000:]
            assert time.monotonic() < end, "the server does not start"
            time.sleep(0.02)

    def _lets_in(self) -> bool:
        done = subprocess.run(
            [self._programs / "pg_isready", "-q", "-h", self._folder, "-p", str(self.port)], check=False
        )
        return done.returncode == 0

    def stop(self) -> None:
        """Stop it in good order, sending its clients away (pg_ctl's ``fast``)."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Kill -9 all of its processes at once; the next start recovers from the log."""
        assert self._process is not None, "it does not run"
        family = list(self._processes())
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(30)
        psutil.wait_procs(family[1:], timeout=30)
        self._process = None

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None, "it does not run"
        self._process.send_signal(number)
        self._process.wait(30)
        self._process = None

    def freeze(self) -> None:
        """Let every process of it stand still."""
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        """Let them go on."""
        for process in self._processes():
            process.resume()

    def _processes(self) -> Iterator[psutil.Process]:
        assert self._process is not None
        main = psutil.Process(self._process.pid)
        yield main
        yield from main.children(recursive=True)

    def remove(self) -> None:
        """End it if it runs, and delete its folder."""
        if self._process is not None and self._process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                self.thaw()
            self.crash()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> PostgresServer:
        """The running server."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it."""
        self.remove()
