"""The document's mandatory fields, as tables (S3): strict accounts have them enforced, lenient ones are told (RM-6).

A rule is a path and a check. `line_items[]` means each element, `customer?` only when it is there. Where the
document contradicts itself the resolution of its examples holds: they all pass. Rules that are not `strict` name
what plug-ins write otherwise than the document and nobody is refused for (wire-facts 6.1): genders as words, guests
without an id, dates without a zone. This is on the way of every event: so a type is made of the rules of a form, and a body that fits it
has nothing odd; only others are looked through, each object once. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from heliograph.errors import Fault
from heliograph.events.commerce import amount, image_url, instant
from heliograph.events.people import flag, gender, text_id


class Check(NamedTuple):
    """What a value has to be: `wanted` in words, `exact` as a type, `right` as a test, and `taken`: what a lenient
    account makes of one that is otherwise. Whatever has the type is right; not all that is right has it. `whole`: the
    test is of the object that holds the field; `optional`: it may be absent."""

    wanted: str
    exact: Any
    right: Callable[[Any], bool]
    taken: Callable[[Any], str]
    whole: bool = False
    optional: bool = False


class Rule(NamedTuple):
    """One field."""

    path: tuple[str, ...]
    check: Check
    strict: bool = True


class Tree(NamedTuple):
    """The rules of one object: of its fields (name, check, path without numbers), and of the objects in it (name, how
    it stands in the path)."""

    checks: tuple[tuple[str, Check, str], ...]
    below: tuple[tuple[str, str, Tree], ...]


class Rules(NamedTuple):
    """The rules of one form: those that a strict account enforces, all, and the type that has nothing odd."""

    strict: Tree
    all: Tree
    exact: msgspec.json.Decoder[Any]

    def fits(self, body: bytes) -> bool:
        """Whether nothing about a body is odd. False also for some of which nothing is."""
        try:
            self.exact.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return False
        return True


class _Miss(NamedTuple):
    field: str
    value: Any
    said: bool
    check: Check


def faults(document: dict[str, Any], rules: Rules) -> Iterator[Fault]:
    """Every mandatory field that is missing or wrong."""
    for miss in _walk(document, rules.strict, ""):
        check = miss.check
        if check.whole or (not miss.said and miss.value is None):
            yield Fault(miss.field, f"missing: mandatory, {check.wanted}")
        else:
            yield Fault(miss.field, f"must be {check.wanted}")


def oddities(document: dict[str, Any], rules: Rules) -> Iterable[Fault]:
    """What is otherwise than the document has it, and what is made of it; the fields that are missing in one. Lines
    are not told apart, so that the same plug-in's notes are the same."""
    missing: dict[str, None] = {}
    odd: dict[str, str] = {}
    _compare(document, rules.all, missing, odd)
    found = [Fault(path, taken) for path, taken in odd.items()]
    return [Fault("missing", ", ".join(missing)), *found] if missing else found


def _walk(holder: Any, tree: Tree, shown: str) -> Iterator[_Miss]:
    fields: dict[str, Any] = holder if isinstance(holder, dict) else {}
    for name, check, _ in tree.checks:
        value = _get(fields, name)
        absent = value is None and name not in fields and not check.whole and not check.optional
        if absent or not check.right(fields if check.whole else value):
            yield _Miss(shown + name, value, name in fields, check)
    for name, how, inner in tree.below:
        value = _get(fields, name)
        if how == "[]":
            for place, item in enumerate(value if isinstance(value, list) else ()):
                yield from _walk(item, inner, f"{shown}{name}[{place}].")
        elif value is not None or how == "":
            yield from _walk(value, inner, f"{shown}{name}.")


def _compare(holder: Any, tree: Tree, missing: dict[str, None], odd: dict[str, str]) -> None:
    """As `_walk`, without the places in lists."""
    fields: dict[str, Any] = holder if isinstance(holder, dict) else {}
    for name, check, path in tree.checks:
        value = _get(fields, name)
        absent = value is None and name not in fields and not check.whole and not check.optional
        if not absent and check.right(fields if check.whole else value):
            continue
        if value is None and not check.optional:
            missing[path] = None
        else:
            odd[path] = check.taken(value)
    for name, how, inner in tree.below:
        value = _get(fields, name)
        if how == "[]":
            for item in value if isinstance(value, list) else ():
                _compare(item, inner, missing, odd)
        elif value is not None or how == "":
            _compare(value, inner, missing, odd)


def _get(holder: dict[str, Any], name: str) -> Any:
    value = holder.get(name)
    return holder.get("lineitems") if value is None and name == "line_items" else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int | float) and text_id(value) is not None


def _is_date(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def _has_picture(holder: dict[str, Any]) -> bool:
    return _is_url(image_url(holder.get("image"), _images(holder)))


def _names_picture(holder: dict[str, Any]) -> bool:
    """Whether `image` itself names it, or nothing does."""
    return image_url(holder.get("image")) is not None or not _has_picture(holder)


def _images(holder: dict[str, Any]) -> list[Any] | None:
    images = holder.get("images")
    return images if isinstance(images, list) else None


def _money_taken(value: Any) -> str:
    if amount(_scalar(value)) is None:
        return "is no number; not used"
    return (
        "is text, not a number; read as one" if isinstance(value, str) else "is below zero; its size is taken"
    )


def _discount_taken(value: Any) -> str:
    number = amount(_scalar(value))
    below = number is not None and number < 0
    return (
        "is text and below zero; its size is taken"
        if below and isinstance(value, str)
        else _money_taken(value)
    )


def _date_taken(value: Any) -> str:
    if instant(_scalar(value)) is None:
        return "is no date; not used"
    return "has no time zone; read as UTC" if isinstance(value, str) else "is a number; read as unix seconds"


def _flag_taken(value: Any) -> str:
    known = flag(_scalar(value)) is not None
    return "is not true or false; read as one of them" if known else "is neither true nor false; not used"


def _gender_taken(value: Any) -> str:
    known = gender(_scalar(value)) is not None
    return "is written out; taken as M or F" if known else "is neither M nor F; not used"


def _scalar(value: Any) -> str | int | float | bool | None:
    return value if isinstance(value, str | int | float) else None


def _otherwise(what: str) -> Callable[[Any], str]:
    return lambda _: f"is {what}; kept as it is"


_Text = Annotated[str, Meta(min_length=1)]
_Id = _Text | float
_Size = Annotated[float, Meta(ge=0)]
_Date = Annotated[datetime, Meta(tz=True)]
_Url = Annotated[str, Meta(pattern="^https?://")]


class _Image(msgspec.Struct):
    src: _Url


_text = Check(
    "text", _Text, lambda value: isinstance(value, str) and value.strip() != "", _otherwise("no text")
)
_id = Check("an id: text or a number", _Id, _is_id, _otherwise("no id"))
_number = Check("a number", float, _is_number, _money_taken)
_positive = Check(
    "a number, not below zero", _Size, lambda value: _is_number(value) and value >= 0, _discount_taken
)
_yes_or_no = Check("true or false", bool, lambda value: isinstance(value, bool), _flag_taken)
_opt_in = Check(
    "true, false, or null for unknown",
    bool | None,
    lambda value: value is None or isinstance(value, bool),
    _flag_taken,
)
_date = Check("a date and time with its zone (2012-02-15T15:12:21-05:00)", _Date, _is_date, _date_taken)
_url = Check("a URL", _Url, _is_url, _otherwise("no URL"))
_list = Check("an array", list[Any], lambda value: isinstance(value, list), _otherwise("no array"))
_currency = Check(
    "a 3-letter currency code",
    Annotated[str, Meta(min_length=3, max_length=3)],
    lambda value: isinstance(value, str) and len(value) == 3,
    _otherwise("no code of three letters"),
)
_picture = Check(
    "a URL in `image`, `image.src` or the first of `images`",
    _Url | _Image,
    _has_picture,
    _otherwise("no URL"),
    whole=True,
)
_date_if_said = Check(
    _date.wanted, _Date | None, lambda value: value is None or _is_date(value), _date_taken, optional=True
)
_gender_if_said = Check(
    "M or F",
    Literal["M", "F", ""] | None,
    lambda value: value in (None, "", "M", "F"),
    _gender_taken,
    optional=True,
)
_named_picture = Check(
    "in `image`",
    _Url | _Image | None,
    _names_picture,
    lambda _: "is not said; the first of images is taken",
    whole=True,
    optional=True,
)
_member = Check("an id", _Id, _is_id, lambda _: "is not said: a guest", optional=True)


def _rules(*path: str, strict: bool = True, **checks: Check) -> tuple[Rule, ...]:
    return tuple(Rule((*path, name), check, strict) for name, check in checks.items())


def _odd(*path: str, **checks: Check) -> tuple[Rule, ...]:
    return _rules(*path, strict=False, **checks)


def _tree(rules: Iterable[Rule], path: str = "") -> Tree:
    checks = [(rule.path[0], rule.check, path + rule.path[0]) for rule in rules if len(rule.path) == 1]
    inner: dict[str, list[Rule]] = {}
    for rule in rules:
        if len(rule.path) > 1:
            inner.setdefault(rule.path[0], []).append(rule._replace(path=rule.path[1:]))
    below = []
    for said, own in inner.items():
        name = said.rstrip("[]?")
        how = said[len(name) :]
        below.append((name, how, _tree(own, f"{path}{name}{'[]' if how == '[]' else ''}.")))
    return Tree(tuple(checks), tuple(below))


def _form(*rules: Rule) -> Rules:
    whole = _tree(rules)
    return Rules(
        _tree([rule for rule in rules if rule.strict]), whole, msgspec.json.Decoder(_exact("Exact", whole))
    )


def _exact(name: str, tree: Tree) -> type[msgspec.Struct]:
    """The type of objects that keep every rule of a tree."""
    fields: dict[str, Any] = {}
    for field, check, _ in tree.checks:
        if field not in fields:  # of two rules the stricter comes first
            absent = check.optional and check.right({} if check.whole else None)
            fields[field] = (field, check.exact, None) if absent else (field, check.exact)
    for field, how, inner in tree.below:
        kind = _exact(f"{name}_{field}", inner)
        if how == "[]":
            fields[field] = (field, list[kind]) if field in fields else (field, list[kind] | None, None)  # type: ignore[valid-type]  # made here
        else:
            fields[field] = (field, kind | None, None) if how == "?" else (field, kind)
    return msgspec.defstruct(name, fields.values(), kw_only=True, gc=False)


CUSTOMER = _form(
    *_rules(email=_text),
    *_odd(created_at=_date_if_said, updated_at=_date_if_said, gender=_gender_if_said),
)

ORDER = _form(
    *_rules(id=_id, created_at=_date),
    *_rules("customer", accepts_marketing=_opt_in, created_at=_date, updated_at=_date, email=_text),
    *_rules(line_items=_list),
    *_rules("line_items[]", product_id=_id, quantity=_number, sku=_text, name=_text),
    *_rules("line_items[]", url=_url, image=_picture, price=_number),
    *_rules("status", name=_text),
    *_rules(subtotal_price=_number, total_discounts=_positive, total_shipping=_number),
    *_rules(total_tax=_number, total_price=_number),
    *_odd(updated_at=_date_if_said),
    *_odd("customer", id=_member, gender=_gender_if_said),
    *_odd("line_items[]", image=_named_picture),
)

PRODUCT = _form(
    *_rules(id=_id, sku=_text, created_at=_date, image=_picture, product_exists=_yes_or_no),
    *_rules(title=_text, url=_url, vendor=_text),
    *_rules("variants[]", id=_id, image=_url, inventory_quantity=_number, product_id=_id, sku=_text),
    *_rules("variants[]", title=_text),
    *_odd(updated_at=_date_if_said, image=_named_picture),
)

CART = _form(
    *_rules(id=_id, abandoned_checkout_url=_url, accepts_marketing=_opt_in, created_at=_date),
    *_rules(updated_at=_date, currency=_currency, line_items=_list),
    *_rules("customer?", accepts_marketing=_opt_in, email=_text, id=_id),
    *_rules(total_discounts=_positive, total_price=_number),
    *_odd("customer?", gender=_gender_if_said),
    *_odd("line_items[]", image=_named_picture),
)
"""`title` is no field of a cart (S3:L628 describes a product), and a guest's `customer` is null."""
