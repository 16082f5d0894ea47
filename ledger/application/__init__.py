"""Use cases: load what a command needs, let the domain decide, append once per idempotency key."""
