"""Tests of the client API, endpoint by endpoint."""
