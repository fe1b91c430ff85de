"""What belongs to one person: profile, account data, tags, filters, receipts, typing, presence."""
