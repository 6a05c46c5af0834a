"""A campaign that waits in the store: its program was killed, or it has not been started again yet."""

import tempfile
from collections.abc import Awaitable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from motet.api.beginning import BEGAN, digest
from motet.api.desk import Desk, Reply
from motet.errors import AnswerProblem
from motet.files.candidates import read_table
from motet.files.report import Report
from motet.model.constraints import Constraint
from motet.model.experiment import Suggestion
from motet.model.parameters import Parameter
from motet.model.space import Space
from motet.orchestration.queue import Queue, stored_queue
from motet.orchestration.recorder import Recorder
from motet.orchestration.told import told
from motet.store import CampaignDetail, Reader, Store

if TYPE_CHECKING:
    from motet.model.rows import Rows

_parameters: TypeAdapter[dict[str, Parameter]] = TypeAdapter(dict[str, Parameter])
_constraints: TypeAdapter[tuple[Constraint, ...]] = TypeAdapter(tuple[Constraint, ...])


async def in_store(store: Store, reader: Reader, campaign: str, request: Mapping[str, Any]) -> Reply:
    """Carry out a request to the queue of a campaign that nobody runs; it is there when the campaign goes on. Raises
    AnswerProblem, NotFound, StoreError."""
    detail = reader.campaign(campaign)
    recorder = Recorder(store, campaign, before_s=reader.last_elapsed(campaign))
    number = max((row.number for row in reader.experiments(campaign)), default=0)

    def tell(suggestion: Suggestion, values: dict[str, float]) -> tuple[int, Awaitable[object]]:
        nonlocal number
        number += 1
        outcome = told(campaign, number, suggestion, values)
        recorder.planned(outcome.experiment)
        return number, recorder.ended(outcome, "", 0.0)

    queue = Queue(recorder, stored_queue(reader, campaign))
    desk = Desk(queue, stored_space(reader, detail), detail.objectives, detail.constraints, tell)
    return await desk.carry_out(request)


def stored_space(reader: Reader, detail: CampaignDetail) -> Space:
    """The search space that a campaign began with. Raises AnswerProblem for one whose space is not all in the store."""
    campaign = detail.summary.id
    began = next((event.data for event in reader.events(campaign) if event.kind == BEGAN), None)
    if began is None:
        raise AnswerProblem(f"the store does not tell the search space of {campaign}: start it, then ask again")
    parameters = _parameters.validate_python(detail.parameters)
    constraints = _constraints.validate_python(began.get("constraints") or ())
    wanted = began.get("candidates")
    if wanted is None:
        return Space(parameters, None, constraints)
    for rows in _tables(reader.files(campaign), parameters):
        if digest(rows) == wanted:
            return Space(parameters, rows, constraints)
    raise AnswerProblem(f"the store does not hold the table of candidates of {campaign}: start it, then ask again")


def _tables(files: Mapping[str, str], parameters: Mapping[str, Parameter]) -> "Iterator[Rows]":
    """Every file that can be read as a table of candidates for these parameters."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        for text in files.values():
            path.write_text(text)
            table = read_table(path, parameters, Report())
            if table is not None:
                yield table.rows
