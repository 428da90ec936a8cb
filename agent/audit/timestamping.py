"""Time stamps (RFC 3161) of signed checkpoints: somebody outside says that a checkpoint existed at a time.

What is stamped is the SHA-256 of the signed note's bytes, exactly as they stand in ``checkpoints.jsonl``. The answer is
kept as ``timestamps/SIZE.tsr`` (DER); it can be checked with this module or with ``openssl ts -verify``. A stamp that
cannot be had never fails a job: it is asked for again at the next occasion.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import httpx
from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from agent.audit.appending import replace_file
from agent.audit.entries import Entry, Kind
from agent.audit.ledger import AuditLedger
from agent.audit.ledger_errors import writing
from agent.audit.note import Note
from agent.audit.reading import TIMESTAMPS
from agent.errors import Failed, Mender, RetrySafe

_QUERY = "application/timestamp-query"
_REPLY = "application/timestamp-reply"
_SECONDS = 20.0
_MOST_BYTES = 200_000

Post = Callable[[str, bytes], bytes]  # address, request -> answer


class TimeStampRejected(Failed):
    """A time stamp is not one for this checkpoint, or not by an authority that is trusted."""

    default_mender = Mender.OPERATOR
    default_retry = RetrySafe.YES

    def __init__(self, seen: str) -> None:
        super().__init__(
            "time-stamp-rejected",
            "The time stamp of a checkpoint cannot be relied on.",
            expected="an answer to this request, signed by an authority under audit.tsa_roots",
            seen=seen,
        )


def trusted_roots(file: Path) -> tuple[Certificate, ...]:
    """The certificates of a PEM file; Failed "tsa-roots-unusable" when there are none."""
    try:
        found = tuple(load_pem_x509_certificates(file.read_bytes()))
    except (OSError, ValueError) as error:
        raise Failed(
            "tsa-roots-unusable",
            f"The file with the roots of the time stamp authority cannot be used: {file}",
            expected="certificates in PEM form (settings: audit.tsa_roots)",
            seen=str(error),
            mender=Mender.OPERATOR,
        ) from error
    return found


def check_time_stamp(answer: bytes, note: str, roots: Sequence[Certificate]) -> datetime:
    """The time that an answer gives to a signed note; TimeStampRejected when it is not one for it, or not trusted."""
    return _checked(answer, note, roots, nonce=None)


def request_time_stamp(url: str, note: str, roots: Sequence[Certificate], post: Post | None = None) -> bytes:
    """Ask for a time stamp of a signed note, and check it; the answer in DER.

    Failed "tsa-unreachable", TimeStampRejected.
    """
    builder = TimestampRequestBuilder().data(note.encode()).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    answer = (post or _post)(url, request.as_bytes())
    _checked(answer, note, roots, nonce=request.nonce)
    return answer


def stamp(ledger: AuditLedger, note: str, url: str, roots: Sequence[Certificate], post: Post | None = None) -> Entry:
    """Have a signed checkpoint of this ledger stamped, keep the answer, and enter it. Raises as the request does."""
    answer = request_time_stamp(url, note, roots, post)
    size = int(Note.parse(note).text.split("\n")[1])
    folder = ledger.folder / TIMESTAMPS
    with writing(ledger.folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        replace_file(folder / f"{size}.tsr", answer, durable=True)
    digest = hashlib.sha256(answer).hexdigest()
    return ledger.append(Kind.WITNESSED, {"size": size, "tsa": url, "sha256": digest})


def _checked(answer: bytes, note: str, roots: Sequence[Certificate], nonce: int | None) -> datetime:
    try:
        response = decode_timestamp_response(answer)
        builder = VerifierBuilder(roots=list(roots), nonce=nonce)
        builder.build().verify(response, hashlib.sha256(note.encode()).digest())
        at: datetime = response.tst_info.gen_time
    except (VerificationError, ValueError) as error:
        raise TimeStampRejected(str(error)) from error
    return at


def _post(url: str, request: bytes) -> bytes:
    try:
        answer = httpx.post(
            url,
            content=request,
            headers={"Content-Type": _QUERY, "Accept": _REPLY},
            timeout=_SECONDS,
            follow_redirects=False,
        )
    except httpx.HTTPError as error:
        raise _unreachable(url, f"{type(error).__name__}: {error}") from error
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status_code != httpx.codes.OK or kind != _REPLY or len(answer.content) > _MOST_BYTES:
        raise _unreachable(url, f"status {answer.status_code}, {kind or 'no content type'}")
    return answer.content


def _unreachable(url: str, seen: str) -> Failed:
    return Failed(
        "tsa-unreachable",
        f"The time stamp authority does not answer as it should: {url}",
        expected=f"{_REPLY} (settings: audit.tsa_url)",
        seen=seen,
        mender=Mender.OPERATOR,
    )
