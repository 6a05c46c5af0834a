"""The live table of stations with a progress bar, for terminals."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from motet.cli.asking import Prompt
from motet.cli.board import Board, StationLine
from motet.cli.standing import standing
from motet.cli.text import clock, needed, question
from motet.model.events import CampaignState, Event, StationState

_STYLES = {
    StationState.RUNNING: "green",
    StationState.IDLE: "dim",
    StationState.PAUSING: "yellow",
    StationState.PAUSED: "yellow",
    StationState.STOPPING: "cyan",
    StationState.ABORTING: "red",
    StationState.ABORTED: "red",
    StationState.FAULT: "bold red",
    StationState.ESTOPPED: "bold white on red",
    StationState.CLEARING: "bold yellow",
}
_BUSY = (
    StationState.RUNNING,
    StationState.PAUSING,
    StationState.PAUSED,
    StationState.STOPPING,
    StationState.ABORTING,
)

SHOWN = 5
"""At most so many questions are shown at once."""


class LiveTable:
    """Redraws itself eight times a second in a thread of its own; events only change the board."""

    def __init__(self, board: Board, console: Console, prompt: Prompt | None = None, how: str = "") -> None:
        """`prompt` is where answers are typed; without one `how` says how questions are answered."""
        self._board = board
        self._console = console
        self._prompt = prompt
        self._how = how

    def see(self, event: Event) -> None:
        """Take the event to the board."""
        self._board.see(event)

    @contextmanager
    def shown(self) -> Generator[None]:
        """While entered, the table stands on the terminal; its last state stays there."""
        with Live(get_renderable=self._draw, console=self._console, refresh_per_second=8):
            yield

    def _draw(self) -> RenderableType:
        board = self._board
        warning = [_warning(board)] if board.problems else []
        hint = Text(_hint(board.state), style="dim")
        return Group(self._stations(), self._bar(), standing(board), *warning, *self._questions(), hint)

    def _questions(self) -> list[Text]:
        """What is asked of people, the line that is typed below its question."""
        board, prompt = self._board, self._prompt
        there = list(board.questions.values())
        current = prompt.asked if prompt is not None else None
        lines = [Text(board.closed, style="dim")] if board.closed else []
        for asked in [*([current] if current is not None else []), *(one for one in there if one != current)][:SHOWN]:
            within = f" within {asked.question.within}" if asked.question.within else ""
            lines.append(Text(question(asked), style="bold magenta"))
            if prompt is not None and asked == current:
                lines.append(Text(f"  {needed(asked.question.form)}{within} > {prompt.text}\u2588"))
                lines += [Text(f"  {prompt.problem}", style="red")] if prompt.problem else []
            else:
                lines.append(Text(f"  {needed(asked.question.form)}{within}", style="dim"))
        if len(there) > SHOWN:
            lines.append(Text(f"and {len(there) - SHOWN} more questions", style="dim"))
        if len(there) > 1 and prompt is not None:
            lines.append(Text("Tab goes to the next question", style="dim"))
        if there and prompt is None and self._how:
            lines.append(Text(self._how.replace("CAMPAIGN", board.campaign), style="dim"))
        return lines

    def _stations(self) -> Table:
        title = f"{self._board.campaign or 'campaign'}: {self._board.state}"
        table = Table(title=title, title_justify="left", title_style="bold", expand=True)
        for heading, ratio in (
            ("station", 2),
            ("state", 2),
            ("experiment", 2),
            ("step", 4),
            ("time", 1),
            ("last", 5),
        ):
            table.add_column(heading, ratio=ratio, no_wrap=True, overflow="ellipsis")
        for name, line in list(self._board.stations.items()):
            table.add_row(name, Text(line.state, style=_STYLES.get(line.state, "")), *_cells(line, self._board.clock()))
        return table

    def _bar(self) -> Table:
        board = self._board
        row = Table.grid(padding=(0, 2), expand=True)
        row.add_column(ratio=1)
        row.add_column(no_wrap=True)
        bar = ProgressBar(total=board.most, completed=board.ended, pulse=board.most is None and not _is_over(board))
        left = board.seconds_left()
        counts = f"{board.ended}{f'/{board.most}' if board.most else ''} experiments"
        failed = f", {board.failed} failed" if board.failed else ""
        remaining = f", {clock(left)} left at most" if left is not None and not _is_over(board) else ""
        row.add_row(bar, f"{counts}{failed}, {clock(board.elapsed)}{remaining}")
        return row


def _warning(board: Board) -> Text:
    times = f" {board.problems} times, the last time" if board.problems > 1 else ""
    text = f"the learner went on without its model{times} for {board.problem}"
    return Text(text, style="yellow", no_wrap=True, overflow="ellipsis")


def _cells(line: StationLine, now: float) -> tuple[str, str, str, str]:
    busy = line.state in _BUSY
    seconds = f"{now - line.since:.1f} s" if busy else ""
    return line.experiment if busy else "", line.step, seconds, line.last or line.cause


def _is_over(board: Board) -> bool:
    return board.state in (
        CampaignState.FINISHED,
        CampaignState.STOPPED,
        CampaignState.ABORTED,
        CampaignState.INTERRUPTED,
        CampaignState.FAILED,
    )


def _hint(state: CampaignState) -> str:
    match state:
        case CampaignState.STARTING:
            return "connecting; Ctrl-C cancels"
        case CampaignState.RUNNING | CampaignState.PAUSED:
            return "Ctrl-C stops after the current experiments, twice aborts them"
        case CampaignState.STOPPING:
            return "stopping after the current experiments; Ctrl-C aborts them"
        case CampaignState.ABORTING:
            return "aborting: devices are brought to their safe state"
        case _:
            return ""
