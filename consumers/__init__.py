"""What downstream services use and are: the public client of the topics, and the consumers built on it."""
