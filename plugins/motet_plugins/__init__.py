"""Motet's own learners, stop rules, analyses and exporters, by the same door as anyone's plugins.

Importing this package is cheap: each hook imports its modules when it is called, and a plugin imports a heavy
library when it is used.
"""

from collections.abc import Iterable

from motet.contracts.declarations import Declaration
from motet.hookspecs import hookimpl


@hookimpl
def motet_starts() -> Iterable[Declaration]:
    """Start designs."""
    from motet_plugins.starts import random_points

    return [Declaration("random", random_points.RandomPoints, random_points.Options)]


@hookimpl
def motet_surrogates() -> Iterable[Declaration]:
    """Surrogates. `rf` and `gp` are short names."""
    from motet_plugins.surrogates import forests, gaussian_process

    return [
        Declaration("random_forest", forests.RandomForest, forests.Options),
        Declaration("rf", forests.RandomForest, forests.Options),
        Declaration("extra_trees", forests.ExtraTrees, forests.Options),
        Declaration("gaussian_process", gaussian_process.GaussianProcess, gaussian_process.Options),
        Declaration("gp", gaussian_process.GaussianProcess, gaussian_process.Options),
    ]


@hookimpl
def motet_acquisitions() -> Iterable[Declaration]:
    """Acquisitions. `lcb` and `ucb` are two names of one: merits are turned so that higher is better."""
    from motet_plugins.acquisitions import confidence_bound, expected_improvement, random_score, weighted

    return [
        Declaration("weighted", weighted.Weighted, weighted.Options),
        Declaration("ei", expected_improvement.ExpectedImprovement, expected_improvement.Options),
        Declaration("lcb", confidence_bound.ConfidenceBound, confidence_bound.Options),
        Declaration("ucb", confidence_bound.ConfidenceBound, confidence_bound.Options),
        Declaration("random", random_score.RandomScore),
    ]


@hookimpl
def motet_pendings() -> Iterable[Declaration]:
    """Pending strategies."""
    from motet_plugins.pendings import believer, exclude, none

    return [
        Declaration("exclude", exclude.Exclude),
        Declaration("believer", believer.Believer),
        Declaration("none", none.NoHandling),
    ]


@hookimpl
def motet_analyses() -> Iterable[Declaration]:
    """Analyses."""
    from motet_plugins.analyses import last_value, plateau

    return [
        Declaration("plateau", plateau.Plateau, plateau.Options),
        Declaration("value", last_value.LastValue, last_value.Options),
    ]


@hookimpl
def motet_stop_rules() -> Iterable[Declaration]:
    """Stop rules."""
    from motet_plugins.stop_rules import experiments, no_improvement, points, target_reached

    return [
        Declaration("experiments", experiments.Experiments, experiments.Options),
        Declaration("points", points.Points, points.Options),
        Declaration("target_reached", target_reached.TargetReached, target_reached.Options),
        Declaration("no_improvement", no_improvement.NoImprovement, no_improvement.Options),
    ]


@hookimpl
def motet_exporters() -> Iterable[Declaration]:
    """Exporters."""
    from motet_plugins.exporters.csv_table import CsvTable
    from motet_plugins.exporters.json_lines import JsonLines

    return [Declaration("csv", CsvTable), Declaration("jsonl", JsonLines)]
