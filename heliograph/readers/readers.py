"""The judge: a visit against the rules, remembered.

What a verdict depends on is few: the User-Agent, the range that the address is in, a handful of headers, and whether
it came sooner than a rule asks for. By these both answers are kept, so that the next visit of the same sort costs one
look-up. The caches are bounded: whoever sends ever new User-Agents makes us work, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from heliograph.errors import OperatorError
from heliograph.readers import browsers, networks, rules
from heliograph.readers.networks import Networks
from heliograph.readers.rules import Client, Conditions, Rules
from heliograph.readers.vocabulary import Platform, Reader, Visit, Who, in_mode
from heliograph.settings import Settings

REMEMBERED = 8_192
"""Verdicts of each sort that are kept: about 6 MB with User-Agents of 200 characters."""

_NOBODY = "no rule"
_CLIENT_OF_NONE = Client("", "", None, None, {})


class Readers:
    """Judges visits by these rules and ranges: ours unless others are given."""

    def __init__(self, by: Rules | None = None, ranges: Networks | None = None) -> None:
        self.rules = rules.builtin() if by is None else by
        self.networks = Networks(networks.builtin()) if ranges is None else ranges
        limits = {rule.conditions.within for rule in self.rules.readers} - {None}
        self._limits = sorted(limit for limit in limits if limit is not None)
        self._who = lru_cache(maxsize=REMEMBERED)(self._decide)
        self._judged = lru_cache(maxsize=REMEMBERED)(self._describe)

    def network(self, address: str) -> str:
        """The published range that an address is in; empty: in none."""
        return self.networks.of(address)

    def who(self, visit: Visit) -> Who:
        """Who it was: for hot paths."""
        return self._who(*self._reduced(visit))[0]

    def ready(self) -> None:
        """Have everything at hand that the first judgement would wait for: a tenth of a second, and 25 MB."""
        browsers.ready()

    def judge(self, visit: Visit) -> Reader:
        """Who it was and with what."""
        return self._judged(*self._reduced(visit))

    def _reduced(self, visit: Visit) -> Visit:
        """The visit without what makes no difference: a key of the caches."""
        kind, agent, method, address, network, referrer, accept, purpose, after, mode = visit
        if address and not network:
            network = self.networks.of(address)
        if referrer:
            referrer = "/".join(referrer.split("/", 3)[:3])
        if after is not None:
            after = next((limit for limit in self._limits if after <= limit), None)
        return Visit(kind, agent, method, "", network, referrer, accept, purpose, after, mode)

    def _decide(self, *reduced: Any) -> tuple[Who, Client | None, str]:
        """Who it was, what the rule itself says of the client, and what its pattern's first group found."""
        visit = Visit(*reduced)
        small = visit.user_agent.lower()
        for rule in self.rules.readers:
            found = _holds(rule.conditions, visit, small)
            if found is not None:
                return Who(rule.reader, rule.name, rule.says, rule.reliable), rule.client, found
        return Who("unknown", _NOBODY, "no rule knows this User-Agent", True), None, ""

    def _describe(self, *reduced: Any) -> Reader:
        visit = Visit(*reduced)
        who, client, found = self._who(*reduced)
        if client is None:
            client, found = self._client_of(visit) if who.reader in ("human", "unknown") else (None, "")
        if client is None:
            return Reader(*who)
        platform = client.platform or _platform(visit)
        specific = client.versions.get(found, client.specific).replace("{0}", found)
        if "{browser}" in specific:
            specific = specific.replace("{browser}", browsers.browser(visit.user_agent) or "another browser")
        specific = in_mode(client.mail_client, specific, visit.mode)
        engine = client.engine or browsers.engine(visit.user_agent)
        return Reader(*who, client.mail_client, specific, engine, platform)

    def _client_of(self, visit: Visit) -> tuple[Client | None, str]:
        small = visit.user_agent.lower()
        for rule in self.rules.clients:
            found = _holds(rule.conditions, visit, small)
            if found is not None:
                return rule.client, found
        name = browsers.browser(visit.user_agent)
        return (_CLIENT_OF_NONE._replace(specific=f"Using {name}"), "") if name else (_CLIENT_OF_NONE, "")


def load(settings: Settings) -> Readers:
    """The judge with what the operator put in front. Raises `OperatorError`, naming the setting and what is wrong."""
    ranges: dict[str, list[str]] = {}
    if settings.reader_networks:
        ranges = networks.from_directory(Path(settings.reader_networks))
    for name, builtin in networks.builtin().items():
        ranges.setdefault(name, builtin)
    ours = rules.builtin()
    own = _own(Path(settings.reader_rules)) if settings.reader_rules else Rules((), ())
    for network, rule in rules.names_of_networks(own).items():
        if network not in ranges:
            raise OperatorError(
                f"reader_rules: rule {rule!r} asks for the network {network!r}, which nobody names; "
                f"there are {', '.join(sorted(ranges))}"
            )
    return Readers(own.before(ours), Networks(ranges))


def _own(file: Path) -> Rules:
    try:
        return rules.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OperatorError(f"reader_rules: {file}: {error}") from error


def _platform(visit: Visit) -> Platform:
    return browsers.platform(visit.user_agent, visit.kind)


def _holds(wanted: Conditions, visit: Visit, small: str) -> str | None:
    """What the first group of the agent's pattern found, empty where it has none; None: it does not hold. `small`:
    the User-Agent in small letters."""
    if (
        (wanted.kinds is not None and visit.kind not in wanted.kinds)
        or (wanted.methods is not None and visit.method not in wanted.methods)
        or (wanted.networks is not None and visit.network not in wanted.networks)
        or (wanted.within is not None and (visit.after is None or visit.after > wanted.within))
        or (wanted.purpose is not None and _search(wanted.purpose, visit.purpose) is None)
        or (wanted.accept is not None and _search(wanted.accept, visit.accept) is None)
        or (wanted.referrer is not None and _search(wanted.referrer, visit.referrer) is None)
    ):
        return None
    if wanted.words is not None:
        for word in wanted.words:
            if word in small:
                return ""
        if wanted.agent is None:
            return None
    return "" if wanted.agent is None else _search(wanted.agent, visit.user_agent)


def _search(patterns: Sequence[re.Pattern[str]], text: str) -> str | None:
    for pattern in patterns:
        found = pattern.search(text)
        if found is not None:
            return next(filter(None, found.groups()), "")
    return None
