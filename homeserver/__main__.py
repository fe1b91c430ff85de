"""`chatme`, or `python -m homeserver`."""

import gc
import sys
from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> None:
    gc.disable()  # what is loaded now stays
    from homeserver.cli.main import run

    sys.exit(run(sys.argv[1:] if words is None else words))


if __name__ == "__main__":
    main()
