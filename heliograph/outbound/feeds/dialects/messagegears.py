"""MessageGears' event feed: small XML payloads of activity items (S1; MG-1 to MG-7, MG-9, MG-12).

Three dialects of one feed: `messagegears` speaks the document, `messagegears-xsd31` validates against the vendor's
schema, `messagegears-csv` is the option of later revisions. They are meant for queues; posted to a URL they are signed
like any other webhook.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from msgspec import Meta

from heliograph.events.event import AnyEvent
from heliograph.outbound.feeds.dialect import Context, Dialect, Options, Rendered
from heliograph.outbound.feeds.dialects.activities import KINDS, Known, activity
from heliograph.outbound.feeds.dialects.activity import Activity, Item
from heliograph.outbound.feeds.dialects.activity_forms import (
    DOCUMENT,
    SCHEMA,
    csv_record,
    payloads,
    xml_item,
)
from heliograph.outbound.feeds.dialects.remarkety import SCHEDULE, sign, verdict

EXTRAS: frozenset[Item] = frozenset(("inbound_email", "request"))
"""Items that only a subscriber who asks for them gets."""

_XML = {"Content-Type": "text/xml; charset=utf-8", "User-Agent": "Heliograph"}
_CSV = {"Content-Type": "text/csv; charset=utf-8; header=present", "User-Agent": "Heliograph"}


class MessageGearsOptions(Options, frozen=True, kw_only=True):
    """What a subscription in these dialects may set."""

    activities: Annotated[
        tuple[Item, ...], Meta(description="only these items, such as click or bounce; none named: all")
    ] = ()
    zone: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z0-9_+/-]{1,64}$", description="IANA zone that timestamps are put in (MG-4)"),
    ] = "UTC"

    def __post_init__(self) -> None:
        try:
            _zone(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {self.zone!r}") from error


class DocumentOptions(MessageGearsOptions, frozen=True, kw_only=True):
    """What a subscription in the document's own form may set."""

    miss_as_hit: Annotated[
        bool,
        Meta(
            description="name a miss ContextHitActivity, as the document's example literally does (S1:L429)"
        ),
    ] = False


class SchemaOptions(MessageGearsOptions, frozen=True, kw_only=True):
    """What a subscription in the schema's form may set."""

    namespace: Annotated[bool, Meta(description="put the schema's namespace on the root")] = True
    extras: Annotated[
        bool, Meta(description="also tell inbound mails and requests, which the document does not have")
    ] = False


O = TypeVar("O", bound=MessageGearsOptions)  # noqa: E741 - options


def _as_document(item: Activity, options: DocumentOptions) -> bytes | None:
    layouts = DOCUMENT
    if options.miss_as_hit:
        layouts = DOCUMENT | {"context_miss": DOCUMENT["context_miss"]._replace(name="ContextHitActivity")}
    element = xml_item(item, layouts)
    return element and next(payloads((element,)))


def _as_schema(item: Activity, options: SchemaOptions) -> bytes | None:
    if item.item in EXTRAS and not options.extras:
        return None
    element = xml_item(item, SCHEMA)
    return element and next(payloads((element,), namespace=options.namespace))


def _as_csv(item: Activity, _: MessageGearsOptions) -> bytes | None:
    return csv_record(item)


def _dialect(
    name: str, options: type[O], write: Callable[[Activity, O], bytes | None], headers: dict[str, str]
) -> Dialect[O]:
    def render(event: AnyEvent, context: Context[O]) -> Rendered | None:
        chosen = context.options
        item = activity(event, Known(context.message, _zone(chosen.zone)))
        if item is None or (chosen.activities and item.item not in chosen.activities):
            return None
        body = write(item, chosen)
        return Rendered(item.item, headers, body) if body else None

    return Dialect(
        name=name,
        kinds=KINDS,
        options=options,
        render=render,
        sign=sign,
        verdict=verdict,
        schedule=SCHEDULE,
    )


@lru_cache(64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


DOCUMENT_DIALECT = _dialect("messagegears", DocumentOptions, _as_document, _XML)
SCHEMA_DIALECT = _dialect("messagegears-xsd31", SchemaOptions, _as_schema, _XML)
CSV_DIALECT = _dialect("messagegears-csv", MessageGearsOptions, _as_csv, _CSV)
