"""`python -m vae_core` is the command line."""

import sys

from vae_core.cli import main

sys.exit(main())
