"""Regular expressions whose cost is bounded: those that application services register, asked about names that strangers choose."""
