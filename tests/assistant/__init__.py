"""The assistant: against a homeserver and a model that are parts of the tests, over real HTTP."""
