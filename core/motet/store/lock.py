"""One writer for each store: a lock file beside it that the kernel frees when its process ends, however it
ends."""

import fcntl
import os
from pathlib import Path
from weakref import WeakSet

from motet.errors import StoreError


class WriterLock:
    """The exclusive lock of `PATH.lock`, which holds the writer's process id. The file stays behind,
    unlocked: to remove it would let two writers lock two files of the same name."""

    def __init__(self, store: Path) -> None:
        """Raises StoreError at once, naming the process, when another writer has the store."""
        path = store.with_name(store.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise StoreError(f"{store}: cannot be opened for writing: {error}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise StoreError(f"{store}: process {owner} is writing to this store; only one may") from error
        except OSError as error:
            os.close(self._file)
            raise StoreError(f"{path}: cannot be locked: {error}") from error
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)
        except OSError as error:
            os.close(self._file)
            raise StoreError(f"{path}: cannot be written: {error}") from error
        _held.add(self)

    def release(self) -> None:
        """Let the next writer in; in a child of the process that holds the lock, nothing."""
        if self not in _held:
            return
        _held.discard(self)
        os.ftruncate(self._file, 0)
        os.close(self._file)

    def leave_to_parent(self) -> None:
        """In a child made by fork: let go of the file, which stays locked for the parent, and for it alone."""
        os.close(self._file)


_held: WeakSet[WriterLock] = WeakSet()


def _in_child() -> None:
    """A lock belongs to every process that has the file open; a child would keep it after its parent's end."""
    for lock in list(_held):
        lock.leave_to_parent()
    _held.clear()


os.register_at_fork(after_in_child=_in_child)
