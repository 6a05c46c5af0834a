"""What people want of a running campaign: pause, resume, stop after current, abort."""

from collections.abc import Callable

from motet.errors import EmergencyStop, MotetError
from motet.model.events import CampaignState

PERSON = "person"
"""Who holds a campaign that was paused by a command."""

COMMANDS = ("pause", "resume", "stop", "abort", "leave")


class Control:
    """The wishes of those who watch a campaign. All calls are made on the lab loop.

    It is paused while anybody holds it: a person, a store that cannot be written. After an emergency stop it is held
    until the lab is cleared and a person says so. Stopping cannot be taken back; aborting comes on top of it. Whoever
    aborts once more insists: see `insist`.
    """

    def __init__(self) -> None:
        self.state = CampaignState.RUNNING
        self.reason = ""
        self.leaving = False
        """Whether the campaign is only left, and goes on later."""
        self._holders: dict[str, str] = {}
        self._latched = ""
        self._listeners: list[Callable[[CampaignState], None]] = []
        self._insisting: list[Callable[[], object]] = []

    def insist(self, listener: Callable[[], object]) -> None:
        """Call `listener` whenever somebody aborts what is being aborted already."""
        self._insisting.append(listener)

    def listen(self, listener: Callable[[CampaignState], None]) -> None:
        """Call `listener` at every change of state."""
        self._listeners.append(listener)

    def command(self, name: str, reason: str) -> CampaignState:
        """Carry out one of COMMANDS by name and give the state that follows. Raises MotetError for any other name."""
        if name not in COMMANDS:
            raise MotetError(f"unknown command {name!r}; allowed: {', '.join(COMMANDS)}")
        getattr(self, name)(reason)
        return self.state

    def pause(self, reason: str = "asked to pause", holder: str = PERSON) -> None:
        """Begin no further step or experiment. What holds it may have another reason later on; a person's stays."""
        if self.ending:
            return
        told = next(iter(self._holders.values()), None)
        if holder != PERSON or holder not in self._holders:
            self._holders[holder] = reason
        if next(iter(self._holders.values())) != told:
            self._change(CampaignState.PAUSED, reason)

    def resume(self, reason: str = "asked to resume", holder: str = PERSON) -> None:
        """Go on after a pause, unless somebody else holds it. Raises EmergencyStop while the lab is latched."""
        if self._latched and holder == PERSON:
            raise EmergencyStop(f"cannot go on: {self._latched}; `motet clear` first")
        if self.ending or self._holders.pop(holder, None) is None:
            return
        if self._holders:
            self._change(CampaignState.PAUSED, next(iter(self._holders.values())))
            return
        self._change(CampaignState.RUNNING, reason)

    def estop(self, reason: str) -> None:
        """The lab is latched: nothing moves until it is cleared and a person resumes the campaign."""
        self._latched = reason
        self.pause(reason)

    def clear(self) -> None:
        """The lab is latched no more; a person may resume."""
        self._latched = ""

    def stop(self, reason: str = "asked to stop after the current experiments") -> None:
        """Let the running experiments end, begin no further one."""
        if self.state in (CampaignState.RUNNING, CampaignState.PAUSED):
            self._change(CampaignState.STOPPING, reason)

    def abort(self, reason: str = "asked to abort") -> None:
        """End the running experiments now."""
        if self.state is not CampaignState.ABORTING:
            self._change(CampaignState.ABORTING, reason)
            return
        for listener in self._insisting:
            listener()

    def leave(self, reason: str = "its process is to end") -> None:
        """The same, but the campaign is not over: it goes on when it is started again."""
        if not self.aborting:
            self.leaving = True
            self.abort(reason)

    @property
    def ending(self) -> bool:
        """Whether no further experiment may begin."""
        return self.state in (CampaignState.STOPPING, CampaignState.ABORTING)

    @property
    def paused(self) -> bool:
        """Whether nothing may begin for now."""
        return self.state is CampaignState.PAUSED

    @property
    def aborting(self) -> bool:
        """Whether what runs ends now."""
        return self.state is CampaignState.ABORTING

    def _change(self, state: CampaignState, reason: str) -> None:
        self.state, self.reason = state, reason
        for listener in self._listeners:
            listener(state)
