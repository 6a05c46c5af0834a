"""Answers typed at the terminal that runs a campaign, while everything goes on."""

import codecs
import logging
import os
import re
import select
import sys
import termios
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from motet.cli.board import Board
from motet.cli.text import needed
from motet.errors import MotetError
from motet.model.events import Event, QuestionAsked, QuestionClosed
from motet.model.questions import Asked

_KEYS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?")
"""What arrow and function keys send (ECMA-48, section 5.4: control sequences)."""
_log = logging.getLogger(__name__)
_LOOK_AGAIN_S = 1.0
"""How often a program in the background looks whether it is in the foreground again."""


class Prompt:
    """The line that is being typed, and the question that it answers: the oldest one, or another chosen with Tab.

    What is typed for a question never reaches another one: when the question is closed elsewhere, it is dropped.
    """

    def __init__(self, board: Board) -> None:
        self.text = ""
        self.problem = ""
        self.answer: Callable[[str, int], object] = lambda given, number: None
        """Takes an answer. Raises AnswerProblem."""
        self._board = board
        self._number: int | None = None
        self._lock = threading.RLock()

    @property
    def asked(self) -> Asked | None:
        """The question that is being answered."""
        with self._lock:
            there = dict(self._board.questions)
            if self._number not in there:
                self._take(next(iter(there), None))
            return None if self._number is None else there.get(self._number)

    def feed(self, typed: str) -> None:
        """Take in what was typed. What comes behind an Enter was not meant for the next question."""
        for key in _KEYS.sub("", typed):
            asked = self.asked
            if asked is None:
                return
            if key in "\r\n":
                self._enter(asked)
                return
            with self._lock:
                self._edit(key, asked)

    def _edit(self, key: str, asked: Asked) -> None:
        match key:
            case "\x7f" | "\b":
                self.text = self.text[:-1]
            case "\x15":
                self.text = ""
            case "\t":
                there = list(self._board.questions)
                self._take(there[(there.index(asked.number) + 1) % len(there)] if asked.number in there else None)
            case _ if key.isprintable():
                self.text += key
            case _:
                pass

    def _enter(self, asked: Asked) -> None:
        given, self.text, self.problem = self.text.strip(), "", ""
        if not given:
            self.problem = f"{needed(asked.question.form)}: type it, then Enter"
            return
        try:
            self.answer(given, asked.number)
        except (MotetError, TimeoutError) as error:
            self.problem = str(error) or "the answer was not taken in time"

    def _take(self, number: int | None) -> None:
        self._number, self.text, self.problem = number, "", ""


class Typist:
    """Reads the terminal in a thread of its own while a question is open, and leaves it alone otherwise.

    On a live view (`raw`) the terminal shows nothing by itself meanwhile: the view does. Ctrl-C works as ever. What was
    typed before a question was there is dropped.
    """

    def __init__(self, prompt: Prompt, *, raw: bool) -> None:
        self._prompt = prompt
        self._raw = raw
        self._stdin = sys.stdin.fileno()
        self._woken, self._wake = os.pipe()
        self._ending = self._listening = False
        self._before = termios.tcgetattr(self._stdin)
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._thread = threading.Thread(target=self._run, name="typist", daemon=True)

    def before_shown(self, event: Event) -> None:
        """Drop what was typed so far; to be told of events before whoever shows questions. Called on the lab loop."""
        if isinstance(event, QuestionAsked) and not self._listening and self._is_in_front():
            termios.tcflush(self._stdin, termios.TCIFLUSH)

    def when_shown(self, event: Event) -> None:
        """Begin or end to listen; to be told of events after the board. Called on the lab loop."""
        if isinstance(event, QuestionAsked | QuestionClosed):
            os.write(self._wake, b".")

    def _is_in_front(self) -> bool:
        """Whether the terminal is this program's: one in the background that touches it is halted."""
        try:
            return os.tcgetpgrp(self._stdin) == os.getpgrp()
        except OSError:  # it is nobody's terminal: there is no job control
            return True

    @contextmanager
    def at_work(self) -> Generator[None]:
        """While entered, answers are taken; the terminal is left as it was."""
        self._thread.start()
        try:
            yield
        finally:
            self._ending = True
            os.write(self._wake, b".")
            self._thread.join()
            os.close(self._wake)
            os.close(self._woken)

    def _run(self) -> None:
        try:
            while not self._ending:
                asked = self._prompt.asked is not None
                mine = asked and self._is_in_front()
                self._listen(mine)
                watched = [self._woken, self._stdin] if mine else [self._woken]
                ready, _, _ = select.select(watched, [], [], _LOOK_AGAIN_S if asked and not mine else None)
                if self._woken in ready:
                    os.read(self._woken, 4096)
                if self._stdin in ready:
                    self._read()
            self._listen(False)
        except (OSError, termios.error) as error:
            _log.info("the terminal has gone: %s; questions can be answered with `motet answer`", error)

    def _read(self) -> None:
        typed = os.read(self._stdin, 4096)
        if not typed:
            raise OSError("the terminal has ended")
        self._prompt.feed(self._decoder.decode(typed))
        if self._prompt.problem and not self._raw:
            print(self._prompt.problem, file=sys.stderr, flush=True)

    def _listen(self, wanted: bool) -> None:
        """Take the terminal, or give it back."""
        if wanted == self._listening:
            return
        self._listening = wanted
        mode = [*self._before]
        if wanted and self._raw:
            mode[3] &= ~(termios.ECHO | termios.ICANON)
            mode[6] = [*self._before[6]]
            mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._stdin, termios.TCSANOW, mode)
