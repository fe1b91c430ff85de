"""This server and Synapse as members of rooms that other servers hold: joins, arriving messages, messages told to others."""
