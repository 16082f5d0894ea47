"""All projections there are."""

from projections import audit_trail, delinquency, loan_now, postings

PROJECTIONS = (loan_now.PROJECTION, postings.PROJECTION, delinquency.PROJECTION, audit_trail.PROJECTION)
