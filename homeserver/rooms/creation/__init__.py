"""Making rooms as clients ask for them."""
