"""Events told in transactions."""
