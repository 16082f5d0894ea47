"""No deadline for an example that Hypothesis makes up: a busy machine is slow, and no test fails for that."""

from hypothesis import settings

settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")
