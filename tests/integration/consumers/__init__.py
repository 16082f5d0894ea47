"""The public client of the topics against a real Kafka."""
