"""Reads the overdue policies: what overdue means, by counter. Each is a folder, with a file for each date from which
other values hold.
"""

from datetime import date
from functools import lru_cache

import msgspec

from ledger.policies.dated_folders import UnreadablePolicy, names, newest, values
from ledger.policies.open_days import calendar_names
from schemas.errors import BadInput
from schemas.overdue.rules import OverdueRules


class PolicyOfOtherCurrency(BadInput):
    code = "policy_of_other_currency"


def overdue_policies() -> list[str]:
    """The names of all policies."""
    return names("overdue")


def overdue_policy(name: str, on: date, currency: str) -> OverdueRules:
    """The policy of a name that holds on a date; its id in events is the name and the first date on which it holds.

    Raises `PolicyOfOtherCurrency` for a loan in another currency than that of its amounts.
    """
    rules, of_amounts = _read(name, on)
    if of_amounts not in {"", currency}:
        raise PolicyOfOtherCurrency(
            f"asked to count days past due of a loan in {currency} by {rules.policy}; what it tolerates is in "
            f"{of_amounts}. Use a policy without amounts, or one in {currency}"
        )
    return rules


@lru_cache(maxsize=256)
def _read(name: str, on: date) -> tuple[OverdueRules, str]:
    return read_overdue_policy(*newest("overdue", name, on))


def read_overdue_policy(policy: str, text: str) -> tuple[OverdueRules, str]:
    """A policy from its TOML, and the currency of its amounts (empty: it has none). Raises `UnreadablePolicy` with what
    is wrong."""
    try:
        given = dict(values(text))
        currency = str(given.pop("currency", ""))
        rules = msgspec.convert({"policy": policy, **given}, OverdueRules)
        counters = (rules.contractual, rules.bureau, rules.regulatory)
        if bool(currency) != any(rule.tolerance_minor for rule in counters):
            raise ValueError("amounts that are tolerated need their currency, and a currency needs amounts")
        if rules.contractual.tolerance_share:
            raise ValueError("a share of the principal is tolerated by other counters only, not the contractual one")
        if rules.calendar and rules.calendar not in calendar_names():
            raise ValueError(f"there is no calendar {rules.calendar}")
        return rules, currency
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        raise UnreadablePolicy(f"asked to read overdue policy {policy}: {error}; correct the file") from error
