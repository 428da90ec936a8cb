"""Receivers of our own on this machine: an HTTP server and an SMTP server that do as they are told."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.queue.record import Notice

KEY = b"0123456789abcdef0123456789abcdef"
SIGNING_SECRET = "whsec_" + base64.b64encode(KEY).decode()
PASSWORD = "Qu1et-Harbor-42"


def notice(number: int = 1, channel: str = "webhook:desk", **fields: object) -> Notice:
    """A notice about a dead offboard."""
    given: dict[str, object] = {
        "at": 1_800_000_000.0,
        "kind": "dead",
        "tenant": "acme",
        "subject": "offboard (job 7 of acme) ended without being done: denied",
        "data": {
            "job": 7,
            "code": "denied",
            "personal": {"person": "ana.lindqvist@example.com", "message": "ana.lindqvist@example.com: no right."},
        },
        "job_id": 7,
    } | fields
    return Notice(id=number, channel=channel, **given)  # type: ignore[arg-type]  # as the fields say


@dataclass
class Posted:
    """One request as it arrived."""

    head: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP receiver; ``answers`` are used up from the front, the last one stays."""

    answers: list[str] = field(default_factory=lambda: ["204 No Content"])
    posted: list[Posted] = field(default_factory=list)
    url: str = ""
    silent: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer, good-bye."""
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        head = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.posted.append(Posted(head, await reader.readexactly(int(head["content-length"]))))
        if not self.silent:
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            writer.write(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """The HTTP receiver, listening."""
    place = Receiver()
    server = await asyncio.start_server(place.serve, "127.0.0.1", 0)
    place.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield place


@dataclass
class PostOffice:
    """An SMTP server. ``says`` replaces its answer to a command."""

    context: ssl.SSLContext
    offers_tls: bool = True
    says: dict[str, str] = field(default_factory=dict)
    letters: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    in_clear: list[str] = field(default_factory=list)  # commands before the connection was secured
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation."""

        async def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")
            await writer.drain()

        secured = writer.get_extra_info("ssl_object") is not None
        await say("220 here")
        while line := (await reader.readline()).decode().strip():
            command = line.split()[0].upper()
            if not secured:
                self.in_clear.append(command)
            if command in self.says:
                await say(self.says[command])
            elif command == "EHLO":
                await say("250-here\r\n250-AUTH PLAIN" + ("\r\n250 STARTTLS" if self.offers_tls else "\r\n250 OK"))
            elif command == "STARTTLS":
                await say("220 go ahead")
                try:
                    await writer.start_tls(self.context)
                except (ssl.SSLError, ConnectionError):
                    return
                secured = True
            elif command == "AUTH":
                self.logins.append(base64.b64decode(line.split()[2]).decode())
                await say("235 welcome")
            elif command == "DATA":
                await say("354 go ahead")
                text = await reader.readuntil(b"\r\n.\r\n")
                self.letters.append(message_from_bytes(text[:-3], policy=policy.default))
                await say("250 taken")
            else:
                await say("221 bye" if command == "QUIT" else "250 OK")
        writer.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that only who is told so trusts, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    """What a client uses who trusts that certificate."""
    return ssl.create_default_context(cafile=certificate)


@pytest.fixture
async def post_office(certificate: Path) -> AsyncIterator[PostOffice]:
    """The SMTP server, listening."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    place = PostOffice(context)
    server = await asyncio.start_server(place.serve, "127.0.0.1", 0)
    place.port = server.sockets[0].getsockname()[1]
    async with server:
        yield place
