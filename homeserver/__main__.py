"""`chatme`, or `python -m homeserver`."""

import sys

from homeserver.cli.main import run


def main() -> None:
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
