"""Settings of all tests."""

from hypothesis import settings

# No folder of found examples in the source tree, and no limit of time on one example: the machine may be busy.
settings.register_profile("stackserver", database=None, deadline=None)
settings.load_profile("stackserver")
