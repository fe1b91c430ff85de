"""The assistant: an application service that helps where it was asked in. It knows its homeserver by the public HTTP API alone."""
