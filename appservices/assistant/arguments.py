"""The words of the command line, also of `chatme assistant`; nothing else of the assistant is loaded for them."""

import argparse
from pathlib import Path


def add_words(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("action", choices=("run", "register"), help="be there until told to stop; or write the registration")
    parser.add_argument("--config", metavar="FILE", type=Path, default=Path("assistant.toml"), help="its settings (assistant.toml)")
    return parser
