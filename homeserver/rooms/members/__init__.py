"""Those who come and go in special ways: guests, and people invited by a third-party identifier."""
