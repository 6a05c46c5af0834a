"""Objects of the Bluesky protocols of every make: classic ophyd, ophyd-async, and classes of one's own."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from motet.devices import Context, Limit, Limits, Output
from motet.errors import (
    ConnectionProblem,
    GarbledReply,
    InstrumentError,
    LimitError,
    LineLost,
    NoReply,
    ProcedureError,
)
from motet_drivers.bluesky import BlueskyObject, Options

pytest.importorskip("ophyd", reason="ophyd not installed: pip install ophyd")

Make = Callable[..., BlueskyObject]


@pytest.fixture
async def make() -> AsyncGenerator[Make]:
    made: list[BlueskyObject] = []

    def device(
        path: str = "ophyd.sim:motor",
        *,
        name: str = "cell-stage",
        stand_in: Any = None,
        limits: tuple[float, float] | None = None,
        **options: Any,
    ) -> BlueskyObject:
        by_quantity = {} if limits is None else {"value": Limit(*limits, "mm")}
        known = Options.model_validate({"object": path, **options})
        made.append(BlueskyObject(Context(name, known, Limits(name, by_quantity), stand_in=stand_in)))
        return made[-1]

    yield device
    for one in made:
        await one.close()


async def do(device: BlueskyObject, verb: str, **arguments: Any) -> Any:
    async with asyncio.timeout(10):
        await device.verbs[verb].set(arguments)
    return device.verbs[verb].outputs


class Status:
    """A status as bluesky.protocols has it, ended from another thread."""

    def __init__(self) -> None:
        self.done = self.success = False
        self.error: BaseException | None = None
        self.callbacks: list[Callable[[Any], None]] = []
        self.added = threading.Event()

    def add_callback(self, callback: Callable[[Any], None]) -> None:
        self.callbacks.append(callback)
        self.added.set()
        if self.done:
            callback(self)

    def exception(self, timeout: float | None = 0.0) -> BaseException | None:
        return self.error

    def end(self, error: BaseException | None = None, *, success: bool | None = None) -> None:
        self.done, self.error = True, error
        self.success = error is None if success is None else success
        for callback in self.callbacks:
            callback(self)


class Axis:
    """A classic axis of one's own: statuses of threads, `stop` that ends the motion."""

    name = "axis"
    parent = None
    prefix = ""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.status = Status()
        self.reading: dict[str, Any] = {"axis": 1.5}
        self.units = "mm"
        self.begun = threading.Event()
        self.fails: dict[str, Exception] = {}
        self.reads = 0

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name.partition(" ")[0] in self.fails:
            raise self.fails[name.partition(" ")[0]]

    def read(self) -> dict[str, Any]:
        self._call("read")
        return {key: {"value": value, "timestamp": 0.0} for key, value in self.reading.items()}

    def describe(self) -> dict[str, Any]:
        self._call("describe")
        return {key: {"source": "", "dtype": "number", "shape": [], "units": self.units} for key in self.reading}

    def set(self, value: Any) -> Status:
        self._call(f"set {value}")
        self.begun.set()
        return self.status

    def trigger(self) -> Status:
        self._call("trigger")
        self.begun.set()
        return self.status

    def stage(self) -> list[Any]:
        self._call("stage")
        return [self]

    def unstage(self) -> list[Any]:
        self._call("unstage")
        return [self]

    def stop(self, success: bool = True) -> None:
        self._call("stop")
        self.status.end(None if success else RuntimeError("stopped"))


SETS: dict[str, Any] = {"sets": "mm"}
POSITION: dict[str, Any] = {"signals": {"position": {"key": "axis", "unit": "mm"}}}


async def begun(axis: Axis) -> None:
    """Once the axis has been told to begin."""
    assert await asyncio.to_thread(axis.begun.wait, 10)


async def test_a_motor_of_ophyd_moves_and_tells_where_it_is(make: Make) -> None:
    motor = make("ophyd.sim:SynAxis", signals={"position": {"key": "stage", "unit": "mm"}}, **SETS)
    await motor.connect()
    await do(motor, "set", value=2)
    assert (await motor.read())["cell-stage-position"]["value"] == 2.0
    assert (await motor.describe())["cell-stage-position"].get("units") == "mm"
    assert (await motor.identity()).startswith("ophyd.sim:SynAxis, version 1.")


async def test_a_detector_of_ophyd_is_triggered_and_read(make: Make) -> None:
    detector = make("ophyd.sim:det", outputs={"counts": {"key": "det"}})
    await detector.connect()
    assert 0 < (await do(detector, "measure"))["counts"] <= 1  # a Gauss curve over ophyd.sim's own motor


async def test_verbs_and_signals_follow_from_the_options_alone() -> None:
    options = Options.model_validate(
        {
            "object": "no.such.module:thing",
            "sets": {"unit": "mm"},
            "outputs": {"current": "mA", "spectrum": {"dtype": "array", "unit": "V"}},
            "signals": {"position": "mm"},
        }
    )
    verbs = BlueskyObject.verbs_for(options)
    assert list(verbs) == ["set", "measure"]
    (value,) = verbs["set"].arguments.values()
    assert (value.type, value.unit, value.required) == (float, "mm", True)
    assert verbs["measure"].outputs == {"current": Output("mA"), "spectrum": Output("V", "array")}
    assert BlueskyObject.signals_for(options) == {"position": Output("mm")}
    text = Options.model_validate({"object": "a:b", "sets": {"type": "text"}})
    assert BlueskyObject.verbs_for(text)["set"].arguments["value"].type is str
    assert list(BlueskyObject.verbs_for(text)) == ["set"]


async def test_a_set_lasts_until_the_object_says_so_from_whatever_thread(make: Make) -> None:
    axis = Axis()
    device = make(stand_in=axis, **SETS)
    await device.connect()
    status = device.verbs["set"].set({"value": 3})
    await begun(axis)
    assert await asyncio.to_thread(axis.status.added.wait, 10)
    assert not status.done
    threading.Thread(target=axis.status.end).start()
    async with asyncio.timeout(10):
        await status
    assert axis.calls == ["set 3"]


async def test_calls_that_block_never_block_the_loop(make: Make) -> None:
    axis, ticked = Axis(), threading.Event()
    device = make(stand_in=axis, **POSITION)
    await device.connect()
    plain = axis.read

    def read() -> dict[str, Any]:
        assert ticked.wait(10), "the loop stood still"
        return plain()

    axis.read = read
    asyncio.get_running_loop().call_later(0.01, ticked.set)
    assert (await device.read())["cell-stage-position"]["value"] == 1.5


async def test_signals_that_are_read_together_are_read_once(make: Make) -> None:
    axis = Axis()
    axis.reading = {"axis": 1.0, "axis_setpoint": np.float64(2.0), "axis-count": np.int64(3), "axis_name": "x"}
    signals = {"axis": {}, "setpoint": {}, "count": {"dtype": "integer"}, "called": {"key": "name", "dtype": "string"}}
    device = make(stand_in=axis, signals=signals)
    await device.connect()
    axis.calls.clear()
    reading = cast("dict[str, Any]", await device.read())
    found = {key: value["value"] for key, value in reading.items()}
    assert found == {
        "cell-stage-axis": 1.0,
        "cell-stage-setpoint": 2.0,
        "cell-stage-count": 3,
        "cell-stage-called": "x",
    }
    assert axis.calls == ["read"]


async def test_a_measurement_is_staged_where_that_is_asked_for_and_gives_arrays(make: Make) -> None:
    axis = Axis()
    axis.reading = {"axis": np.array([1.0, 2.0])}
    axis.status.end()
    device = make(stand_in=axis, outputs={"spectrum": {"key": "axis", "dtype": "array", "unit": "mm"}}, stage=True)
    await device.connect()
    axis.calls.clear()
    assert await do(device, "measure") == {"spectrum": [1.0, 2.0]}
    assert axis.calls == ["stage", "trigger", "read", "unstage"]
    (key,) = (await device.verbs["measure"].describe()).values()
    assert (key["dtype"], key["shape"]) == ("array", [2])


async def test_what_is_staged_is_unstaged_after_a_failure_too(make: Make) -> None:
    axis = Axis()
    axis.status.end(ValueError("no light"))
    device = make(stand_in=axis, outputs={"axis": "mm"}, stage=True)
    await device.connect()
    with pytest.raises(InstrumentError, match="cell-stage: trigger failed: ValueError: no light"):
        await device.measure()
    assert axis.calls[-1] == "unstage"


async def test_stop_in_mid_move_stops_the_object_and_ends_the_verb(make: Make) -> None:
    axis = Axis()
    device = make(stand_in=axis, **SETS)
    await device.connect()
    moving = asyncio.ensure_future(device.set(5.0))
    await begun(axis)
    await device.stop(success=False)
    with pytest.raises(InstrumentError, match=r"cell-stage: set to 5\.0 was stopped"):
        await moving
    assert axis.calls == ["set 5.0", "stop"]


async def test_stopping_the_verb_waits_until_the_object_is_at_rest(make: Make) -> None:
    axis = Axis()
    axis.stop = lambda success=True: threading.Timer(0.05, axis.status.end).start()
    device = make(stand_in=axis, **SETS)
    await device.connect()
    status = device.verbs["set"].set({"value": 5})
    await begun(axis)
    await device.verbs["set"].stop()
    assert axis.status.done
    async with asyncio.timeout(10):
        await status


async def test_what_is_stopped_before_it_begins_does_not_begin(make: Make) -> None:
    axis, checking = Axis(), threading.Event()

    def check(value: float) -> None:
        checking.wait(10)

    axis.check_value = check  # pyright: ignore[reportAttributeAccessIssue]
    device = make(stand_in=axis, **SETS)
    await device.connect()
    moving = asyncio.ensure_future(device.set(5.0))
    await asyncio.sleep(0)
    await device.stop()
    checking.set()
    with pytest.raises(InstrumentError, match="was stopped before it began"):
        await moving
    assert axis.calls == ["stop"]


async def test_what_does_not_come_to_rest_is_said(make: Make) -> None:
    axis = Axis()
    axis.stop = lambda success=True: None
    device = make(stand_in=axis, stop_within="20 ms", **SETS)
    await device.connect()
    moving = asyncio.ensure_future(device.set(5.0))
    await begun(axis)
    with pytest.raises(InstrumentError, match="cell-stage: did not come to rest within 20 ms"):
        await device.stop()
    with pytest.raises((InstrumentError, asyncio.CancelledError)):
        await moving


async def test_a_set_that_never_ends_is_told_to_stop(make: Make) -> None:
    axis = Axis()
    device = make(stand_in=axis, set_within="20 ms", **SETS)
    await device.connect()
    with pytest.raises(InstrumentError, match=r"cell-stage: set to 5 did not end within 20 ms; it was told to stop"):
        await do(device, "set", value=5)
    assert axis.calls == ["set 5", "stop"]


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ValueError("bad magnet"), InstrumentError, "set failed: ValueError: bad magnet"),
        (TimeoutError("too slow"), InstrumentError, "set failed: TimeoutError: too slow"),
        (type("LimitError", (ValueError,), {})("12 > 10"), LimitError, "set failed: LimitError: 12 > 10"),
        (type("DisconnectedError", (Exception,), {})("gone"), LineLost, "set failed: DisconnectedError: gone"),
    ],
    ids=repr,
)
async def test_failures_are_named_with_their_cause(
    make: Make, error: Exception, kind: type[Exception], text: str
) -> None:
    axis = Axis()
    axis.status.end(error)
    device = make(stand_in=axis, **SETS)
    await device.connect()
    with pytest.raises(kind, match=f"cell-stage: {text}") as caught:
        await device.set(5.0)
    assert caught.value.__cause__ is error
    axis.status, axis.fails = Status(), {"set": error}
    with pytest.raises(kind, match=text):
        await device.set(5.0)


async def test_a_status_that_fails_without_a_reason_fails(make: Make) -> None:
    axis = Axis()
    axis.status.end(success=False)
    device = make(stand_in=axis, **SETS)
    await device.connect()
    with pytest.raises(InstrumentError, match="its status says that it failed"):
        await device.set(5.0)


async def test_a_reading_that_does_not_come_can_be_tried_again(make: Make) -> None:
    axis, ending = Axis(), threading.Event()
    device = make(stand_in=axis, read_within="20 ms", **POSITION)
    await device.connect()
    axis.fails = {"read": TimeoutError("no answer")}
    with pytest.raises(NoReply, match="cell-stage: read failed: TimeoutError: no answer"):
        await device.read()
    axis.read = lambda: ending.wait(10)  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(NoReply, match="cell-stage: reading it took longer than 20 ms"):
        await device.read()
    ending.set()


@pytest.mark.parametrize("value", ["x", None, [1.0], True], ids=repr)
async def test_a_value_of_another_type_is_no_reading(make: Make, value: Any) -> None:
    axis = Axis()
    device = make(stand_in=axis, **POSITION)
    await device.connect()
    axis.reading = {"axis": value}
    with pytest.raises(GarbledReply, match=r"cell-stage: axis: .* is no number"):
        await device.read()
    axis.reading = {"other": 1.0}
    with pytest.raises(GarbledReply, match="cell-stage: gave no axis; it gave: other"):
        await device.read()


async def test_limits_of_the_lab_and_of_the_object_hold_for_every_caller(make: Make) -> None:
    axis = Axis()
    axis.limits = (-5, 5)  # pyright: ignore[reportAttributeAccessIssue]
    device = make(stand_in=axis, limits=(-10, 4), **SETS)
    await device.connect()
    assert device.verbs["set"].spec.limits == {"value": Limit(-5, 5, "mm")}
    with pytest.raises(LimitError, match=r"value = 4.5 mm is beyond its limit \[-10, 4\] mm"):
        device.verbs["set"].set({"value": 4.5})
    with pytest.raises(LimitError, match=r"value = -6 mm is beyond its limit \[-5, 5\] mm"):
        await device.set(-6.0)
    with pytest.raises(LimitError, match="not a finite number"):
        device.verbs["set"].check({"value": float("nan")})
    with pytest.raises(ProcedureError, match="must be of type float"):
        device.verbs["set"].check({"value": "5"})
    assert "set" not in " ".join(axis.calls)


async def test_the_object_itself_has_the_last_word_on_a_value(make: Make) -> None:
    axis = Axis()

    def check(value: float) -> None:
        raise RuntimeError("the shutter is closed")

    axis.check_value = check  # pyright: ignore[reportAttributeAccessIssue]
    device = make(stand_in=axis, **SETS)
    await device.connect()
    with pytest.raises(LimitError, match="cell-stage: check_value failed: RuntimeError: the shutter is closed"):
        await device.set(1.0)
    assert axis.calls == []


async def test_limits_that_are_equal_are_none(make: Make) -> None:
    axis = Axis()
    axis.limits = (0, 0)  # pyright: ignore[reportAttributeAccessIssue]
    device = make(stand_in=axis, **SETS)
    await device.connect()
    device.verbs["set"].check({"value": 1000.0})


async def test_devices_of_ophyd_async_belong_to_the_loop(make: Make, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "soft_devices_of_a_test.py").write_text(
        "from ophyd_async.core import StandardReadable, soft_signal_rw, AsyncStatus\n"
        "class Heater(StandardReadable):\n"
        "    def __init__(self, start, name=''):\n"
        "        with self.add_children_as_readables():\n"
        "            self.power = soft_signal_rw(float, start, units='W')\n"
        "        super().__init__(name)\n"
        "    @AsyncStatus.wrap\n"
        "    async def set(self, value):\n"
        "        if value > 90: raise ValueError('too hot')\n"
        "        await self.power.set(value)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    heater = make("soft_devices_of_a_test:Heater", args=[5.0], sets="W", signals={"power": "W"})
    await heater.connect()
    assert (await heater.read())["cell-stage-power"]["value"] == 5.0
    await do(heater, "set", value=20)
    assert (await heater.read())["cell-stage-power"]["value"] == 20.0
    with pytest.raises(InstrumentError, match="set failed: ValueError: too hot"):
        await heater.set(95.0)


@pytest.mark.parametrize(
    ("path", "options", "reason"),
    [
        ("no_such_package:thing", {}, "no_such_package cannot be imported: ModuleNotFoundError"),
        ("ophyd.sim:moter", {}, r"there is no 'moter' in ophyd.sim; did you mean motor\?"),
        ("ophyd.sim:SynAxis", {"args": [1]}, "ophyd.sim:SynAxis cannot be made: TypeError"),
        ("ophyd.sim:det", {}, "is a SynGauss without set"),
        ("ophyd.sim:motor", {"signals": {"speed": "mm/s"}}, "gives no 'speed' for speed; it gives: motor, motor_setp"),
        ("ophyd.sim:motor", {"firmware": "0.9"}, "has firmware 1.* the lab file says 0.9"),
        ("ophyd.sim:motor", {"serial_number": "IOC:m1"}, "does not tell its serial number, the lab file says IOC:m1"),
        ("math:pi", {}, "is a float without set"),
    ],
    ids=str,
)
async def test_what_is_not_what_the_lab_file_says_is_refused_before_anything_moves(
    make: Make, path: str, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConnectionProblem, match=reason) as caught:
        await make(path, **SETS, **options).connect()
    assert str(caught.value).startswith("cell-stage: ")


async def test_another_unit_than_the_objects_own_is_refused(make: Make) -> None:
    axis = Axis()
    axis.units = "um"
    with pytest.raises(ConnectionProblem, match="axis is in um, the lab file says mm for position"):
        await make(stand_in=axis, **POSITION).connect()
    axis.units = "whatever people write"
    await make(stand_in=axis, **POSITION).connect()


async def test_an_object_has_one_owner(make: Make) -> None:
    axis, other = Axis(), Axis()
    axis.prefix = other.prefix = "IOC:m1"
    first = make(stand_in=axis, **SETS)
    await first.connect()
    with pytest.raises(ConnectionProblem, match=r"cell2-stage: the object of .* is used by cell-stage already"):
        await make(stand_in=axis, name="cell2-stage", **SETS).connect()
    with pytest.raises(ConnectionProblem, match=r"cell2-stage: the prefix 'IOC:m1' of .* is used by cell-stage"):
        await make(stand_in=other, name="cell2-stage", **SETS).connect()
    await first.close()
    await make(stand_in=other, name="cell2-stage", **SETS).connect()


async def test_it_can_be_closed_and_opened_again(make: Make) -> None:
    motor = make("ophyd.sim:SynAxis", **SETS)
    await motor.connect()
    await motor.close()
    with pytest.raises(ConnectionProblem, match="cell-stage: is not connected"):
        await motor.set(1.0)
    assert await motor.recover() == ()
    await motor.set(1.0)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"object": "ophyd.sim"}, "should match pattern"),
        ({}, "what it does is needed: `sets`, `outputs` or `signals`"),
        ({"sets": "mmm"}, "did you mean 'mm'"),
        ({"signals": {"read": {}}}, "a signal cannot be called read"),
        ({"signals": {"spectrum": {"dtype": "array"}}}, "arrays are outputs of `measure`"),
        ({"sets": "mm", "set_within": "5 mm"}, "cannot be converted to s"),
        ({"sets": "mm", "set_within": 0}, "0 is no time to wait"),
        ({"sets": {"type": "float"}}, "'number', 'integer', 'text' or 'boolean'"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Options.model_validate({"object": "ophyd.sim:motor", **options})
