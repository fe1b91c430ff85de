"""The roof, floor by floor: `main` builds the server from these. Nothing but `main` imports them, and they alone see everything.

Each module builds the parts of one floor by their constructors and lists the endpoints that stand on them.
"""
