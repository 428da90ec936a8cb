"""The channels of the settings, by the names under which the outbox keeps them."""

from __future__ import annotations

from agent.settings import NotifySettings

MAIL = "mail"
WEBHOOK = "webhook:"  #: followed by the receiver's name; also the name of its secret in the keyring


def channels(notify: NotifySettings) -> dict[str, frozenset[str]]:
    """Each channel with the kinds of notices that it wants."""
    found = {f"{WEBHOOK}{name}": frozenset(webhook.kinds) for name, webhook in notify.webhooks.items()}
    if notify.mail is not None:
        found[MAIL] = frozenset(notify.mail.kinds)
    return {channel: frozenset(map(str, kinds)) for channel, kinds in found.items()}
