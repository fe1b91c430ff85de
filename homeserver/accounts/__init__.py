"""Accounts: who exists, how they prove who they are, and the tokens they get for it."""
