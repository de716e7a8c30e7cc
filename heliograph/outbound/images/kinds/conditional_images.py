"""Conditional images (PER-12, PER-13): the first rule that matches what the URL says, else the fallback.

Picture and link ask the same function with the same rules, so what was seen is what is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from heliograph import slots
from heliograph.outbound.images.attributes import TEXT_LIMIT, Attributes
from heliograph.outbound.images.conditions import OPERATORS, Rule, choose
from heliograph.outbound.images.kinds.kind import (
    MERGE_TAG,
    Consulted,
    Drawn,
    Kind,
    Look,
    Place,
    Preview,
    Shown,
    Slot,
    Template,
    Tools,
    image,
    no_options,
    read_template,
    unfetched,
)
from heliograph.react.state.records import Name, fault_of

PNG = "image/png"
RULES = 100
"""Rules of one image; the vendor's editor begins with two."""
VALUES = 500
"""Entries of a rule's list."""
VALUE_LIMIT = 4096
"""Characters of a rule's value; a list is written as one text with commas, too."""
SAMPLE_LIMIT = 1000

TEMPLATES = (Template("default_conditional_images", ()),)
VALUELESS = ("empty", "is not empty")
LISTS = ("is in", "is not in")


class ConditionalImage(msgspec.Struct, frozen=True, kw_only=True):
    """A published image. An empty click URL: the picture leads nowhere."""

    template: str
    parameter: str
    rules: tuple[Rule, ...]
    fallback_image: str
    fallback_click: str
    record: Consulted | None = None
    """Where the rules are about a field of a record, and the URL says its key."""


class Chosen(NamedTuple):
    """What a value leads to. `variant`: `rule_1` ... or `fallback`."""

    variant: str
    image: str
    click: str


def read(said: Attributes) -> ConditionalImage:
    """S2:L557-L568; the fallback is required (wire-facts 5.3, L590)."""
    template = read_template(said, TEMPLATES)
    parameter = said.text("parameterName", limit=60)
    if parameter == slots.REFERENCE or parameter != parameter.strip():
        said.fault(
            "parameterName", f"must not be {slots.REFERENCE!r}, which is ours, nor have blanks at its ends"
        )
    rules = tuple(_rule(one) for one in said.each("rules", most=RULES))
    record = _record(said)
    if "fallback" not in said:
        said.fault("fallback", "must be given: it is shown when no rule matches")
        return ConditionalImage(
            template=template.id, parameter=parameter, rules=rules, fallback_image="", fallback_click=""
        )
    fallback = said.inside("fallback")
    return ConditionalImage(
        template=template.id,
        parameter=parameter,
        rules=rules,
        fallback_image=fallback.url("imageUrl"),
        fallback_click=fallback.url("clickUrl", ""),
        record=record,
    )


def sample(said: Attributes, _: ConditionalImage, preview: bool) -> str:
    """`mergeTag`: the value that a preview stands for; of a publication it says nothing."""
    if not preview:
        said.raw("mergeTag")
        return ""
    if said.raw("mergeTag") is None:
        said.fault("mergeTag", "must be given: a preview shows what this value leads to")
    return said.text("mergeTag", "", limit=SAMPLE_LIMIT)


def preview(of: ConditionalImage, sample: str) -> Preview:
    """S2:L602-L619: one picture, and where it leads."""
    return Preview({"": PNG}, {"clickUrl": chosen(of, sample).click})


def reduced(of: ConditionalImage, _: str, sample: str) -> ConditionalImage:
    """What the value leads to, alone: a hundred rules would not fit into a URL."""
    picked = chosen(of, sample)
    return ConditionalImage(
        template=of.template,
        parameter=of.parameter,
        rules=(),
        fallback_image=picked.image,
        fallback_click=picked.click,
    )


async def draw(of: ConditionalImage, _: str, sample: str, __: int, tools: Tools) -> Drawn | None:
    """The picture that the value leads to; the fallback's where that cannot be shown."""
    return await _picture(of, chosen(of, sample), tools)


def published(of: ConditionalImage, place: Place) -> Mapping[str, Any]:
    """S2:L669-L684, with one id in both URLs."""
    said = ((of.parameter, place.value(of.parameter, MERGE_TAG)),)
    return {
        **image(place.picture_url(slots.CONDITIONAL, said), PNG),
        "clickUrl": place.link_url(slots.CONDITIONAL, said),
    }


def slot(of: ConditionalImage, place: Place) -> Sequence[Slot]:
    """A linked picture."""
    said = ((of.parameter, place.value(of.parameter, MERGE_TAG)),)
    leads = any(rule.click_url for rule in of.rules) or of.fallback_click
    link = place.link_url(slots.CONDITIONAL, said) if leads else None
    return (Slot(place.picture_url(slots.CONDITIONAL, said), link, None, ""),)


async def show(of: ConditionalImage, look: Look, tools: Tools) -> Shown | None:
    """What the URL's value leads to. Fetched ahead it is as right as later: rules know no clock."""
    value = look.parameters.get(of.parameter)
    picked = chosen(of, value)
    picture = await _picture(of, picked, tools)
    return None if picture is None else Shown(picture, picked.variant, value or "")


def land(of: ConditionalImage, look: Look) -> str | None:
    """Where the same value's picture leads."""
    return chosen(of, look.parameters.get(of.parameter)).click or None


def chosen(of: ConditionalImage, value: str | None) -> Chosen:
    """The only place that decides; None: the URL says nothing."""
    rule = choose(of.rules, value)
    if rule is None:
        return Chosen("fallback", of.fallback_image, of.fallback_click)
    return Chosen(f"rule_{of.rules.index(rule) + 1}", rule.image_url, rule.click_url or "")


async def check(of: ConditionalImage, _: int, tools: Tools) -> Sequence[tuple[str, str]]:
    """Every picture that can be shown."""
    urls = {f"rules/{place}/imageUrl": rule.image_url for place, rule in enumerate(of.rules)}
    return await unfetched({**urls, "fallback/imageUrl": of.fallback_image}, tools)


async def _picture(of: ConditionalImage, picked: Chosen, tools: Tools) -> Drawn | None:
    return await tools.source(picked.image) or await tools.source(of.fallback_image)


def consults(of: ConditionalImage) -> tuple[str, Consulted] | None:
    """Rules about a record's field are asked with what the record says, by picture and link alike."""
    return None if of.record is None else (of.parameter, of.record)


def _record(said: Attributes) -> Consulted | None:
    """`record`, our own attribute: `{"prefix": "DEMO2", "field": "tier"}`."""
    if "record" not in said:
        return None
    given = said.inside("record")
    consulted = Consulted(prefix=given.text("prefix"), field=given.text("field"))
    fault = fault_of(Name(consulted.prefix, "x")) if consulted.prefix else None
    if fault is not None:
        given.fault("prefix", fault.removeprefix("the prefix "))
    return consulted


def _rule(said: Attributes) -> Rule:
    operator = said.choice("operator", OPERATORS)
    return Rule(
        operator=operator,
        value=_value(said, operator),
        image_url=said.url("imageUrl"),
        click_url=said.url("clickUrl", "") or None,
    )


def _value(said: Attributes, operator: str) -> str | tuple[str, ...]:
    given = said.raw("value")
    if operator in VALUELESS:
        return ""
    if operator in LISTS and isinstance(given, list):
        if len(given) <= VALUES and all(isinstance(one, str) and len(one) <= TEXT_LIMIT for one in given):
            return tuple(given)
        said.fault("value", f"must be a list of at most {VALUES} texts of {TEXT_LIMIT} characters")
        return ""
    return said.text("value", limit=VALUE_LIMIT)


KIND = Kind(
    name="conditional_images",
    segment="conditional-images",
    door=slots.CONDITIONAL,
    templates=TEMPLATES,
    definition=ConditionalImage,
    read=read,
    sample=sample,
    preview=preview,
    reduced=reduced,
    draw=draw,
    published=published,
    slots=slot,
    show=show,
    land=land,
    options=no_options,
    consults=consults,
    check=check,
)
