"""Where threads run."""

BOUND = {"OMP_PROC_BIND": "true"}
"""Of the environment, before OpenMP is loaded. A thread that wakes up after a pause may else be put where the other one
runs, and stay there for some 50 ms: both sides are then half as fast, and which of them is chance."""
