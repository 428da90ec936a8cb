"""No job starts without room for its evidence; a running one is sealed out of the reserve."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.errors import Failed
from agent.evidence.budget import GIB, MIB, RESERVE, EvidenceRoom, free_bytes, release_reserve, used_bytes
from agent.settings.evidence import EvidenceSettings


class Disk:
    """A disk whose room the test decides."""

    def __init__(self, free: int, used: int = 0) -> None:
        self.free = free
        self.used = used
        self.now = 0.0
        self.measured = 0

    def measure(self, folder: Path) -> int:
        self.measured += 1
        return self.used

    def room(self, folder: Path, keep_free: int = 500 * MIB, most: int | None = None) -> EvidenceRoom:
        return EvidenceRoom(
            folder,
            keep_free=keep_free,
            most=most,
            free=lambda _: self.free,
            used=self.measure,
            monotonic=lambda: self.now,
        )


def test_there_is_room(tmp_path: Path) -> None:
    """At the floor and at the budget a job still starts."""
    assert Disk(500 * MIB, GIB).room(tmp_path, most=GIB).trouble() == ""


def test_below_the_floor(tmp_path: Path) -> None:
    """The sentence says how much there is, which setting decides, and what to do."""
    room = Disk(499 * MIB).room(tmp_path)
    assert room.trouble().startswith("The disk of the evidence has 499 MiB left, less than the 500 MiB")
    assert "evidence.keep_free_mib" in room.trouble()
    with pytest.raises(Failed) as caught:
        room.require()
    assert caught.value.code == "evidence-no-room"


def test_above_the_budget(tmp_path: Path) -> None:
    """The same for a folder that has grown too large."""
    trouble = Disk(900 * GIB, 3 * GIB).room(tmp_path, most=2 * GIB).trouble()
    assert trouble.startswith("The evidence takes 3.00 GiB, more than its budget of 2.00 GiB")


def test_the_folder_is_not_measured_all_the_time(tmp_path: Path) -> None:
    """Hundreds of thousands of files are not counted before each job; after a removal they are counted anew."""
    disk = Disk(900 * GIB, 3 * GIB)
    room = disk.room(tmp_path, most=2 * GIB)
    assert [bool(room.trouble()) for _ in range(5)] == [True] * 5
    assert disk.measured == 1
    disk.used = GIB
    room.changed()
    assert room.trouble() == ""
    disk.now = 31
    room.trouble()
    assert disk.measured == 3


def test_without_a_budget_nothing_is_measured(tmp_path: Path) -> None:
    """Then the look costs one call to the system."""
    disk = Disk(900 * GIB)
    disk.room(tmp_path).trouble()
    assert disk.measured == 0


def test_as_the_settings_say(tmp_path: Path) -> None:
    """Nothing kept free and no budget: there is always room."""
    assert EvidenceRoom.of(tmp_path / "new" / "folder", EvidenceSettings(keep_free_mib=0)).trouble() == ""
    assert EvidenceRoom.of(tmp_path, EvidenceSettings(keep_free_mib=10**9)).trouble() != ""


def test_used_bytes_counts_files_once(tmp_path: Path) -> None:
    """Files in folders count, links do not lead out."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_bytes(b"x" * 1000)
    (tmp_path / "d").write_bytes(b"x" * 10)
    (tmp_path / "out").symlink_to("/usr")
    assert 1010 <= used_bytes(tmp_path) < 1010 + 100


def test_the_reserve(tmp_path: Path) -> None:
    """It is made where there is room, never twice, never on a disk that is short, and goes when it is needed."""
    Disk(505 * MIB).room(tmp_path).hold_reserve()
    assert not (tmp_path / RESERVE).exists()
    Disk(900 * MIB).room(tmp_path).hold_reserve()
    assert (tmp_path / RESERVE).stat().st_size == 16 * MIB
    assert not release_reserve(tmp_path, lambda _: 16 * MIB)
    assert release_reserve(tmp_path, lambda _: 15 * MIB)
    assert not (tmp_path / RESERVE).exists()
    assert not release_reserve(tmp_path, lambda _: 0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "evidence", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no small file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"\0" * 65_536)
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017  # it is the loop's only end


def test_on_a_disk_that_fills_up(small_disk: Path) -> None:
    """A real one: below its floor no job starts, and with not a byte left the reserve gives room for a seal."""
    room = EvidenceRoom(small_disk, keep_free=4 * MIB)
    room.hold_reserve()
    assert (small_disk / RESERVE).stat().st_size == MIB
    assert room.trouble() == ""
    fill(small_disk / "filler")
    assert room.trouble() != ""
    with pytest.raises(OSError, match="No space"):
        (small_disk / "seal").write_bytes(b"x" * 100_000)
    assert release_reserve(small_disk)
    (small_disk / "seal").write_bytes(b"x" * 100_000)
    assert free_bytes(small_disk) > 0
