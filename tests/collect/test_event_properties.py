"""Whatever is sent: a known status, a JSON answer, and what was accepted can be read by everybody later."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from collect_shop import VECTORS, Shop, answer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.accounts.model import Policy
from heliograph.inbound.collect.event_types import EVENT_TYPES

STATUSES = {200, 400, 401, 404, 405, 406, 413, 415, 429, 503}
SEEDS = [path.read_bytes() for path in sorted(VECTORS.glob("*.json"))]
FIELDS = sorted(
    {name for seed in SEEDS for name in json.loads(seed)} | {"customer_id", "client_ip", "timestamp"}
)

types = st.sampled_from([event_type.name for event_type in EVENT_TYPES] + ["site-search"])
modes = st.sampled_from(["lenient", "strict"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**40), max_value=10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["a@b.example", "+12025550137", "2012-02-15T15:12:21-05:00", "39.9000", "\x00", "\uff11\uff12", "a@b"]
    )
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner)
    ),
    max_leaves=12,
)
documents = st.dictionaries(st.sampled_from(FIELDS), values, max_size=10)
pace = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def sent(type: str, body: bytes, mode: Any, **headers: str) -> None:
    """Send it both ways, and hold the answer and what was recorded to their promises."""

    async def send() -> None:
        shop = Shop(policy=Policy(validation=mode))
        reply = await shop.send(type, body, **headers)
        assert reply.status in STATUSES
        assert answer(reply)["status"] == ("ok" if reply.status == 200 else "error")
        assert len(shop.journal.records) == (reply.status == 200)
        item = b'{"type":' + json.dumps(type).encode() + b',"data":' + body + b"}"
        whole = await shop.batch(item, content_type="application/x-ndjson")
        assert whole.status in STATUSES
        array = await shop.batch(b"[" + item + b',{"type":"x","data":{}}]')
        assert array.status in STATUSES
        if array.status == 200 and len(answer(array)["results"]) == 2:
            assert answer(array)["results"][1]["status"] == "ok"
        shop.check_readable()

    asyncio.run(send())


@pace
@given(type=types, body=st.binary(max_size=200), mode=modes)
def test_random_bytes_are_recorded_or_refused_and_never_our_fault(type: str, body: bytes, mode: str) -> None:
    sent(type, body, mode)


@pace
@given(type=types, document=documents | values, mode=modes, spaced=st.booleans())
def test_random_documents_of_known_fields(type: str, document: Any, mode: str, spaced: bool) -> None:
    sent(
        type,
        json.dumps(document, ensure_ascii=spaced, indent=1 if spaced else None).encode("utf-8", "replace"),
        mode,
    )


@pace
@given(type=types, seed=st.sampled_from(SEEDS), data=st.data(), mode=modes)
def test_examples_with_fields_replaced(type: str, seed: bytes, data: st.DataObject, mode: str) -> None:
    document = json.loads(seed)
    for name in data.draw(st.lists(st.sampled_from(sorted(document)), max_size=3)):
        document[name] = data.draw(values)
    nested = [value for value in document.values() if isinstance(value, dict) and value]
    if nested:
        inner = data.draw(st.sampled_from(nested))
        inner[data.draw(st.sampled_from(sorted(inner)))] = data.draw(values)
    sent(type, json.dumps(document).encode(), mode)


@pace
@given(type=types, seed=st.sampled_from(SEEDS), data=st.data(), mode=modes)
def test_examples_with_bytes_replaced(type: str, seed: bytes, data: st.DataObject, mode: str) -> None:
    body = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        piece = st.binary(max_size=3) | st.sampled_from(
            [b"\\ud800", b"1e999", b"[" * 70, b"\x00", b'"', b"\xff", b"{}"]
        )
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(piece)
    sent(type, bytes(body), mode)


@pace
@given(
    type=st.text(max_size=20) | types,
    accept=st.text(max_size=20),
    time=st.text(max_size=20),
    other=st.text(max_size=300),
    query=st.text(max_size=40),
    path=st.sampled_from(["/webhooks", "/webhooks/", "/webhooks/store/", "/webhooks/store/AAABBB"]),
    method=st.sampled_from(["POST", "GET", "PUT", "\x00"]),
    key=st.booleans(),
)
def test_random_headers_are_answered_in_the_doors_own_words(
    type: str, accept: str, time: str, other: str, query: str, path: str, method: str, key: bool
) -> None:
    async def send() -> None:
        shop = Shop()
        for named in (
            "x_platform",
            "x_domain",
            "x_source",
            "x_event_id",
            "x_api_key",
            "content_encoding",
            "origin",
        ):
            reply = await shop.send(
                type,
                b'{"id":1,"email":"a@b.example"}',
                path=path,
                query=query,
                method=method,
                key=key,
                **{"accept": accept, "x_event_time": time, named: other},
            )
            assert reply.status in STATUSES
            assert answer(reply)["status"] in ("ok", "error")
        shop.check_readable()

    asyncio.run(send())
