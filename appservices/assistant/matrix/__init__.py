"""The homeserver, as the assistant sees it: requests out, transactions in, what events say."""
