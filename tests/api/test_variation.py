"""Variations of a campaign for simulations: what can be changed, what it then is, and what is refused."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from motet.api.compare import Study, question_of
from motet.api.simulate import load_simulated
from motet.api.variation import seeded, varied
from motet.errors import FileProblems
from motet.files.campaign import CampaignFile
from motet.model.goals import parts_of
from motet.model.lab import SharedDevice, SimulatedFailure
from motet.model.objective import Objective
from motet.plugins import installed

EXAMPLE = Path(__file__).parents[2] / "examples" / "twin_sdc" / "campaign.yaml"
PARETO = Path(__file__).parents[2] / "examples" / "pareto" / "campaign.yaml"

Vary = Callable[..., CampaignFile]
LEARNERS: list[tuple[Mapping[str, str], Mapping[str, Any]]] = [
    ({"learner": "gp+ei"}, {"surrogate": ("gp", {}), "acquisition": ("ei", {})}),
    ({"learner": "gp"}, {"surrogate": ("gp", {})}),
    (
        {"learner": "rf(trees=20) + lcb(kappa=0.5)"},
        {"surrogate": ("rf", {"trees": 20}), "acquisition": ("lcb", {"kappa": 0.5})},
    ),
    ({"surrogate": " extra_trees( trees = 7 ) "}, {"surrogate": ("extra_trees", {"trees": 7})}),
    ({"surrogate": "rf()"}, {"surrogate": ("rf", {})}),
    ({"acquisition": "random"}, {"acquisition": ("random", {})}),
    ({"pending": "believer", "suggest": "ahead"}, {"pending": "believer", "suggest": "ahead"}),
    ({"start": "random"}, {"start": "random"}),
]


@pytest.fixture
def original() -> CampaignFile:
    return load_simulated(EXAMPLE)


@pytest.fixture
def vary(original: CampaignFile) -> Vary:
    def make(file: CampaignFile = original, **changes: str) -> CampaignFile:
        return varied(file, changes, installed())

    return make


def parts(file: CampaignFile) -> Mapping[str, Any]:
    learner = file.campaign.learner
    used = parts_of(learner, file.campaign.objectives, file.space)
    return {
        "surrogate": (used.surrogate.name, dict(used.surrogate.options)),
        "acquisition": (used.acquisition.name, dict(used.acquisition.options)),
        "start": used.start.name,
        "pending": used.pending.name,
        "suggest": learner.suggest,
    }


def with_failures(file: CampaignFile, *failures: dict[str, str]) -> CampaignFile:
    stated = tuple(SimulatedFailure.model_validate(failure) for failure in failures)
    simulation = file.lab.simulation.model_copy(update={"failures": stated})
    return file.replace(lab=file.lab.model_copy(update={"simulation": simulation}))


def test_nothing_varied_is_the_campaign_as_it_is(original: CampaignFile, vary: Vary) -> None:
    assert vary() == original


@pytest.mark.parametrize(("changes", "expected"), LEARNERS)
def test_a_learner_is_varied_by_its_parts(
    original: CampaignFile, vary: Vary, changes: Mapping[str, str], expected: Mapping[str, Any]
) -> None:
    assert parts(vary(**changes)) == {**parts(original), **expected}


def test_what_is_not_varied_stays(original: CampaignFile, vary: Vary) -> None:
    changed = vary(learner="gp+ei", stations="1")
    assert changed.campaign.model_copy(update={"learner": original.campaign.learner}) == original.campaign
    assert (changed.lab, changed.space, changed.files) == (original.lab, original.space, original.files)
    assert original.stations == ("sdc1", "sdc2")


def test_fewer_stations_are_the_first_ones(vary: Vary) -> None:
    assert vary(stations="1").stations == ("sdc1",)
    assert vary(stations="2").stations == ("sdc1", "sdc2")


def test_more_stations_are_copies_with_topics_of_their_own(original: CampaignFile, vary: Vary) -> None:
    changed = vary(stations="5")
    assert changed.stations == ("sdc1", "sdc2", "sdc1_3", "sdc2_4", "sdc1_5")
    stations = changed.lab.stations
    topics = [device.topic for station in stations.values() for device in station.devices.values() if device.topic]
    assert len(topics) == len(set(topics)) == 5
    one, copy = stations["sdc1"], stations["sdc1_3"]
    assert (copy.world, copy.price_per_hour, list(copy.devices)) == (one.world, one.price_per_hour, list(one.devices))
    assert copy.devices["stage"] == one.devices["stage"]
    assert {name: stations[name] for name in original.lab.stations} == dict(original.lab.stations)


def test_a_copy_shares_what_its_original_shares(original: CampaignFile, vary: Vary) -> None:
    shared = {
        "robot": SharedDevice(driver="grbl", used_by=("sdc1",)),
        "lamp": SharedDevice(driver="grbl", used_by=("sdc2",)),
        "rinse": SharedDevice(driver="grbl"),
    }
    file = original.replace(lab=original.lab.model_copy(update={"shared": shared}))
    lab = vary(file, stations="3").lab
    assert [list(lab.shared_by(name)) for name in ("sdc1", "sdc2", "sdc1_3")] == [
        ["robot", "rinse"],
        ["lamp", "rinse"],
        ["robot", "rinse"],
    ]


def test_a_copy_fails_as_often_as_its_original_but_not_at_the_times_stated_for_it(
    original: CampaignFile, vary: Vary
) -> None:
    drawn = {"device": "sdc1.force", "mean_between": "2 h", "repair": "5 min"}
    once = {"device": "sdc1.stage", "at": "1 h", "repair": "5 min"}
    other = {"device": "sdc2.stage", "mean_between": "9 h", "repair": "1 h"}
    changed = vary(with_failures(original, drawn, once, other), stations="5")
    found = {(failure.device, failure.mean_between, failure.at) for failure in changed.lab.simulation.failures}
    assert found == {
        ("sdc1.force", "2 h", None),
        ("sdc1_3.force", "2 h", None),
        ("sdc1_5.force", "2 h", None),
        ("sdc1.stage", None, "1 h"),
        ("sdc2.stage", "9 h", None),
        ("sdc2_4.stage", "9 h", None),
    }


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("0", 0.0), ("2", 2.0), ("1.5", 1.5), ("2 s", 2.0), ("1 min", 60.0), ("1e3", 1000.0), ("measured", "measured")],
)
def test_the_learners_time_is_a_time_or_measured(vary: Vary, stated: str, expected: float | str) -> None:
    assert vary(learner_time=stated).lab.simulation.learner_time == expected


def test_another_seed_is_another_noise_and_another_learner(original: CampaignFile) -> None:
    seeds = [(file.campaign.seed, file.lab.simulation.seed) for file in (seeded(original, n) for n in range(3))]
    assert len({seed for seed, _ in seeds}) == len({noise for _, noise in seeds}) == 3
    assert seeded(original, 1) == seeded(original, 1)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("larner", "rf", r"--vary larner: found 'larner'; did you mean learner\? what can be varied: learner, start, "),
        ("learner", "rff+lcb", r"--vary learner: found 'rff'; no surrogate named 'rff'; did you mean"),
        ("learner", "rf+eii", r"--vary learner: found 'eii'; no acquisition named 'eii'; did you mean ei\?"),
        ("learner", "+ei", r"--vary learner: found ''; the surrogate's name, or name\(option=value\), is needed"),
        ("learner", "rf+ei+lcb", r"--vary learner: found 'ei\+lcb'; the acquisition's name"),
        ("surrogate", "rf(trees=5", r"--vary surrogate: found 'rf\(trees=5'; the surrogate's name"),
        ("surrogate", "rf(tres=5)", r"--vary surrogate: found 'rf\(tres=5\)'; tres: "),
        ("surrogate", "rf(trees=many)", r"--vary surrogate: found 'rf\(trees=many\)'; trees: "),
        ("surrogate", "rf(trees=0)", r"trees: .*greater than"),
        ("pending", "", r"--vary pending: found ''"),
        ("suggest", "later", r"--vary suggest: found 'later'; allowed: fresh, ahead"),
        ("stations", "0", r"--vary stations: found '0'; a whole number from 1 is needed"),
        ("stations", "two", r"--vary stations: found 'two'"),
        ("stations", "-1", r"--vary stations: found '-1'"),
        ("stations", "1.5", r"--vary stations: found '1\.5'"),
        ("stations", "²", r"--vary stations: found '²'"),
        ("learner_time", "soon", r"--vary learner_time: found 'soon'; 0, a time such as `2 s`, or measured: "),
        ("learner_time", "5 mm", r"--vary learner_time: found '5 mm'; .*cannot be converted to s"),
        ("learner_time", "-1 s", r"--vary learner_time: found '-1 s'; a time of 0 or more is needed"),
    ],
)
def test_what_cannot_be_varied_is_named_with_what_is_allowed(vary: Vary, name: str, value: str, message: str) -> None:
    with pytest.raises(FileProblems, match=message):
        vary(**{name: value})


def test_a_command_names_its_own_option() -> None:
    with pytest.raises(FileProblems, match=r"^--learner-time: found 'soon'"):
        load_simulated(EXAMPLE, changes={"learner_time": "soon"})


@pytest.mark.parametrize("part", ["surrogate", "acquisition"])
def test_a_learner_and_its_parts_are_not_varied_together(original: CampaignFile, part: str) -> None:
    study = Study(EXAMPLE, {"learner": ("rf+lcb", "gp+ei"), part: ("random",)})
    with pytest.raises(FileProblems, match=rf"--vary: found learner and {part}; .*either it, or its parts"):
        question_of(study, original, installed())


def test_every_value_of_a_study_is_tried_before_anything_runs(original: CampaignFile) -> None:
    with pytest.raises(FileProblems, match="no surrogate named 'nope'"):
        question_of(Study(EXAMPLE, {"stations": ("1", "2"), "surrogate": ("rf", "gp", "nope")}), original, installed())
    question = question_of(
        Study(EXAMPLE, {"stations": ("1", "2"), "surrogate": ("rf", "gp")}, 3), original, installed()
    )
    assert question.trials == len(list(question.combinations())) * 3 == 12


def two_numbers() -> CampaignFile:
    return load_simulated(PARETO)


def test_a_learner_whose_parts_do_not_go_together_is_refused_before_anything_runs(original: CampaignFile) -> None:
    study = Study(EXAMPLE, {"surrogate": ("rf", "gp"), "acquisition": ("ei", "entropy"), "stations": ("1", "2")})
    with pytest.raises(
        FileProblems, match=r"--vary: found surrogate=rf, acquisition=entropy; acquisition entropy needs class"
    ):
        question_of(study, original, installed())
    with pytest.raises(FileProblems, match=r"found learner=rf\+lcb; .*towards one objective, not 2"):
        question_of(Study(PARETO, {"learner": ("gp+parego", "rf+lcb")}), two_numbers(), installed())


def test_a_learner_that_the_file_leaves_out_can_be_varied_too(vary: Vary) -> None:
    found = parts(vary(two_numbers(), surrogate="rf"))
    assert (found["surrogate"], found["acquisition"]) == (("rf", {}), ("ehvi", {}))


def test_classes_cannot_be_compared_by_their_best(original: CampaignFile) -> None:
    classes = {"activity": Objective(goal="classify", classes=("low", "high"))}
    file = original.replace(campaign=original.campaign.model_copy(update={"objectives": classes}))
    with pytest.raises(FileProblems, match=r"objectives.activity: found goal: classify; .*of classes none is"):
        question_of(Study(EXAMPLE, {"stations": ("1", "2")}), file, installed())
