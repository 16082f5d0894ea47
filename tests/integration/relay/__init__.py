"""The relay against a real PostgreSQL and a real Kafka."""
