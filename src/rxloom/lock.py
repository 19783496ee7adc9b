"""The lock under which threads change what they share of a run."""

from __future__ import annotations

import os
from threading import RLock
from typing import Final

LOCK: Final = RLock()
"""One for all runs: it is held for moments, and one for each run would cost more than it saves.

It is reentrant, since a finalizer may need it while its thread holds it.
"""

if hasattr(os, "register_at_fork"):  # whoever forks holds it meanwhile: in the child no other thread could release it
    os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release)
