"""The log file of a data folder, written by a thread of its own."""

import logging
import queue
from collections.abc import Generator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path

MAX_BYTES = 5_000_000
KEPT = 3
CHATTY = ("bluesky", "ophyd_async", "amqtt", "transitions")
"""Libraries that tell of every step; of these only warnings are kept."""


@contextmanager
def unlogged() -> Generator[None]:
    """While entered, what is logged goes nowhere: for simulations of which only the result is kept, which tells of what
    went wrong. Without it Python would print warnings, with their tracebacks, to the terminal."""
    root, nowhere = logging.getLogger(), logging.NullHandler()
    root.addHandler(nowhere)
    try:
        yield
    finally:
        root.removeHandler(nowhere)


@contextmanager
def logged(data: Path, name: str = "motet.log") -> Generator[None]:
    """While entered, everything logged goes to a file of the data folder, and nothing to the terminal."""
    data.mkdir(parents=True, exist_ok=True)
    file = RotatingFileHandler(data / name, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = QueueHandler(waiting)
    root = logging.getLogger()
    level = root.level
    listener = QueueListener(waiting, file)
    listener.start()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        listener.stop()
        file.close()
