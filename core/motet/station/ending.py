"""The end of a plan by an emergency stop: nothing more of it is done but to close its runs."""

import logging
from collections.abc import Mapping
from typing import Any, cast

from bluesky import Msg

from motet.station.plan import Plan

_log = logging.getLogger(__name__)


class Ending:
    """Carries the messages of one plan to the engine until it is told to end it, from outside of the plan."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        """What it was told to end with."""
        self._open: dict[Any, Mapping[str, Any]] = {}
        self.at_work = False
        """Whether the engine is taking messages from it."""

    def end(self, error: Exception) -> None:
        """From the next message on the plan is closed and raises `error`, whatever it would have done."""
        self.error = error

    def carried(self, plan: Plan) -> Plan:
        """The messages of the plan. What it is told to end with comes instead of its cleanup and its finalizers."""
        self.at_work = True
        answer: Any = None
        raised: BaseException | None = None
        try:
            while self.error is None:
                try:
                    message = plan.send(answer) if raised is None else plan.throw(raised)
                except StopIteration as end:
                    return end.value
                self._note(message)
                answer = raised = None
                try:
                    answer = yield message
                except GeneratorExit:
                    plan.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - it is the plan's to handle
                    raised = error
            self._close(plan)
            for run in tuple(self._open):
                try:
                    yield Msg("close_run", None, run=run, exit_status="abort", reason=str(self.error))
                except Exception as error:  # noqa: BLE001 - the abort of the engine comes here; the runs are closed all the same
                    _log.info("while its runs are closed: %r", error)
            raise self.error
        finally:
            self.at_work = False

    def _note(self, message: Msg) -> None:
        if message.command == "open_run":
            self._open[message.run] = message.kwargs
        elif message.command == "close_run":
            self._open.pop(message.run, None)

    def _close(self, plan: Plan) -> None:
        try:
            plan.close()
        except Exception as error:  # noqa: BLE001 - a finalizer that yields, or raises: nothing of it is done
            _log.warning("the plan that an emergency stop ended: %r", cast("Any", error))
