"""The whole Directory as files: every row of the four lists of people, as JSON and as CSV.

Rows are written list by list as they come, so memory and time grow linearly. A list whose rows are not as many as its
pager says fails the job: a snapshot that is silently short would be read as people having left.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from agent.domain.person import Listing, Sighting
from agent.errors import Failed
from agent.execute.events import Note
from agent.execute.work import Work
from flows import Directory

COLUMNS = (
    "list",
    "user_id",
    "person_id",
    "name",
    "email",
    "company",
    "job_title",
    "phones",
    "address",
    "permission_template",
    "invited",
)
LABELS = {
    Listing.USERS: "Users",
    Listing.INACTIVE_USERS: "Inactive Users",
    Listing.CONTACTS: "Contacts",
    Listing.INACTIVE_CONTACTS: "Inactive Contacts",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: such texts get an apostrophe in front."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_row(sighting: Sighting) -> list[str]:
    """One person as a line of the CSV file."""
    cells = [
        LABELS[sighting.listing],
        sighting.user_id or "",
        sighting.person_id or "",
        sighting.name,
        sighting.email,
        sighting.company,
        sighting.job_title,
        "; ".join(sighting.phones),
        ", ".join(sighting.address),
        sighting.template,
        {True: "yes", False: "no", None: ""}[sighting.invited],
    ]
    return [plain_cell(cell) for cell in cells]


class SnapshotFiles:
    """``snapshot.json`` and ``snapshot.csv``, written as rows come; the JSON is whole only after :meth:`finish`."""

    def __init__(self, json_file: TextIO, csv_file: TextIO, tenant: str, taken_at: datetime) -> None:
        self._json = json_file
        self._csv = csv.writer(csv_file, lineterminator="\r\n")  # RFC 4180
        self._csv.writerow(COLUMNS)
        head = {"tenant": tenant, "taken_at": taken_at.isoformat()}
        self._json.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "people": [')
        self._counts: dict[Listing, int] = {}
        self._first = True

    def add(self, listing: Listing, rows: Sequence[Sighting]) -> None:
        """Write the rows of one list."""
        self._counts[listing] = len(rows)
        for row in rows:
            self._json.write("\n" if self._first else ",\n")
            self._json.write(json.dumps(row.model_dump(mode="json"), ensure_ascii=False, sort_keys=True))
            self._first = False
            self._csv.writerow(csv_row(row))

    def finish(self) -> dict[Listing, int]:
        """Close the JSON with the counts per list, and return them."""
        counts = {listing.value: rows for listing, rows in self._counts.items()}
        self._json.write(f'\n], "counts": {json.dumps(counts)}}}\n')
        return self._counts


def _reader(listing: Listing) -> Callable[[Directory], Awaitable[Sequence[Sighting]]]:
    return lambda directory: directory.list_people(listing)


async def take_snapshot(work: Work, folder: Path) -> dict[Listing, int]:
    """Write both files into this folder; returns rows per list. Failed("evidence-unwritable") when the disk is full."""
    taken_at = work.began or work.clock.now()
    try:
        with (
            (folder / "snapshot.json").open("w", encoding="utf-8") as json_file,
            (folder / "snapshot.csv").open("w", encoding="utf-8", newline="") as csv_file,
        ):
            files = SnapshotFiles(json_file, csv_file, work.session.tenant, taken_at)
            for listing in LABELS:
                rows = await work.reading(_reader(listing))
                files.add(listing, rows)
                await work.tell(
                    Note(f"{LABELS[listing]}: {len(rows)}", {"list": listing.value, "rows": str(len(rows))})
                )
            return files.finish()
    except OSError as error:
        raise Failed(
            "evidence-unwritable",
            "The snapshot cannot be written.",
            expected=f"free space and the right to write in {folder}",
            seen=error.strerror or str(error),
        ) from error
