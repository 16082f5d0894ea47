"""Reads the debit policies: what a scheme, the law and the lender allow of debits under a mandate."""

from datetime import date
from functools import lru_cache

import msgspec

from ledger.policies.dated_folders import UnreadablePolicy, names, newest, values
from schemas.payments.mandates import DebitRules


def debit_policies() -> list[str]:
    """The names of all policies."""
    return names("debits")


@lru_cache(maxsize=256)
def debit_policy(name: str, on: date) -> DebitRules:
    """The policy of a name that holds on a date; its id in events is the name and the first date on which it holds."""
    policy, text = newest("debits", name, on)
    try:
        rules = msgspec.convert({"policy": policy, **values(text)}, DebitRules)
        if both := set(rules.again) & set(rules.ending):
            raise ValueError(f"{', '.join(sorted(both))} both ends the mandate and lets a debit be presented again")
        return rules
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        raise UnreadablePolicy(f"asked to read debit policy {policy}: {error}; correct the file") from error
