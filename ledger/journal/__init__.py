"""The journal: an append-only event store on PostgreSQL that decides order, versions and idempotency."""
