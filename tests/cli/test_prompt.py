"""The line that is typed in answer to a question."""

import pytest

from motet.cli.asking import Prompt
from motet.cli.board import Board
from motet.errors import AnswerProblem
from motet.model.events import QuestionAsked, QuestionClosed
from motet.model.objective import Objective
from motet.model.questions import AnswerForm, Asked, Closed, Question, QuestionState
from motet.model.standing import Wanted

ASKED = [
    Asked(number, Question(f"cell{number}-scales", "How much?", AnswerForm(answer="number")), None, 0.0)
    for number in (1, 2, 3)
]


class Desk:
    """A board with questions, and what is answered."""

    def __init__(self, *asked: Asked) -> None:
        self.board = Board(Wanted({"y": Objective(goal="maximize")}, {}))
        self.given: list[tuple[str, int]] = []
        self.prompt = Prompt(self.board)
        self.prompt.answer = self.answer
        for one in asked:
            self.board.see(QuestionAsked(one))

    def answer(self, given: str, number: int) -> None:
        if given == "bad":
            raise AnswerProblem("a number is needed")
        self.given.append((given, number))
        self.close(number)

    def close(self, number: int) -> None:
        self.board.see(QuestionClosed(ASKED[number - 1], Closed(QuestionState.ANSWERED, 1.0)))


def test_what_is_typed_answers_the_oldest_question() -> None:
    desk = Desk(*ASKED)
    desk.prompt.feed("1\x7f\x1b[D25")
    assert desk.prompt.text == "25"
    desk.prompt.feed("\r")
    assert desk.given == [("25", 1)]
    assert (desk.prompt.text, desk.prompt.asked) == ("", ASKED[1])


def test_tab_goes_round_the_questions_and_begins_anew() -> None:
    desk = Desk(*ASKED)
    desk.prompt.feed("5\t\t")
    assert (desk.prompt.text, desk.prompt.asked) == ("", ASKED[2])
    desk.prompt.feed("\t7\n")
    assert desk.given == [("7", 1)]


def test_what_is_typed_for_a_question_never_answers_another_one() -> None:
    desk = Desk(*ASKED[:2])
    desk.prompt.feed("25")
    desk.close(1)
    desk.prompt.feed("\r")
    assert desk.given == []
    assert desk.prompt.problem == "a number: type it, then Enter"
    desk.prompt.feed("7\r8\r")
    assert desk.given == [("7", 2)]


@pytest.mark.parametrize(
    ("typed", "problem"), [("\r", "a number: type it, then Enter"), ("bad\r", "a number is needed")]
)
def test_what_will_not_do_is_said_and_typed_anew(typed: str, problem: str) -> None:
    desk = Desk(*ASKED[:1])
    desk.prompt.feed(typed)
    assert (desk.prompt.problem, desk.prompt.text) == (problem, "")
    desk.prompt.feed("x\x157\r")
    assert desk.given == [("7", 1)]


def test_without_a_question_what_is_typed_is_dropped() -> None:
    desk = Desk()
    desk.prompt.feed("25\r")
    assert (desk.prompt.text, desk.given, desk.prompt.asked) == ("", [], None)
