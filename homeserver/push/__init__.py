"""What users are notified of: their push rules, unread counts, and what pushers read."""
