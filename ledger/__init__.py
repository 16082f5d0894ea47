"""The write side of the repayment ledger: decide, record, publish, and the ways in."""
