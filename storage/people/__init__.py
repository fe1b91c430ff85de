"""The stores of accounts, tokens, devices and user-interactive auth."""
