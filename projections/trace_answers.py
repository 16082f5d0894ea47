"""What a traced figure of one loan says. Amounts are in minor units."""

from datetime import date

import msgspec

from projections.restatement_answers import Figured
from schemas.loans.servicing import AllocationRule


class TracedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of double entry in a balance. `amount_minor`: by how much it changes it; `running_minor`: what is then.

    `position`, `type` and `hash` (SHA-256 of its bytes, hex) name the event; `actor` (role:id) had it recorded by the
    request `request_id` (a keyed digest of the caller's key; null where there was none). `rule` is what decided the
    line, by the field of the servicing policy where there is one: `terms` (paid out and planned by them), `accrual`
    (interest), `penalty_interest`, `late_fee_or_agreed_fee`, `fee` (a person charged it), `cost_caps RULE` (cut to that
    cap), `allocation` (money, or credit, goes to what is due; `from N days past due on` says which order held where
    several are agreed), `prepayment` (later installments ask for other amounts), `waiver`, `credit_refund`, `reversal`,
    `write_off`, or `restatement` with the rule that is followed once more.
    `policy` and `engine`: which version of both.
    """

    position: int
    type: str
    hash: str
    summary: str
    value_date: date
    booking_date: date
    account: str
    component: str | None
    installment: int | None
    amount_minor: int
    running_minor: int
    rule: str
    policy: str
    engine: str
    actor: str
    request_id: str | None


class BalanceTrace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a balance comes from: what stood before the lines that are shown, and each of them up to `amount_minor`.

    `as_of` null: on whatever value date. `known_at`: the last position that counts. `opening_lines` lines make
    `opening_minor` and are not shown. `allocation`: the agreed rules of where money goes, by days past due; none for a
    loan that was opened without a servicing policy.
    """

    loan: str
    currency: str
    balance: str
    as_of: date | None
    known_at: int
    opening_minor: int
    opening_lines: int
    lines: tuple[TracedLine, ...]
    amount_minor: int
    allocation: tuple[AllocationRule, ...]


class TracedChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event changed one figure of an installment; `name`, `before` and `after` as in a restatement.

    `because_position`: the fact in the same request that it followed from.
    """

    position: int
    type: str
    hash: str
    value_date: date
    section: str
    name: str
    before: Figured | None
    after: Figured | None
    policy: str
    engine: str
    actor: str
    request_id: str | None
    subject: str = ""
    on: date | None = None
    component: str = ""
    because_position: int | None = None


class StateFigure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One figure of an installment as it is."""

    section: str
    name: str
    value: Figured
    subject: str = ""
    on: date | None = None
    component: str = ""


class InstallmentTrace(msgspec.Struct, frozen=True, kw_only=True):
    """How an installment came to its state: every change of its figures, in the order in which it became known.

    `as_of` null: on whatever value date. `known_at`: the last position that counts. `earlier_changes` are not shown.
    """

    loan: str
    currency: str
    installment: int
    as_of: date | None
    known_at: int
    state: tuple[StateFigure, ...]
    earlier_changes: int
    changes: tuple[TracedChange, ...]
