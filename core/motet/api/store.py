"""Looking after a store: whether it is sound, and copies of it. Both may be done while a campaign runs."""

import time
from pathlib import Path

from motet.api.results import store_path
from motet.store.backup import See, back_up
from motet.store.check import Finding, check_store

__all__ = ["Finding", "back_up_store", "check", "store_file"]


def store_file(data: Path, file: Path | None = None) -> Path:
    """The store of a data folder, or the file that was named instead."""
    return store_path(data) if file is None else file


def check(path: Path, see: See = lambda done, total: None) -> list[Finding]:
    """Everything that is wrong with a store or a copy of one; empty when it is sound. Raises NotFound, StoreError."""
    return check_store(path, see)


def back_up_store(data: Path, target: Path | None = None, see: See = lambda done, total: None) -> Path:
    """Copy the store of a data folder, by default to `backups/motet-YYYYMMDD-HHMMSS.db` in it; the copy's path. Raises
    NotFound, FileProblems when there is a file of that name, StoreError."""
    made = target or data / "backups" / f"motet-{time.strftime('%Y%m%d-%H%M%S')}.db"
    back_up(store_path(data), made, see)
    return made
