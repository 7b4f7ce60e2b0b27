"""``python -m gcdr`` is ``gcdr``."""

import sys

from gcdr.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
