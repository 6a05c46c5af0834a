"""What `motet show` prints: a campaign, or one of its experiments."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from motet.cli.text import classes, clock, console, measured, moment, number, outcome, point
from motet.model.experiment import State
from motet.model.sample import samples
from motet.store import CampaignDetail, ExperimentRow
from motet.store.words import wishes

SHOWN = 10
"""How many of the best experiments and of the failures are listed."""

FRONT = 40
"""How many experiments of a Pareto front are listed."""


def print_campaign(detail: CampaignDetail, rows: Sequence[ExperimentRow]) -> None:
    """Print a campaign: how it ended, what stands out of it, its failures, and where its learner had no model."""
    one = detail.summary
    print(f"{one.id}: {one.state}{f': {one.reason}' if one.reason else ''}")
    print(f"lab      {one.lab}, stations {', '.join(detail.stations)}, seed {detail.seed}")
    print(f"wants    {', '.join(wishes(detail.wanted))}")
    print(f"started  {moment(one.started)}, {clock(one.wall_s)} wall, speed-up {one.speed_up:.2f}")
    print(f"did      {one.experiments} experiments, {one.failed} failed{_broken(detail, rows)}")
    shown = _standing_out(detail, rows)
    if shown:
        console().print(_table(detail, shown))
    failed = [row for row in rows if row.state is State.FAILED]
    for row in failed[:SHOWN]:
        print(f"failed   {row.number} at {row.station}: {row.reason}")
    if len(failed) > SHOWN:
        print(f"         and {len(failed) - SHOWN} more failed; `motet report {one.id}` lists all")
    without = [row for row in rows if row.suggestion.problem]
    for row in without[:SHOWN]:
        print(f"no model {row.number} was chosen without: {row.suggestion.problem}")
    if len(without) > SHOWN:
        print(f"         and {len(without) - SHOWN} more; `motet report {one.id}` lists all")


def print_samples(rows: Sequence[ExperimentRow], as_json: bool) -> None:
    """Print the samples: where each is, and where it has been."""
    found = samples(rows)
    if as_json:
        print(json.dumps([{**asdict(sample), "place": sample.place} for sample in found]))
        return
    table = Table("sample", "state", "place", "history")
    for sample in found:
        history = [f"{clock(visit.began_s)} {visit}{', failed' * bool(visit.reason)}" for visit in sample.history]
        place = "" if sample.place is None else f"{sample.place}{', being worked on' * sample.is_at_work}"
        table.add_row(sample.id, sample.state, place, "; ".join(history))
    console().print(table)


def experiment_lines(row: ExperimentRow, detail: CampaignDetail) -> list[str]:
    """All that is known of an experiment."""
    suggestion, wanted = row.suggestion, detail.wanted
    units = {name: str(fields.get("unit") or "") for name, fields in detail.parameters.items()}
    others = [name for name in row.values if name not in wanted.objectives]
    lines = [
        f"{row.id}: {row.state}{f': {row.reason}' if row.reason else ''}",
        f"point    {point(row.parameters, units)}",
    ]
    if row.values:
        also = [f"{name} {measured(name, row.values[name], wanted)}" for name in others]
        lines.append(f"measured {', '.join([outcome(row.values, wanted), *also])}")
    for attempt in row.attempts:
        time = "under way" if attempt.seconds is None else f"{attempt.seconds:.2f} s"
        stage = f" ({attempt.stage})" if attempt.stage else ""
        reason = f", {attempt.reason}" if attempt.reason else ""
        lines.append(f"attempt  {attempt.number}{stage} at {attempt.station}: {time}{reason}")
    lines.append(f"why      {suggestion.why}")
    if suggestion.mean is not None and suggestion.std is not None:
        lines.append(f"expected {wanted.first} {suggestion.mean:.6g} ± {suggestion.std:.2g}")
    if suggestion.score is not None:
        lines.append(f"score    {suggestion.score:.6g}")
    if suggestion.problem:
        lines.append(f"no model {suggestion.problem}")
    return [*lines, *(f"note     {name}: {value:.6g}" for name, value in suggestion.notes.items())]


def _broken(detail: CampaignDetail, rows: Sequence[ExperimentRow]) -> str:
    wanted = detail.wanted
    count = sum(bool(wanted.broken(row.values)) for row in rows if row.state is State.DONE)
    return f", {count} broke a constraint on outcomes" if count else ""


def _standing_out(detail: CampaignDetail, rows: Sequence[ExperimentRow]) -> list[ExperimentRow]:
    """The experiments to list; prints which they are where they are not the best ones."""
    wanted = detail.wanted
    done = [row for row in rows if row.state is State.DONE]
    if wanted.classes:
        print(f"found    {classes(detail.summary.counts)}; the last ones")
        return done[-SHOWN:]
    if wanted.several:
        numbers = detail.summary.front
        by_number = {row.number: row for row in done}
        some = f", the first {FRONT} of them" if len(numbers) > FRONT else ""
        print(
            f"front    {len(numbers)} experiment{'s' if len(numbers) != 1 else ''} that no other is better than{some}"
        )
        return [by_number[number] for number in numbers[:FRONT] if number in by_number]
    ranked = [(merit, row) for row in done if (merit := wanted.merit(row.values)) is not None]
    return [row for _, row in sorted(ranked, key=lambda pair: -pair[0])][:SHOWN]


def _table(detail: CampaignDetail, rows: Sequence[ExperimentRow]) -> Table:
    wanted = detail.wanted
    units = {name: f" / {unit}" if (unit := fields.get("unit")) else "" for name, fields in detail.parameters.items()}
    heads = [f"{name}{units[name]}" for name in units]
    table = Table("no.", *heads, *wanted.objectives, *wanted.others, "predicted", "station", "why")
    for row in rows:
        mean, std = row.suggestion.mean, row.suggestion.std
        predicted = "" if mean is None or std is None else f"{mean:.4g} ± {std:.2g}"
        values = [measured(name, row.values.get(name), wanted) for name in (*wanted.objectives, *wanted.others)]
        where = [number(row.parameters.get(name, "")) for name in units]
        table.add_row(str(row.number), *where, *values, predicted, row.station or "", row.suggestion.why)
    return table
