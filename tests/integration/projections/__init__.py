"""The read side on real servers."""
