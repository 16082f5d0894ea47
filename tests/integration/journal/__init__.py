"""The journal against a real PostgreSQL: append, roles, migrations."""
