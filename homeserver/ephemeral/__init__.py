"""What is told and soon forgotten: typing, receipts, presence."""
