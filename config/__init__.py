"""Settings: a frozen dataclass per section, read and checked by `config.load`."""
