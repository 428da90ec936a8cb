"""Several processes on one ledger, and kills at any moment: no gap, no fork, nothing acknowledged is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.audit.entries import Reported
from agent.audit.reading import read_entries
from tests.unit.audit.books import Book, report

ROOT = Path(__file__).resolve().parents[3]
ADDS = """
import sys
from pathlib import Path
from tests.unit.audit.books import Book, report
from agent.audit.ledger import utc_now
ledger = Book(Path(sys.argv[1]), clock=utc_now).open(signed=False)
number = 0
while number < int(sys.argv[3]):
    report(ledger, f"{sys.argv[2]}-{number}")
    print(number, flush=True)
    number += 1
"""


def adding(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ADDS, str(folder), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def jobs_in(book: Book) -> list[str]:
    return [entry.data.job_id for entry in read_entries(book.folder) if isinstance(entry.data, Reported)]


def test_processes_take_turns(tmp_path: Path) -> None:
    """Three processes that add at the same time make one chain with the entries of all."""
    book = Book(tmp_path / "ledger")
    processes = [adding(book.folder, name, 20) for name in ("a", "b", "c")]
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert sorted(jobs_in(book)) == sorted(f"{name}-{number}" for name in "abc" for number in range(20))


def test_threads_take_turns(tmp_path: Path) -> None:
    """The same among threads of one process, on one object."""
    book = Book(tmp_path / "ledger")
    ledger = book.open()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: report(ledger, f"a-{number}"), range(40)))
    assert sorted(jobs_in(book)) == sorted(f"a-{number}" for number in range(40))


@pytest.mark.parametrize("after", [1, 3, 7])
def test_killed_while_adding(tmp_path: Path, after: int) -> None:
    """Everything that was acknowledged is there, and the next process goes on without a gap."""
    book = Book(tmp_path / "ledger")
    process = adding(book.folder, "a", 10_000)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    told += process.communicate()[0].splitlines(keepends=True)
    acknowledged = len([line for line in told if line.endswith("\n")])
    found = jobs_in(book)
    assert acknowledged <= len(found) <= acknowledged + 1
    report(book.open(), "after")
    assert jobs_in(book) == [*found, "after"]
