"""Devices that can be pushed to: through which service, for which app, and whose.

Comes in: `device.registered` (the events API), `device.removed` (the events API, or a push service that knows the
device no more). Whose a device is, `people` knows by its identity: an app may register before anybody signs in.
Automations ask `of_person` whom to push to, the desk of push messages asks `find` how.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import BigInteger, Column, Connection, String, Table, and_, bindparam, delete, select

from heliograph.database import METADATA
from heliograph.events.event import AnyEvent
from heliograph.events.people import DeviceRegistered, DeviceRemoved
from heliograph.journal.consumer import Erased, Fold
from heliograph.react.state import reading
from heliograph.react.state.persons import IDENTITIES
from heliograph.react.state.rows import Rows


class Device(msgspec.Struct):
    """A device. `service` is APNS, FCM or SNS; `removed` is when it was told to be gone, in microseconds."""

    account: str
    device: str
    service: str
    application: str
    registered: int
    removed: int | None = None


DEVICES = Table(
    "devices",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("device", String, primary_key=True),
    Column("service", String, nullable=False),
    Column("application", String, nullable=False),
    Column("registered", BigInteger, nullable=False),
    Column("removed", BigInteger),
    sqlite_with_rowid=False,
)


def find(connection: Connection, account: str, device: str) -> Device | None:
    """A device that can be pushed to; None where it is unknown, or gone."""
    found = connection.execute(_FOUND, {"of_account": account, "of_device": device}).one_or_none()
    return None if found is None else Device(**found._mapping)


def of_person(connection: Connection, account: str, person: str) -> list[Device]:
    """A person's devices that can be pushed to, the newest first."""
    found = connection.execute(_THEIRS, {"of_account": account, "of_person": person})
    return [Device(**row._mapping) for row in found]


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch. The newest word counts; of a registration and a removal of one instant, the one told later."""
    rows = Rows(connection, DEVICES, Device)
    rows.read((event.account, event.data.device) for event in events if isinstance(event.data, _KINDS))
    for event in events:
        data, at = event.data, reading.happened(event)
        if not isinstance(data, _KINDS):
            continue
        row = rows.get((event.account, data.device))
        known = max(row.registered, row.removed or 0) if row is not None else -1
        if at < known:
            continue
        if isinstance(data, DeviceRegistered):
            rows.put(Device(event.account, data.device, data.service, data.application, at))
        elif row is not None:
            row.removed = at
            rows.put(row)
    rows.write()


def forget(connection: Connection, erased: Erased) -> None:
    """An erased person's devices are nobody's (STD-7)."""
    for device in erased.values("device"):
        connection.execute(_GONE, {"of_account": erased.account, "of_device": device})


_KINDS = (DeviceRegistered, DeviceRemoved)
_HERE = (DEVICES.c.account == bindparam("of_account"), DEVICES.c.removed.is_(None))
_FOUND = select(DEVICES).where(*_HERE, DEVICES.c.device == bindparam("of_device"))
_THEIRS = (
    select(DEVICES)
    .join(
        IDENTITIES,
        and_(
            IDENTITIES.c.account == DEVICES.c.account,
            IDENTITIES.c.kind == "device",
            IDENTITIES.c.value == DEVICES.c.device,
            IDENTITIES.c.ended.is_(None),
        ),
    )
    .where(*_HERE, IDENTITIES.c.person == bindparam("of_person"))
    .order_by(DEVICES.c.registered.desc(), DEVICES.c.device)
)
_GONE = delete(DEVICES).where(
    DEVICES.c.account == bindparam("of_account"), DEVICES.c.device == bindparam("of_device")
)

FOLD = Fold(
    name="devices",
    kinds=frozenset(kind.kind for kind in _KINDS),
    tables=(DEVICES,),
    apply=apply,
    forget=forget,
)
