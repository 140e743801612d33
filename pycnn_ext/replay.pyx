"""Repeating calls that were recorded: nothing but the calls, one after another."""


def replay(list calls):
    """Call each of ``calls``, functions without arguments."""
    for call in calls:
        call()
