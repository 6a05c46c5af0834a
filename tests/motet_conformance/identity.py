"""Who answers, and who should."""

from collections.abc import Callable

import pytest

from motet.contracts.simulation import SerialSimulator
from motet.devices import Device
from motet.errors import ConnectionProblem, MotetError
from motet.lines import Line
from motet.simulation import MemoryOpener
from motet_conformance.applies import expects, serial, where
from motet_conformance.base import Part, outcome
from motet_conformance.case import READ
from motet_conformance.rig import NAME, Rig, Setup, device_of, driver_of, options_of

ANSWERED_S = 120.0
"""Connecting to something that is not the instrument is given up after so long, virtual seconds."""


class _Listener:
    """Something on the line that is no instrument."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._send: Callable[[bytes], None] = lambda data: None

    def attach(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    def receive(self, data: bytes) -> None:
        answer = self._answer(data)
        if answer:
            self._send(answer)

    def detach(self) -> None:
        self._send = lambda data: None


STRANGERS: dict[str, Callable[[], SerialSimulator]] = {
    "nobody": lambda: _Listener(lambda data: b""),
    "an echo": lambda: _Listener(lambda data: data),
    "a modem": lambda: _Listener(lambda data: b"\r\nERROR\r\n"),
    "noise": lambda: _Listener(lambda data: bytes((37 * n + 11 * len(data)) % 256 for n in range(40))),
}


class IdentityPart(Part):
    """Identity at connection, refusal of another instrument."""

    def test_connecting_identifies_the_instrument_and_moves_nothing(self) -> None:
        async def work(made: Rig) -> None:
            before = made.truth()
            await made.device.connect()
            identity = await made.device.identity()
            assert identity.strip()
            assert identity != type(made.device).__name__, "`identity` says who answers"
            assert made.at_rest()
            assert made.truth().keys() == before.keys()

        self.run(work)

    def test_connecting_twice_is_connecting_once(self) -> None:
        async def work(made: Rig) -> None:
            await made.ready()
            first = await made.do(self.case.harmless)
            await made.device.connect()
            assert (await made.do(self.case.harmless)).keys() == first.keys()
            await made.device.close()
            await made.device.close()
            await made.device.connect(force_reconnect=True)

        self.run(work)

    @where(expects("serial_number"))
    def test_another_serial_number_than_the_lab_file_s_is_refused(self) -> None:
        self._refuses_another("serial_number")

    @where(expects("firmware"))
    def test_another_firmware_than_the_lab_file_s_is_refused(self) -> None:
        self._refuses_another("firmware")

    def _refuses_another(self, what: str) -> None:
        async def work(made: Rig) -> None:
            with pytest.raises(ConnectionProblem) as caught:
                await made.device.connect()
            message = str(caught.value)
            for part in (NAME, made.where, "no-such"):
                assert part in message, f"{part!r} is not in {message!r}"
            assert made.at_rest()

        self.run(work, Setup(options={what: "no-such"}))

    @where(serial)
    @pytest.mark.parametrize("who", STRANGERS)
    def test_something_else_on_the_line_is_refused(self, who: str) -> None:
        async def work(made: Rig) -> None:
            _, error = await outcome(made.device.connect())
            assert isinstance(error, MotetError), f"connected to {who}; {error!r}"
            assert NAME in str(error)
            assert made.where in str(error)
            assert made.tap is not None
            framing = device_of(self.case).framing_for(options_of(self.case))
            after = Line("cell-next", made.tap, framing)
            await after.open()  # raises ConnectionProblem unless the port was given back
            await after.close()

        self.run(work, Setup(opener=MemoryOpener(STRANGERS[who]())), ANSWERED_S)

    def test_the_driver_tells_what_it_was_verified_against(self) -> None:
        device = driver_of(self.case).make
        assert isinstance(device, type)
        assert issubclass(device, Device)
        told = device.verified
        assert told.manuals or told.drivers or told.hardware or told.unverified, "`verified` is empty"
        assert all(isinstance(each, str) and each for each in device.forgets)
        assert (device.__doc__ or "").strip()

    def test_the_harmless_call_gives_what_it_declares(self) -> None:
        async def work(made: Rig) -> None:
            await made.ready()
            given = await made.do(self.case.harmless)
            if self.case.harmless.verb == READ:
                declared = made.device.signals_for(made.device.context.options)
            else:
                declared = made.device.verbs[self.case.harmless.verb].spec.outputs
            assert set(given) == set(declared)

        self.run(work)
