"""Notices by e-mail, through the standard library's client, over a verified connection."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from agent.credentials.secret import Secret
from agent.notify.delivery import Delivered, Delivery, NotDelivered, data_for, message_id
from agent.queue.record import Notice
from agent.settings.service import Mail

LIMIT_S = 30.0  #: for each exchange with the server


def letter(mail: Mail, notice: Notice) -> EmailMessage:
    """The message; its id is the same at every attempt, so that a second copy can be told."""
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Subject"] = " ".join(f"[{notice.tenant}] {notice.subject}".split())
    message["Date"] = format_datetime(datetime.fromtimestamp(notice.at, tz=UTC))
    message["Message-ID"] = f"<{message_id(notice)}@{mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers
    lines = [f"{notice.subject}.", ""]
    lines += [f"{name + ':':<14} {_words(value)}" for name, value in data_for(notice, people=mail.people).items()]
    message.set_content("\n".join(line.rstrip() for line in lines) + "\n")
    return message


def send(mail: Mail, password: Secret | None, notice: Notice, context: ssl.SSLContext | None = None) -> Delivery:
    """Send one notice; blocks, so call it in a thread. ``context`` None: the system's certificate authorities."""
    context = context or ssl.create_default_context()
    try:
        with _connected(mail, context) as server:
            if mail.user is not None:
                if password is None:
                    return NotDelivered("no password is stored (agent credentials mail)")
                server.login(mail.user, password.reveal())
            server.send_message(letter(mail, notice))
    except smtplib.SMTPRecipientsRefused:
        return NotDelivered("the server refused every recipient", refused=True)
    except smtplib.SMTPAuthenticationError as error:
        return NotDelivered(f"the server rejected the login ({error.smtp_code})", refused=True)
    except smtplib.SMTPResponseException as error:
        return NotDelivered(f"the server answered {error.smtp_code}", refused=error.smtp_code >= 500)
    except smtplib.SMTPNotSupportedError:
        return NotDelivered("the server does not offer what security asks for", refused=True)
    except ssl.SSLCertVerificationError as error:
        return NotDelivered(f"the server's certificate is not trusted: {error.verify_message}", refused=True)
    except (OSError, smtplib.SMTPException) as error:
        return NotDelivered(f"{type(error).__name__}: the server cannot be reached")
    return Delivered()


def _connected(mail: Mail, context: ssl.SSLContext) -> smtplib.SMTP:
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=LIMIT_S, context=context)
    server = smtplib.SMTP(mail.host, mail.port, timeout=LIMIT_S)
    if mail.security == "starttls":
        try:
            server.starttls(context=context)  # raises where the server does not offer it: never in clear
        except BaseException:
            server.close()
            raise
    return server


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
    return str(value)
