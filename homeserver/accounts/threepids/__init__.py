"""Third-party identifiers: the e-mail addresses of accounts, and the proof that they are their owners'."""
