"""Events that other servers made: judged, given their place, and whole rooms taken in from them (server-server API, "PDUs")."""
