"""How addresses are told apart: in one form for all their spellings, by each account's policy.

Domains compare without case, always, and whether they are written in letters or in ASCII; of local parts the
account says whether their case counts (`keep_local_case`). Folds keep addresses in the form that `Spelling` gives,
whoever wrote them and whatever the event's subject; who looks one up asks for `forms`. The policy is read when it is
first needed, which is only where somebody wrote a capital letter: nearly nobody does. After it was changed, what was
folded before is folded again by `heliograph replay`.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from heliograph.accounts.model import ACCOUNTS
from heliograph.events import subjects
from heliograph.react.state.reading import KEY_LIMIT

_POLICY = select(ACCOUNTS.c.policy).where(ACCOUNTS.c.number == bindparam("of_number"))


class Spelling:
    """The accounts' ways, as one connection sees them. For one batch or one question."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keeping: dict[str, bool] = {}

    def keeps_case(self, account: str) -> bool:
        """Whether `John@` and `john@` of one domain are two people in this account."""
        if account not in self._keeping:
            policy = self._connection.scalar(_POLICY, {"of_number": account})
            self._keeping[account] = bool(policy and policy.get("keep_local_case"))
        return self._keeping[account]

    def normal(self, account: str, address: str | None) -> str | None:
        """An address in its normal form; None where there is none, or where it is too long to be one."""
        if address is None or len(address) > KEY_LIMIT:
            return None
        plain = subjects.normal_email(address)
        kept = subjects.normal_email(address, keep_case=True)
        return (plain if plain == kept or not self.keeps_case(account) else kept) or None

    def forms(self, account: str, address: str) -> list[str]:
        """The forms under which what is known of an address may be kept: where case does not count, also the one
        with case, for what was kept while it did."""
        plain = subjects.normal_email(address)
        kept = subjects.normal_email(address, keep_case=True)
        if plain == kept:
            return [plain]
        return [kept] if self.keeps_case(account) else [kept, plain]
