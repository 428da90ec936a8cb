"""E-mail: over a verified connection only, once recognisable, and what a server's answer means."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from agent.credentials.secret import Secret
from agent.notify import mail
from agent.notify.delivery import Delivered, Delivery, NotDelivered
from agent.settings.service import Mail
from tests.unit.notify.conftest import PASSWORD, PostOffice, notice


async def send(office: PostOffice, context: ssl.SSLContext | None, **settings: Any) -> Delivery:
    given: dict[str, Any] = {"host": "127.0.0.1", "port": office.port, "user": "agent", "sender": "agent@example.com"}
    receiver = Mail(**given | {"to": ("it@example.com", "desk@example.com")} | settings)
    return await asyncio.to_thread(mail.send, receiver, Secret(PASSWORD), notice(channel="mail"), context)


async def test_a_letter_arrives_over_tls(post_office: PostOffice, trusting: ssl.SSLContext) -> None:
    """Login and text go over the secured connection; the letter says what happened and what to type."""
    assert await send(post_office, trusting) == Delivered()
    (letter,) = post_office.letters
    assert letter["Subject"] == "[acme] offboard (job 7 of acme) ended without being done: denied"
    assert letter["To"] == "it@example.com, desk@example.com"
    assert letter["Message-ID"] == "<notice-1-1800000000@example.com>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "denied" in letter.get_content()
    assert post_office.logins == [f"\0agent\0{PASSWORD}"]
    assert post_office.in_clear == ["EHLO", "STARTTLS"]


async def test_people_are_named_only_to_who_shall_know(post_office: PostOffice, trusting: ssl.SSLContext) -> None:
    """The same rule as for webhooks."""
    await send(post_office, trusting)
    await send(post_office, trusting, people=True)
    quiet, open_ = (letter.as_string() for letter in post_office.letters)
    assert "lindqvist" not in quiet
    assert "ana.lindqvist@example.com" in open_


async def test_nothing_goes_out_in_clear(post_office: PostOffice, trusting: ssl.SSLContext) -> None:
    """A server that does not offer STARTTLS (or somebody in between who hides it) gets no login and no letter."""
    post_office.offers_tls = False
    assert await send(post_office, trusting) == NotDelivered(
        "the server does not offer what security asks for", refused=True
    )
    assert post_office.in_clear == ["EHLO"]


async def test_an_unknown_certificate_is_refused(post_office: PostOffice) -> None:
    """Without our word for it nobody vouches for this server: no login, no letter."""
    seen = await send(post_office, None)
    assert isinstance(seen, NotDelivered)
    assert "certificate is not trusted" in seen.error
    assert (post_office.logins, post_office.letters) == ([], [])


@pytest.mark.parametrize(
    ("command", "answer", "refused"),
    [
        ("AUTH", "535 no", True),
        ("AUTH", "454 later", True),
        ("MAIL", "550 no", True),
        ("MAIL", "451 later", False),
        ("RCPT", "550 who", True),
        ("DATA", "452 full", False),
    ],
)
async def test_what_an_answer_means(
    post_office: PostOffice, trusting: ssl.SSLContext, command: str, answer: str, refused: bool
) -> None:
    """A login that is rejected is not tried for days; a full server is. The password is in no error."""
    post_office.says = {command: answer}
    seen = await send(post_office, trusting)
    assert isinstance(seen, NotDelivered)
    assert seen.refused is refused
    assert PASSWORD not in seen.error


async def test_nobody_there_is_tried_again(trusting: ssl.SSLContext) -> None:
    """An outage of the server loses nothing."""
    assert await send(PostOffice(trusting, port=9), trusting) == NotDelivered(
        "ConnectionRefusedError: the server cannot be reached"
    )


def test_a_subject_cannot_add_headers() -> None:
    """Line breaks in what a notice says stay inside the subject."""
    receiver = Mail(host="mail.example.com", sender="agent@example.com", to=("it@example.com",))
    letter = mail.letter(receiver, notice(subject="a\r\nBcc: x@example.com"))
    assert letter["Subject"] == "[acme] a Bcc: x@example.com"
    assert letter["Bcc"] is None
