"""The only room with SQL: drivers below, a file per port above."""
