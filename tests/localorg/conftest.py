"""Puts this folder on the import path, so that tests share `support` and each other's harnesses (`fleet.scripted_node` ...)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
