"""From journal to Kafka: one relay per book publishes every event once, in order, and proves where it stopped."""
