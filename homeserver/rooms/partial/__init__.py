"""Rooms entered without their members, which come later: what is known of them meanwhile, and how they become whole (MSC3706, MSC3902)."""
