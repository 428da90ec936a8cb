"""One-time codes: right, fresh, and never given out twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.credentials.secret import Secret
from agent.credentials.totp import OneTimeCodes, normal_seed
from agent.errors import Failed

SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # of RFC 6238, appendix B


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass the time."""
        self.slept.append(seconds)
        self.now += seconds


def codes(memory: Path, clock: Clock) -> OneTimeCodes:
    """Codes of the RFC's seed."""
    return OneTimeCodes(Secret(SEED), memory / "totp.json", clock)


@pytest.mark.parametrize(("at", "code"), [(59 - 5, "287082"), (1111111109 - 5, "081804"), (1234567890, "005924")])
def test_codes_are_those_of_the_standard(tmp_path: Path, at: int, code: str) -> None:
    """The vectors of RFC 6238 (last six digits)."""
    clock = Clock(at)
    assert codes(tmp_path, clock).take(clock.sleep) == code
    assert clock.slept == []


def test_a_second_code_waits_for_the_next_step(tmp_path: Path) -> None:
    """Within one half-minute the second code is that of the next: computed wait, one sleep."""
    clock = Clock(1_000_000_000 + 10)  # 1,000,000,000 is 10 s into a step
    given = codes(tmp_path, clock)
    first = given.take(clock.sleep)
    assert given.seconds_to_wait() == pytest.approx(10)
    second = given.take(clock.sleep)
    assert first != second
    assert clock.slept == [pytest.approx(10)]


def test_another_process_does_not_use_the_code_again(tmp_path: Path) -> None:
    """The last step used is on disk before the code is handed out."""
    clock = Clock(1_000_000_000)
    codes(tmp_path, clock).take(clock.sleep)
    other = codes(tmp_path, clock)
    assert other.seconds_to_wait() == pytest.approx(20)


def test_a_code_about_to_expire_is_not_given(tmp_path: Path) -> None:
    """In the last two seconds of a step the next one's code is waited for."""
    clock = Clock(1_000_000_019.0)
    given = codes(tmp_path, clock)
    assert given.seconds_to_wait() == pytest.approx(1.0)
    given.take(clock.sleep)
    assert clock.now == pytest.approx(1_000_000_020.0)


async def test_ready_returns_at_once_when_a_code_is_free(tmp_path: Path) -> None:
    """Waiting is only done when there is something to wait for."""
    clock = Clock(1_000_000_000)
    await codes(tmp_path, clock).ready()
    assert clock.slept == []


def test_a_clock_that_went_back_is_an_error(tmp_path: Path) -> None:
    """Instead of waiting for hours, or using a code again, say that the clock is wrong."""
    clock = Clock(1_000_000_000)
    given = codes(tmp_path, clock)
    given.take(clock.sleep)
    clock.now -= 3600
    with pytest.raises(Failed) as caught:
        given.take(clock.sleep)
    assert caught.value.code == "clock-went-back"


def test_a_damaged_memory_is_an_error(tmp_path: Path) -> None:
    """Without knowing the last code used none is given out."""
    (tmp_path / "totp.json").write_text("{")
    clock = Clock(1_000_000_000)
    with pytest.raises(Failed) as caught:
        codes(tmp_path, clock).take(clock.sleep)
    assert caught.value.code == "totp-memory-damaged"


@pytest.mark.parametrize(
    "typed",
    [
        SEED,
        SEED.lower(),
        " ".join(SEED[index : index + 4] for index in range(0, 32, 4)),
        f"otpauth://totp/Procore:admin?secret={SEED}&issuer=Procore",
        f"otpauth://totp/x?secret={SEED.lower()}&digits=6&period=30&algorithm=sha1",
    ],
)
def test_seeds_as_people_type_them(typed: str) -> None:
    """Spaces, small letters and the address behind a QR code are understood."""
    assert normal_seed(typed) == SEED


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("not base32!", "not base32"),
        ("GEZDGNBV", "too short"),
        ("", "too short"),
        (f"otpauth://hotp/x?secret={SEED}", "time-based"),
        (f"otpauth://totp/x?secret={SEED}&digits=8", "digits"),
        (f"otpauth://totp/x?secret={SEED}&algorithm=SHA256", "algorithm"),
        ("otpauth://totp/x", "no secret"),
    ],
)
def test_bad_seeds_are_refused_in_words(typed: str, why: str) -> None:
    """What cannot make codes is refused when it is set, not at three in the morning; the words do not repeat it."""
    with pytest.raises(ValueError, match=why) as caught:
        normal_seed(typed)
    assert SEED not in str(caught.value)
