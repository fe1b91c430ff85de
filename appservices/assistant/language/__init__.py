"""The language model: asked within budgets, behind a breaker."""
