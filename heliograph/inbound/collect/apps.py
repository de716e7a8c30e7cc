"""Apps that can be pushed to: `device/registered` and `device/unregistered`, event types of our own.

An app tells its token each time that the system gives it one, and whose it is as soon as somebody signs in; it says so by
way of the shop's server, for a key is needed. Service names are read as people write them.
"""

from __future__ import annotations

import msgspec

from heliograph.events import subjects
from heliograph.events.people import DeviceRegistered, DeviceRemoved, Scalar
from heliograph.inbound.collect.bodies import json_object
from heliograph.inbound.collect.findings import Findings
from heliograph.inbound.collect.fitting import fit
from heliograph.inbound.collect.identities import CONTROL, address, identifier, member
from heliograph.inbound.collect.senders import Sender
from heliograph.inbound.collect.told import Told, members

LONGEST_TOKEN = 4096
"""Characters of a token. Firebase promises no length; those of today have about 160."""

SERVICES = {
    "apns": "APNS",
    "apple": "APNS",
    "ios": "APNS",
    "fcm": "FCM",
    "firebase": "FCM",
    "gcm": "FCM",
    "android": "FCM",
    "sns": "SNS",
}
"""What senders call a service -> what events call it."""


class App(msgspec.Struct, frozen=True, kw_only=True):
    """A body of either type."""

    token: Scalar = None
    device: Scalar = None
    service: str | None = None
    platform: str | None = None
    application: Scalar = None
    email: str | None = None
    customerId: Scalar = None  # noqa: N815 - the wire's name
    customer_id: Scalar = None
    reason: str | None = None
    timestamp: Scalar = None


def read_registration(sender: Sender, body: bytes, findings: Findings) -> Told:
    """`device/registered`: `token` and `service`; `application`, `email` and `customerId` where they are known."""
    app = _app(body, findings)
    token = _token(app, findings)
    named = (app.service or app.platform or "").strip().lower()
    service = SERVICES.get(named, "")
    if not service:
        findings.refuse("service", "missing or unknown: it is apns, fcm or sns")
    number = app.customer_id if app.customerId is None else app.customerId
    data = DeviceRegistered(
        device=token,
        service=service,
        application=identifier(app.application, "application", findings) or "",
        email=address(app.email, ("email",), findings) if app.email else None,
        customer_id=member(number, "customerId", findings),
    )
    return Told(data.kind, subjects.device(token), members(data), body, app.timestamp)


def read_removal(sender: Sender, body: bytes, findings: Findings) -> Told:
    """`device/unregistered`: `token`."""
    app = _app(body, findings)
    token = _token(app, findings)
    data = DeviceRemoved(device=token, reason=(app.reason or "unregistered")[:200])
    return Told(data.kind, subjects.device(token), members(data), body, app.timestamp)


def _app(body: bytes, findings: Findings) -> App:
    return msgspec.convert(fit(json_object(body), App, findings), App)


def _token(app: App, findings: Findings) -> str:
    said = app.device if app.token is None else app.token
    token = said.strip() if isinstance(said, str) else ""
    if not token:
        findings.refuse("token", "missing: mandatory, what the push service gave the app")
    elif CONTROL.search(token) or len(token) > LONGEST_TOKEN:
        findings.refuse(
            "token", f"must not hold control characters, nor more than {LONGEST_TOKEN} characters"
        )
    return token
