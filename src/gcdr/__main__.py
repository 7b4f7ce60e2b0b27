"""``python -m gcdr`` is ``gcdr``."""

import sys

from gcdr.cli import main

if __name__ == "__main__":
    sys.exit(main())
