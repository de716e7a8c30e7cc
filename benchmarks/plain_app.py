"""The reference: what one would write first. FastAPI, SQLAlchemy's ORM, one insert and one commit per request.

It does the same job: an open belongs to a message, a click leads where its link says, an order is validated.
Its SQLite is given the best settings that are still durable (WAL, synchronous=FULL), so the comparison is of
designs and not of pragmas. Run with uvicorn, one worker.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel
from sqlalchemy import JSON, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")
STORE_KEY = os.environ["PLAIN_KEY"]
PLAIN_LINKS = [f"{'A' * 190}{number:06}" for number in range(500)]
PLAIN_MESSAGES = [f"{'A' * 84}{number:06}" for number in range(500)]
PLAIN_TARGET = "https://shop.example/products/black-cloak?utm_source=mail&utm_campaign=winter"

engine = create_engine(f"sqlite:///{os.environ['PLAIN_DB']}", connect_args={"timeout": 30})


@event.listens_for(engine, "connect")
def _connected(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


class Base(DeclarativeBase):
    pass


class Happened(Base):
    __tablename__ = "happened"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


class Message(Base):
    __tablename__ = "messages"
    token: Mapped[str] = mapped_column(primary_key=True)
    recipient: Mapped[str]


class Link(Base):
    __tablename__ = "links"
    token: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]


Base.metadata.create_all(engine)
sessions = sessionmaker(engine)
with sessions.begin() as filling:  # the messages and links that the benchmark asks for
    filling.add_all(Link(token=token, url=PLAIN_TARGET) for token in PLAIN_LINKS)
    filling.add_all(Message(token=token, recipient=f"{token[-6:]}@x.example") for token in PLAIN_MESSAGES)


def session() -> Iterator[Session]:
    with sessions() as opened:
        yield opened


Database = Annotated[Session, Depends(session)]
Key = Annotated[str, Header()]
app = FastAPI()


class Customer(BaseModel):
    id: int | str | None = None
    email: str
    first_name: str | None = None
    last_name: str | None = None
    accepts_marketing: bool | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class LineItem(BaseModel):
    product_id: int | str
    quantity: float
    price: float
    sku: str | None = None
    name: str | None = None
    url: str | None = None
    image: str | None = None


class Basket(BaseModel):
    id: int | str
    email: str
    customer: Customer
    line_items: list[LineItem]
    created_at: datetime
    updated_at: datetime | None = None
    currency: str
    subtotal_price: float
    total_discounts: float
    total_shipping: float
    total_tax: float
    total_price: float


class Order(Basket):
    status: dict[str, Any] | None = None


class Cart(Basket):
    abandoned_checkout_url: str


class Product(BaseModel):
    id: int | str
    sku: str
    title: str
    url: str
    vendor: str
    product_exists: bool
    variants: list[dict[str, Any]]


@app.get("/o/{token}.gif")
def opened(token: str, request: Request, database: Database) -> Response:
    message = database.get(Message, token)
    if message is not None:  # whose open it is: ours stands in the signed reference
        _insert(database, "opened", message.recipient, request)
    return Response(GIF, media_type="image/gif", headers={"Cache-Control": "no-store"})


@app.get("/c/{token}")
def clicked(token: str, request: Request, database: Database) -> Response:
    link = database.get(Link, token)
    if link is None:
        raise HTTPException(404)
    target = link.url
    _insert(database, "clicked", token, request)
    return RedirectResponse(target, 302)


@app.post("/webhooks/store/{store}")
def ordered(store: str, order: Order, database: Database, x_token: Key) -> dict[str, str]:
    return _taken("order", order.email, order, database, x_token)


@app.post("/webhooks/plain/orders")
def order_updated(order: Order, database: Database, x_token: Key) -> dict[str, str]:
    return _taken("order", order.email, order, database, x_token)


@app.post("/webhooks/plain/carts")
def cart_updated(cart: Cart, database: Database, x_token: Key) -> dict[str, str]:
    return _taken("cart", cart.email, cart, database, x_token)


@app.post("/webhooks/plain/customers")
def customer_updated(customer: Customer, database: Database, x_token: Key) -> dict[str, str]:
    return _taken("customer", customer.email, customer, database, x_token)


@app.post("/webhooks/plain/products")
def product_updated(product: Product, database: Database, x_token: Key) -> dict[str, str]:
    return _taken("product", str(product.id), product, database, x_token)


def _taken(kind: str, subject: str, said: BaseModel, database: Session, key: str) -> dict[str, str]:
    if key != STORE_KEY:
        raise HTTPException(401)
    data = said.model_dump(mode="json")
    database.add(Happened(kind=kind, subject=subject, at=datetime.now(UTC), data=data))
    database.commit()
    return {"status": "ok"}


def _insert(database: Session, kind: str, subject: str, request: Request) -> None:
    data = {
        "ip": request.client.host if request.client else "",
        "user_agent": request.headers.get("user-agent"),
    }
    database.add(Happened(kind=kind, subject=subject, at=datetime.now(UTC), data=data))
    database.commit()
