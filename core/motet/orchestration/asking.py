"""What is asked of people about a campaign itself: whether to repeat what must not be repeated by itself."""

from motet.errors import Interrupted, ProcedureError, StationLost
from motet.model.experiment import RunRecord
from motet.model.questions import AnswerForm, Question
from motet.orchestration.judge import AskAgain
from motet.orchestration.questions import Questions
from motet.orchestration.work import Work


async def nobody(work: Work, station: str, record: RunRecord) -> bool:
    """Where nobody can be asked nothing is repeated."""
    return False


def asks_again(questions: Questions) -> AskAgain:
    """Asks the people who watch whether an attempt is to be repeated; yes repeats it."""

    async def ask(work: Work, station: str, record: RunRecord) -> bool:
        if not record.unrepeatable:
            raise ProcedureError("nobody has to be asked about an attempt whose steps may be repeated")
        done = ", ".join(record.unrepeatable)
        what = f"Experiment {work.experiment.number} at {station} failed ({record.error})"
        if not isinstance(record.error, Interrupted | StationLost):  # these say themselves what was begun, or may have
            what += f" after it had begun {done}"
        device = f"{station}-{record.unrepeatable[0].partition('.')[0]}"
        return await questions.ask(Question(device, f"{what}. Try it again?", AnswerForm(answer="yes_no"))) is True

    return ask
