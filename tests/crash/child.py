"""`tests/serve` with a place to die at: `python -m tests.crash.child WORDS` (see `points`)."""

import os

from tests.crash import points
from tests.serve_options import main

if __name__ == "__main__":
    points.install(dict(os.environ))
    main()
