"""What can be written to, as a request names it: an e-mail address, a number, a device. Used by every resource that takes one."""

from __future__ import annotations

from heliograph.accounts.model import Account
from heliograph.errors import BadRequest
from heliograph.events import subjects
from heliograph.events.consent import Channel
from heliograph.outbound.messages.mail.addresses import mailbox
from heliograph.phones import e164


def normal(account: Account, channel: Channel, address: str, field: str = "address") -> str:
    """An address in the form in which it is kept and compared. Raises `BadRequest` for what is none."""
    if channel == "email":
        if mailbox(address) is None:
            raise BadRequest("This is no e-mail address.", field=field)
        return subjects.normal_email(address, keep_case=account.policy.keep_local_case)
    if channel == "push":
        if not address.strip():
            raise BadRequest("A device is named by its token.", field=field)
        return address.strip()
    number = e164(address)
    if number is None:
        raise BadRequest("This is no phone number with its country code, as +12025550137 is.", field=field)
    return number


def spelled(account: Account, channel: Channel, address: str) -> str:
    """The same for looking up and lifting, where what stands in a list must be found, whatever it is: a short code, the
    hash of somebody who was erased. A plus that came as a space (`?phone=+1202...`) is one."""
    if channel == "email":
        return subjects.normal_email(address, keep_case=account.policy.keep_local_case)
    if channel == "push":
        return address.strip()
    number = f"+{address.strip()}" if address.startswith(" ") else address.strip()
    return e164(number) or number
