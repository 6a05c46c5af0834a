"""What a station tells of itself: its state, kept by the broker and sent again every few seconds, and what happens."""

import asyncio
from collections.abc import Callable
from itertools import count

from motet.model.events import Event, StationChanged, StationState, StepStarted
from motet.remote.messages import (
    AnyEvent,
    Events,
    HolderBody,
    ProblemEvent,
    StateEvent,
    StateMessage,
    StepEvent,
    clean,
)
from motet.remote.post import Post
from motet.remote.topics import Topics

HEARTBEAT_S = 2.0
"""How often the state comes."""
TOGETHER_S = 0.05
"""What happens within this time goes out in one message, at its end."""
STATE_S = 0.5
"""The retained state comes so much later than the event of a change: it is for those who come later."""
MOST_TEXT = 10_000
"""Longer texts are cut."""
_ROUTINE = (StationState.IDLE, StationState.RUNNING)
"""States that come and go with every experiment: the next heartbeat is soon enough for those who come later."""


class News:
    """Tells. `facts` gives the running job and the holder."""

    def __init__(
        self,
        station: str,
        process: str,
        topics: Topics,
        post: Post,
        facts: Callable[[], tuple[str | None, HolderBody | None]],
    ) -> None:
        self._station, self._process = station, process
        self._topics, self._post, self._facts = topics, post, facts
        self._loop = asyncio.get_running_loop()
        self._events: list[AnyEvent] = []
        self._numbers = count(1)
        self._timer: asyncio.TimerHandle | None = None
        self._heartbeat: asyncio.TimerHandle | None = None
        self._state_timer: asyncio.TimerHandle | None = None
        self._stopped = False
        self.state = StationState.CONNECTING
        self.cause = ""

    def start(self) -> None:
        """Tell the state from now on."""
        self._beat()

    def see(self, event: Event) -> None:
        """An event of the station."""
        match event:
            case StationChanged(_, state, cause):
                self.state, self.cause = state, clean(cause[:MOST_TEXT])
                self.tell(StateEvent(state=state, cause=self.cause))
            case StepStarted(_, step):
                self.tell(StepEvent(step=clean(step[:MOST_TEXT])))
            case _:
                pass

    def problem(self, text: str) -> None:
        """Something is wrong that no request was the cause of."""
        self.tell(ProblemEvent(text=clean(text[:MOST_TEXT])))

    def tell(self, event: AnyEvent) -> None:
        """One more event."""
        if self._stopped:
            return
        self._events.append(event)
        if self._timer is None:
            self._timer = self._loop.call_later(TOGETHER_S, self._flush)

    def now(self) -> StateMessage:
        """The state as a message."""
        job, holder = self._facts()
        return StateMessage(
            station=self._station, process=self._process, state=self.state, cause=self.cause, job=job, holder=holder
        )

    def beat(self) -> None:
        """Tell the state now."""
        if self._state_timer is not None:
            self._state_timer.cancel()
            self._state_timer = None
        self._post.send(self._topics.state, self.now(), retain=True)

    def stop(self) -> None:
        """Tell what there is to tell, and no more."""
        self._flush()
        self.mute()

    def mute(self) -> None:
        """Tell no more."""
        for timer in (self._timer, self._heartbeat, self._state_timer):
            if timer is not None:
                timer.cancel()
        self._stopped = True

    def _beat(self) -> None:
        self.beat()
        self._heartbeat = self._loop.call_later(HEARTBEAT_S, self._beat)

    def _flush(self) -> None:
        self._timer = None
        if not self._events:
            return
        events, self._events = tuple(self._events), []
        self._post.send(
            self._topics.event, Events(process=self._process, number=next(self._numbers), events=events), qos=0
        )
        changed = any(isinstance(event, StateEvent) and event.state not in _ROUTINE for event in events)
        if changed and self._state_timer is None and not self._stopped:
            self._state_timer = self._loop.call_later(STATE_S, self.beat)


def last_will(station: str, process: str) -> StateMessage:
    """The state of a station whose process has gone without a word."""
    return StateMessage(station=station, process=process, state=StationState.OFFLINE, cause="its process is gone")
