"""One-time codes (RFC 6238) of which none is ever given out twice."""

from __future__ import annotations

import asyncio
import base64
import binascii
import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp

from agent.credentials.secret import Secret
from agent.errors import Failed, Mender, RetrySafe

STEP_SECONDS = 30
#: A code with less life than this is not given out: it might expire between here and the server.
LEAST_SECONDS_LEFT = 2.0
_SHORTEST_SEED = 10  # bytes; 16 characters of base32, the least that authenticator apps are handed


def normal_seed(text: str) -> str:
    """A TOTP seed as typed (spaces, dashes, small letters, or a whole ``otpauth://`` address) as plain base32.

    ValueError with a sentence for people when it is not one, or when it asks for other than six digits every 30 seconds
    with SHA-1, which is what authenticator apps show for Procore [D].
    """
    seed = text.strip()
    if seed.lower().startswith("otpauth:"):
        seed = _seed_of_address(seed)
    seed = "".join(seed.split()).replace("-", "").rstrip("=").upper()
    try:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except binascii.Error:
        raise ValueError("the TOTP secret is not base32 (letters A-Z and digits 2-7)") from None
    if len(raw) < _SHORTEST_SEED:
        raise ValueError("the TOTP secret is too short: expected at least 16 characters")
    return seed


def _seed_of_address(address: str) -> str:
    parts = urlsplit(address)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.netloc.lower() != "totp":
        raise ValueError("the otpauth address is not one for time-based codes")
    expected = {"digits": "6", "period": str(STEP_SECONDS), "algorithm": "SHA1"}
    for name, value in expected.items():
        if query.get(name, value).upper() != value:
            raise ValueError(f"the otpauth address asks for {name}={query[name]}; only {value} is supported")
    if "secret" not in query:
        raise ValueError("the otpauth address holds no secret")
    return query["secret"]


class OneTimeCodes:
    """Gives out codes of one seed, each time step at most once, also across processes.

    ``memory`` is a small file that remembers the last time step used; it holds no secret. A server refuses a code that
    it has seen (RFC 6238 §5.2), and a refused code looks like an intruder's, so waiting is the lesser evil.
    """

    def __init__(self, seed: Secret, memory: Path, clock: Callable[[], float] = time.time) -> None:
        self._totp = pyotp.TOTP(seed.reveal())
        self._memory = memory
        self._clock = clock

    def seconds_to_wait(self) -> float:
        """How long until :meth:`take` gives a code at once; 0 when it does now.

        Failed ``clock-went-back`` when the last code was given out in what is now the future.
        """
        now = self._clock()
        step, last = int(now // STEP_SECONDS), self._last_step()
        if last - step > 1:
            raise Failed(
                "clock-went-back",
                "This machine's clock stands earlier than when the last sign-in code was made. Set the clock.",
                expected=f"a time after step {last}",
                seen=f"step {step}",
                retry_safe=RetrySafe.YES,
            )
        first_free = max(step, last + 1)
        if first_free == step and (step + 1) * STEP_SECONDS - now < LEAST_SECONDS_LEFT:
            first_free += 1
        return max(0.0, first_free * STEP_SECONDS - now)

    async def ready(self) -> None:
        """Wait, without blocking other work, until :meth:`take` gives a code at once."""
        await asyncio.sleep(self.seconds_to_wait())

    def take(self, sleep: Callable[[float], None] = time.sleep) -> str:
        """A code never given out before.

        Blocks for up to 30 seconds when none is free; await :meth:`ready` before, so that it does not.
        """
        self._memory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._memory.with_name(f".{self._memory.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            while (seconds := self.seconds_to_wait()) > 0:
                sleep(seconds)
            now = self._clock()
            self._remember(int(now // STEP_SECONDS))
            return self._totp.at(int(now))
        finally:
            os.close(lock)

    def _last_step(self) -> int:
        try:
            return int(json.loads(self._memory.read_text())["last_step"])
        except FileNotFoundError:
            return -1
        except (ValueError, KeyError, TypeError) as error:
            raise Failed(
                "totp-memory-damaged",
                f"The file that remembers used sign-in codes is damaged. Wait 30 seconds and delete {self._memory}.",
                mender=Mender.OPERATOR,
            ) from error

    def _remember(self, step: int) -> None:
        # Before the code leaves this process: a crash may waste a code, never use one twice.
        fresh = self._memory.with_name(f".{self._memory.name}.new")
        with fresh.open("w") as file:
            json.dump({"last_step": step}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._memory)
