"""Settings: a NamedTuple per section, read and checked by `config.load`."""
