"""The rules all Matrix servers must agree on: pure functions over values, no I/O, clock, randomness or logging."""
