"""What is done to a store: a disk that is full, another program that locks it, a file system that takes nothing."""

import asyncio
import os
import resource
import sqlite3
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

_SIZE = "8m"


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@contextmanager
def small_disk(folder: Path) -> Generator[bool]:
    """A file system of its own at the folder, of 8 MB in memory, where the system lets us; whether it did."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = os.geteuid() == 0 and _mount("-t", "tmpfs", "-o", f"size={_SIZE}", "motet-torture", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)


@contextmanager
def full(folder: Path) -> Generator[None]:
    """While entered, there is no room left on the small disk (ENOSPC)."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 512):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue  # full to within that
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def cramped(pid: int) -> Generator[None]:
    """While entered, no file of that process may become any larger (EFBIG, by RLIMIT_FSIZE)."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it did not live through it, which others will notice
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    """While entered, the small disk takes nothing at all (EROFS); nobody may have a file of it open for writing."""
    if not _mount("-o", "remount,ro", str(folder)):
        raise OSError(f"{folder} cannot be made read-only")
    try:
        yield
    finally:
        _mount("-o", "remount,rw", str(folder))


@asynccontextmanager
async def turned_read_only(folder: Path, pid: int, failed: Awaitable[object]) -> AsyncGenerator[None]:
    """While entered, whoever opens a file in the small disk finds it read-only (EROFS): another mount covers the first.

    The kernel takes nothing from whoever has a file open for writing already. So the process may write nothing until
    `failed` is done, which says that it has noticed: then it opens its files anew.
    """
    with cramped(pid):
        await failed
        await asyncio.to_thread(_cover, folder)
    try:
        yield
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", "--lazy", str(folder)], capture_output=True, check=True)


def _cover(folder: Path) -> None:
    """Mount a folder over itself, read-only."""
    if not _mount("--bind", str(folder), str(folder)):
        raise OSError(f"{folder} cannot be mounted over itself")
    if not _mount("-o", "remount,bind,ro", str(folder)):
        subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=True)
        raise OSError(f"{folder} cannot be made read-only")


@asynccontextmanager
async def locked(store: Path) -> AsyncGenerator[None]:
    """While entered, another program has a transaction open and writes."""

    def begin() -> sqlite3.Connection:
        connection = sqlite3.connect(store, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    connection = await asyncio.to_thread(begin)
    try:
        yield
    finally:
        connection.rollback()
        connection.close()
