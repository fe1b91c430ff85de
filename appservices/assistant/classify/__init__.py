"""What kind of thing a message is, told by a small model trained here."""
