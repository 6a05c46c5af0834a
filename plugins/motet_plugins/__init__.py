"""Motet's own learners, stop rules, analyses and exporters, by the same door as anyone's plugins.

Importing this package is cheap: each hook imports its modules when it is called, and a plugin imports a heavy
library when it is used.
"""

from collections.abc import Iterable

from motet.contracts.declarations import Composite, Declaration
from motet.hookspecs import hookimpl


@hookimpl
def motet_starts() -> Iterable[Declaration]:
    """Start designs."""
    from motet_plugins.starts import farthest_point, grid, latin_hypercube, listed, random_points, sobol

    return [
        Declaration("random", random_points.RandomPoints, random_points.Options),
        Declaration("sobol", sobol.Sobol, sobol.Options),
        Declaration("latin_hypercube", latin_hypercube.LatinHypercube, latin_hypercube.Options),
        Declaration("grid", grid.Grid, grid.Options),
        Declaration("farthest_point", farthest_point.FarthestPoint, farthest_point.Options),
        Declaration("list", listed.ListedPoints, listed.Options),
    ]


@hookimpl
def motet_surrogates() -> Iterable[Declaration]:
    """Surrogates. `rf` and `gp` are short names."""
    from motet_plugins.surrogates import (
        bayesian_linear,
        botorch_gp,
        committee,
        forest_classifier,
        forests,
        gaussian_process,
        gp_classifier,
        linear_ensemble,
        sklearn_model,
    )

    return [
        Declaration("random_forest", forests.RandomForest, forests.Options),
        Declaration("rf", forests.RandomForest, forests.Options),
        Declaration("extra_trees", forests.ExtraTrees, forests.Options),
        Declaration("gaussian_process", gaussian_process.GaussianProcess, gaussian_process.Options),
        Declaration("gp", gaussian_process.GaussianProcess, gaussian_process.Options),
        Declaration("botorch_gp", botorch_gp.BotorchGaussianProcess),
        Declaration("bayesian_linear", bayesian_linear.BayesianLinear, bayesian_linear.Options),
        Declaration("linear_ensemble", linear_ensemble.LinearEnsemble, linear_ensemble.Options),
        Composite("committee", committee.Committee, committee.Options),
        Declaration("sklearn", sklearn_model.SklearnModel, sklearn_model.Options),
        Declaration("gp_classifier", gp_classifier.GaussianProcessClassifier, gp_classifier.Options),
        Declaration("forest_classifier", forest_classifier.ForestClassifier, forest_classifier.Options),
    ]


@hookimpl
def motet_acquisitions() -> Iterable[Declaration]:
    """Acquisitions. `lcb` and `ucb` are two names of one: merits are turned so that higher is better.

    `max_std` and `alc` are other names of `largest_variance` and `variance_reduction`.
    """
    from motet_plugins.acquisitions import (
        committee_spread,
        confidence_bound,
        entropy,
        epsilon_greedy,
        expected_improvement,
        hypervolume_improvement,
        kullback_leibler,
        largest_variance,
        least_confidence,
        log_expected_improvement,
        noisy_hypervolume_improvement,
        parego,
        probability_of_improvement,
        random_score,
        smallest_margin,
        thompson,
        top_q,
        variance_reduction,
        vote_entropy,
        weighted,
    )

    noisy = noisy_hypervolume_improvement
    return [
        Declaration("weighted", weighted.Weighted, weighted.Options),
        Declaration("ei", expected_improvement.ExpectedImprovement, expected_improvement.Options),
        Declaration("log_ei", log_expected_improvement.LogExpectedImprovement, expected_improvement.Options),
        Declaration("pi", probability_of_improvement.ProbabilityOfImprovement, probability_of_improvement.Options),
        Declaration("lcb", confidence_bound.ConfidenceBound, confidence_bound.Options),
        Declaration("ucb", confidence_bound.ConfidenceBound, confidence_bound.Options),
        Declaration("thompson", thompson.Thompson),
        Declaration("top_q", top_q.TopQ, top_q.Options),
        Declaration("largest_variance", largest_variance.LargestVariance),
        Declaration("max_std", largest_variance.LargestVariance),
        Declaration("variance_reduction", variance_reduction.VarianceReduction, variance_reduction.Options),
        Declaration("alc", variance_reduction.VarianceReduction, variance_reduction.Options),
        Declaration("qbc", committee_spread.CommitteeSpread),
        Declaration("vote_entropy", vote_entropy.VoteEntropy),
        Declaration("kullback_leibler", kullback_leibler.KullbackLeibler),
        Declaration("least_confidence", least_confidence.LeastConfidence),
        Declaration("smallest_margin", smallest_margin.SmallestMargin),
        Declaration("entropy", entropy.Entropy, entropy.Options),
        Declaration("ehvi", hypervolume_improvement.HypervolumeImprovement, hypervolume_improvement.Options),
        Declaration("parego", parego.ParEgo, parego.Options),
        Declaration("qlognehvi", noisy.NoisyHypervolumeImprovement, noisy.Options),
        Declaration("random", random_score.RandomScore),
        Composite("epsilon_greedy", epsilon_greedy.EpsilonGreedy, epsilon_greedy.Options),
    ]


@hookimpl
def motet_pendings() -> Iterable[Declaration]:
    """Pending strategies."""
    from motet_plugins.pendings import (
        believer,
        constant_liar,
        exclude,
        fantasies,
        local_penalization,
        none,
        thompson,
    )

    return [
        Declaration("exclude", exclude.Exclude),
        Declaration("believer", believer.Believer),
        Declaration("fantasies", fantasies.Fantasies, fantasies.Options),
        Declaration("constant_liar", constant_liar.ConstantLiar, constant_liar.Options),
        Declaration("local_penalization", local_penalization.LocalPenalization, local_penalization.Options),
        Declaration("thompson", thompson.ThompsonWhilePending),
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
    from motet_plugins.stop_rules import (
        combined,
        cost,
        experiments,
        no_improvement,
        points,
        pool_exhausted,
        score_below,
        target_reached,
        top_percentile,
        uncertainty_below,
        wall_time,
    )

    return [
        Declaration("experiments", experiments.Experiments, experiments.Options),
        Declaration("points", points.Points, points.Options),
        Declaration("target_reached", target_reached.TargetReached, target_reached.Options),
        Declaration("no_improvement", no_improvement.NoImprovement, no_improvement.Options),
        Declaration("top_percentile", top_percentile.TopPercentile, top_percentile.Options),
        Declaration("score_below", score_below.ScoreBelow, score_below.Options),
        Declaration("uncertainty_below", uncertainty_below.UncertaintyBelow, uncertainty_below.Options),
        Declaration("time", wall_time.WallTime, wall_time.Options),
        Declaration("cost", cost.Cost, cost.Options),
        Declaration("pool_exhausted", pool_exhausted.PoolExhausted),
        Composite("any", combined.AnyOf, combined.Options),
        Composite("all", combined.AllOf, combined.Options),
    ]


@hookimpl
def motet_exporters() -> Iterable[Declaration]:
    """Exporters."""
    from motet_plugins.exporters.csv_table import CsvTable
    from motet_plugins.exporters.json_lines import JsonLines

    return [Declaration("csv", CsvTable), Declaration("jsonl", JsonLines)]
