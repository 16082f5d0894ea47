"""No network, clock or sleep: the whole folder runs in seconds."""
