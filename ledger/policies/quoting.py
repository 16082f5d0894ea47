"""The dated rules under which loans are quoted: calendars, caps and reference rates of this package."""

from ledger.domain.quote import Policies
from ledger.policies.caps import cap_policy
from ledger.policies.open_days import open_days
from ledger.policies.reference_rates import reference_rates

POLICIES = Policies(calendars=open_days, caps=cap_policy, references=reference_rates)
