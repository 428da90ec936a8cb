"""A time stamp authority for tests: a root, a certificate, and answers in DER as RFC 3161 has them.

It runs nowhere by itself: :meth:`Authority.answer` turns a request into an answer, and :meth:`Authority.serve` puts
that behind HTTP on a loopback port.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from rfc3161_client import _rust  # the library reads requests, but exports that for nobody

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.47"
_SHA256, _ECDSA_SHA256 = "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2"
_POLICY = "1.2.3.4.5"


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, *parts)


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _octets(data: bytes) -> bytes:
    return _der(0x04, data)


def _identifier(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    body = bytearray([first * 40 + second])
    for part in rest:
        groups = [part & 0x7F]
        while part := part >> 7:
            groups.append(0x80 | part & 0x7F)
        body += bytes(reversed(groups))
    return _der(0x06, bytes(body))


def _attribute(identifier: str, value: bytes) -> bytes:
    return _sequence(_identifier(identifier), _der(0x31, value))


class Authority:
    """One authority; ``now`` is the time it gives."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.status = 0  # granted
        self.hashed: list[bytes] = []  # what was stamped
        self._root_key, self._key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Stamp Root")])
        self.root = self._certificate(name, name, self._root_key, is_root=True)
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Stamps")])
        self._own = self._certificate(own, name, self._key, is_root=False)

    def _certificate(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_root: bool
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(days=1))
            .not_valid_after(self.now + timedelta(days=365))
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        )
        if not is_root:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(self._root_key, hashes.SHA256())

    @property
    def root_pem(self) -> bytes:
        """What an operator puts into ``audit.tsa_roots``."""
        return self.root.public_bytes(Encoding.PEM)

    def answer(self, request: bytes) -> bytes:
        """The answer to a request."""
        asked = _rust.parse_timestamp_request(request)
        assert asked.nonce is not None
        hashed = bytes(asked.message_imprint.message)
        self.hashed.append(hashed)
        if self.status:
            return _sequence(_sequence(_integer(self.status)))
        algorithm = _sequence(_identifier(_SHA256))
        info = _sequence(
            _integer(1),
            _identifier(_POLICY),
            _sequence(algorithm, _octets(hashed)),
            _integer(4711),
            _der(0x18, f"{self.now.astimezone(UTC):%Y%m%d%H%M%SZ}".encode()),
            _integer(asked.nonce),
        )
        certificate = self._own.public_bytes(Encoding.DER)
        attributes = sorted(
            [
                _attribute(_CONTENT_TYPE, _identifier(_TST_INFO)),
                _attribute(_MESSAGE_DIGEST, _octets(hashlib.sha256(info).digest())),
                _attribute(
                    _SIGNING_CERTIFICATE, _sequence(_sequence(_sequence(_octets(hashlib.sha256(certificate).digest()))))
                ),
            ]
        )
        signature = self._key.sign(_der(0x31, *attributes), ec.ECDSA(hashes.SHA256()))
        issuer = self._own.issuer.public_bytes()
        signer = _sequence(
            _integer(1),
            _sequence(issuer, _integer(self._own.serial_number)),
            algorithm,
            _der(0xA0, *attributes),
            _sequence(_identifier(_ECDSA_SHA256)),
            _octets(signature),
        )
        signed = _sequence(
            _integer(3),
            _der(0x31, algorithm),
            _sequence(_identifier(_TST_INFO), _der(0xA0, _octets(info))),
            _der(0xA0, certificate),
            _der(0x31, signer),
        )
        token = _sequence(_identifier(_SIGNED_DATA), _der(0xA0, signed))
        return _sequence(_sequence(_integer(0)), token)

    @contextlib.contextmanager
    def serve(self, *, status: int = 200, kind: str = "application/timestamp-reply") -> Iterator[str]:
        """Its address on this machine, while inside."""
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["Content-Length"]))
                body = authority.answer(request)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
