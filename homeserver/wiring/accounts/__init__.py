"""The roof over accounts, beside `people`."""
