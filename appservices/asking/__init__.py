"""What this server asks of application services: requests over HTTP, outside of transactions."""
