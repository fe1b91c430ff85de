"""Plain HTTP: every operation, also those that no library calls, and their errors."""
