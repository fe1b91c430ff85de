"""Secrets that people pasted into a room do not travel to a model."""

import re
from typing import Final

GONE: Final = "[secret removed]"
_SECRETS: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bsy[tr]_[A-Za-z0-9_=-]{16,}|\bm[cu]t_[A-Za-z0-9_]{16,}"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
    r"|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)",
    re.DOTALL,
)
_NAMED: Final = re.compile(r"(?i)\b(pass(?:word|wd|phrase)?|secret|api[_-]?key|token|recovery key)(\s*[:=]\s*)(\S{6,})")


def without_secrets(text: str) -> str:
    return _NAMED.sub(rf"\1\2{GONE}", _SECRETS.sub(GONE, text))
