"""An engine target that ends its process instead of making an engine."""

import os
import sys


def start() -> None:
    print("loading", flush=True)
    print("no weights to be found", file=sys.stderr, flush=True)
    os._exit(4)
