"""The server shell: what has to be so before the first page is drawn."""

import os
import subprocess
import sys
from pathlib import Path


def test_torch_finds_its_waiting_threads_told_to_rest(root: Path) -> None:
    """OpenMP reads it once, when torch comes in: an import that brings torch into the shell would be too early."""
    code = "import os, sys, app; print('torch' in sys.modules, os.environ['OMP_WAIT_POLICY'])"
    kept = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=kept, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "PASSIVE"]
    asked = kept | {"OMP_WAIT_POLICY": "ACTIVE"}  # by the owner
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=asked, capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "ACTIVE"
