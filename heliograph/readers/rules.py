"""The rules as values, read from TOML: who a reader is (`[[reader]]`) and with what client (`[[client]]`).

Both are ordered lists; the first rule whose conditions all hold decides. `readers.toml` and `clients.toml` are ours,
an operator's file of the same form is put in front of them (setting `reader_rules`). Everything is checked while
loading, so that a mistake is named at the start and not by a wrong verdict. Each rule carries examples, which are
tests (`tests/readers/test_reader_rules.py`) and documentation at once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple, get_args

from heliograph.readers.vocabulary import Engine, Platform, ReaderClass, VisitKind

Example = Mapping[str, Any]
"""The fields of a `Visit`; of an open by GET where nothing else is said."""

_CONDITIONS = {"words", "agent", "referrer", "accept", "purpose", "kinds", "methods", "networks", "within"}
_CLIENT = ("mail_client", "specific", "engine", "platform", "versions")  # what is said of the client
_ANY = {"name", "examples", "counterexamples", *_CONDITIONS, *_CLIENT}
_READER = {"reader", "says", "reliable", *_ANY}


class Conditions(NamedTuple):
    """What must hold. None: no such condition. Of `words` (in small letters) and `agent` one is enough: most names
    are plain words, which are found fifty times faster. `within`: seconds since the message was handed over."""

    words: tuple[str, ...] | None
    agent: tuple[re.Pattern[str], ...] | None
    referrer: tuple[re.Pattern[str], ...] | None
    accept: tuple[re.Pattern[str], ...] | None
    purpose: tuple[re.Pattern[str], ...] | None
    kinds: frozenset[str] | None
    methods: frozenset[str] | None
    networks: frozenset[str] | None
    within: float | None


class Client(NamedTuple):
    """What is said of the client. In `specific`, `{0}` is what the agent's first group found, in words of `versions`
    where it is there, and `{browser}` the browser's name. Empty `engine` and `platform`: as the User-Agent says."""

    mail_client: str
    specific: str
    engine: Engine | None
    platform: Platform | None
    versions: Mapping[str, str]


class ReaderRule(NamedTuple):
    """Who a reader is, where the conditions hold. `client` None: the rules of clients say."""

    name: str
    conditions: Conditions
    reader: ReaderClass
    says: str
    reliable: bool
    client: Client | None
    examples: Sequence[Example]
    counterexamples: Sequence[Example]


class ClientRule(NamedTuple):
    """What a reader uses, where the conditions hold."""

    name: str
    conditions: Conditions
    client: Client
    examples: Sequence[Example]
    counterexamples: Sequence[Example]


class Rules(NamedTuple):
    """Both lists, in order."""

    readers: tuple[ReaderRule, ...]
    clients: tuple[ClientRule, ...]

    def before(self, other: Rules) -> Rules:
        """These rules in front of others."""
        return Rules(self.readers + other.readers, self.clients + other.clients)


def builtin() -> Rules:
    """Ours."""
    return parse(_read("readers.toml")).before(parse(_read("clients.toml")))


def parse(source: str) -> Rules:
    """The rules of a TOML text. Raises ValueError (`tomllib.TOMLDecodeError` is one), naming the rule."""
    tables = tomllib.loads(source)
    if unknown := sorted(set(tables) - {"reader", "client"}):
        raise ValueError(f"there are [[reader]] and [[client]], but no {unknown[0]!r}")
    return Rules(
        tuple(_reader(entry) for entry in tables.get("reader", ())),
        tuple(_client_rule(entry) for entry in tables.get("client", ())),
    )


def names_of_networks(rules: Rules) -> dict[str, str]:
    """Each network that a rule asks for, and the rule's name."""
    asking = [(rule.name, rule.conditions) for rule in rules.readers]
    asking += [(rule.name, rule.conditions) for rule in rules.clients]
    return {network: name for name, wanted in asking for network in sorted(wanted.networks or ())}


def _reader(entry: Mapping[str, Any]) -> ReaderRule:
    name = _checked(entry, _READER)
    reader: Any = entry.get("reader")
    if reader not in get_args(ReaderClass):
        raise ValueError(f"rule {name!r}: reader is one of {', '.join(get_args(ReaderClass))}")
    if not entry.get("says"):
        raise ValueError(f"rule {name!r}: says tells in words why")
    return ReaderRule(
        name=name,
        conditions=_conditions(entry, name),
        reader=reader,
        says=str(entry["says"]),
        reliable=bool(entry.get("reliable", reader in ("human", "image_proxy", "unknown"))),
        client=_client(entry, name) if set(entry) & set(_CLIENT) else None,
        examples=entry.get("examples", ()),
        counterexamples=entry.get("counterexamples", ()),
    )


def _client_rule(entry: Mapping[str, Any]) -> ClientRule:
    name = _checked(entry, _ANY)
    examples, counterexamples = entry.get("examples", ()), entry.get("counterexamples", ())
    return ClientRule(name, _conditions(entry, name), _client(entry, name), examples, counterexamples)


def _checked(entry: Mapping[str, Any], known: set[str]) -> str:
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError("every rule has a name")
    if unknown := sorted(set(entry) - known):
        raise ValueError(f"rule {name!r} has an unknown field: {unknown[0]}")
    return name


def _conditions(entry: Mapping[str, Any], name: str) -> Conditions:
    kinds = _words(entry, "kinds", name)
    if kinds and (unknown := sorted(kinds - set(get_args(VisitKind)))):
        raise ValueError(f"rule {name!r}: there is no kind of visit {unknown[0]!r}")
    within = entry.get("within")
    if within is not None and not isinstance(within, int | float):
        raise ValueError(f"rule {name!r}: within is a number of seconds")
    return Conditions(
        words=tuple(word.lower() for word in _listed(entry, "words", "texts", name)) or None,
        agent=_patterns(entry, "agent", name) or None,
        referrer=_patterns(entry, "referrer", name) or None,
        accept=_patterns(entry, "accept", name) or None,
        purpose=_patterns(entry, "purpose", name) or None,
        kinds=kinds,
        methods=_words(entry, "methods", name),
        networks=_words(entry, "networks", name),
        within=within,
    )


def _client(entry: Mapping[str, Any], name: str) -> Client:
    engine, platform = entry.get("engine"), entry.get("platform")
    if engine is not None and engine not in get_args(Engine):
        raise ValueError(f"rule {name!r}: engine is one of {', '.join(get_args(Engine))}")
    if platform is not None and platform not in get_args(Platform):
        raise ValueError(f"rule {name!r}: platform is one of {', '.join(filter(None, get_args(Platform)))}")
    client = entry.get("mail_client", "")
    return Client(client, entry.get("specific", client), engine, platform, entry.get("versions", {}))


def _words(entry: Mapping[str, Any], field: str, name: str) -> frozenset[str] | None:
    return frozenset(_listed(entry, field, "words", name)) or None


def _patterns(entry: Mapping[str, Any], field: str, name: str) -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(re.compile(part) for part in _listed(entry, field, "regular expressions", name))
    except re.error as error:
        raise ValueError(f"rule {name!r}, {field}: {error}") from error


def _listed(entry: Mapping[str, Any], field: str, what: str, name: str) -> list[str]:
    """The list under this name; empty where there is none."""
    if field not in entry:
        return []
    found = entry[field]
    if not found or not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"rule {name!r}: {field} is a list of {what}")
    return found


def _read(name: str) -> str:
    return files("heliograph.readers").joinpath(name).read_text(encoding="utf-8")
