"""User profiles with free fields."""
