"""Apps that can be pushed to: `device/registered` and `device/unregistered`."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from heliograph.clock import SECOND
from heliograph.database import METADATA, memory_state
from heliograph.errors import BadRequest, Unauthorized
from heliograph.events import codec
from heliograph.inbound.collect.reading import check_type, read
from heliograph.inbound.collect.senders import Sender
from heliograph.journal.consumer import Erased
from heliograph.react.state import devices, people
from heliograph.react.state.folds import FOLDS

NOW = 1_700_000_000 * SECOND
ACCOUNT = "000000000001"
SENDER = Sender(account=ACCOUNT)


def told(name: str, body: bytes, *, at: int = NOW) -> Any:
    record, _ = read(SENDER, name, body, at)
    return codec.decode(record)  # type: ignore[arg-type]


def fold(connection: Connection, *events: Any) -> None:
    for one in FOLDS:
        one.apply(connection, [event for event in events if event.kind in one.kinds])


def test_an_app_registers_signs_in_and_is_gone() -> None:
    """A token is told twice, the second time with whose it is; the person's devices follow, and erasure reaches them."""
    anonymous = told("device/registered", b'{"token": "t1", "platform": "ios", "application": "com.example"}')
    assert (anonymous.kind, anonymous.subject) == ("device.registered", "device:t1")
    assert (anonymous.data.service, anonymous.data.application) == ("APNS", "com.example")
    known = told(
        "device/registered", b'{"token": "t1", "service": "apns", "email": "ann@x.example"}', at=NOW + 9
    )
    other = told("Device/Registered", b'{"token": "t2", "service": "FCM", "customerId": 7}', at=NOW + 10)
    engine = memory_state()
    METADATA.create_all(engine)
    with engine.begin() as connection:
        fold(connection, anonymous, known, other)
        ann = people.find(connection, ACCOUNT, email="ann@x.example")
        assert ann is not None
        assert [one.device for one in devices.of_person(connection, ACCOUNT, ann.id)] == ["t1"]
        fold(connection, told("device/unregistered", b'{"token": "t2"}', at=NOW + 11))
        assert devices.find(connection, ACCOUNT, "t2") is None
        fold(connection, told("device/registered", b'{"token": "t2", "service": "fcm"}', at=NOW + 12))
        found = devices.find(connection, ACCOUNT, "t2")
        assert found is not None and found.service == "FCM"
        devices.forget(connection, Erased(ACCOUNT, ann.id, ("device:t1",)))
        assert devices.find(connection, ACCOUNT, "t1") is None
    engine.dispose()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "token"),
        (b'{"token": "", "service": "fcm"}', "token"),
        (b'{"token": "a\\u0000b", "service": "fcm"}', "token"),
        (b'{"token": "' + b"a" * 5000 + b'", "service": "fcm"}', "token"),
        (b'{"token": "a"}', "service"),
        (b'{"token": "a", "service": "pigeon"}', "service"),
        (b'{"token": {"a": 1}, "service": "fcm"}', "token"),
    ],
)
def test_what_names_no_device_is_refused(body: bytes, field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(SENDER, "device/registered", body, NOW)
    assert caught.value.field == field


def test_a_page_registers_nothing() -> None:
    """Whoever could name a device with somebody's address would read what is pushed to them."""
    for name in ("device/registered", "device/unregistered"):
        with pytest.raises(Unauthorized):
            check_type(name, keyless=True)
        check_type(name, keyless=False)
