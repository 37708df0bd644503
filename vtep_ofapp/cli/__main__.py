"""``python -m vtep_ofapp.cli``, where the command ``vtep-ofapp`` is not installed."""

import sys

from .main import main

sys.exit(main())
