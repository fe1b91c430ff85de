"""What an e-mail address looks like (appendices, "E-mail"). Only ASCII, as most mail servers take no other."""

import re

MAX_BYTES = 254
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")


def is_address(text: str) -> bool:
    """Whether the text is an address and nothing else: no name, no brackets, no second one."""
    return len(text) <= MAX_BYTES and _ADDRESS.fullmatch(text) is not None


def canonical(address: str) -> str:
    """The form in which addresses are kept and compared."""
    return address.casefold()
