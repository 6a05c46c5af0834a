"""`motet simulator`: a simulated instrument for any other program."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.exits import handled
from motet.cli.options import Json

if TYPE_CHECKING:
    from motet.api.simulator import Served

_SET = "An option of the simulator, its value in YAML: `--set diameter=14.5`, `--set 'faults=[{kind: garble}]'`."


@handled
def simulator(
    name: Annotated[str, typer.Argument(help="A simulator, of `motet plugins --kind simulator`.", metavar="NAME")],
    pty: Annotated[
        str | None,
        typer.Option(help="Make this link to its pseudo-terminal.", metavar="LINK", show_default="a new one"),
    ] = None,
    tcp: Annotated[
        int | None,
        typer.Option(help="Listen on this loopback port; 0 for a free one.", metavar="PORT", min=0, max=65535),
    ] = None,
    mqtt: Annotated[str | None, typer.Option(help="Be a node at this broker.", metavar="URL")] = None,
    topic: Annotated[str, typer.Option(help="The node's topic, as a lab file states it.")] = "",
    options: Annotated[list[str] | None, typer.Option("--set", help=_SET, metavar="OPTION=VALUE")] = None,
    world: Annotated[str | None, typer.Option(help="The world that it measures and acts upon.")] = None,
    world_options: Annotated[
        list[str] | None, typer.Option("--world-set", help="An option of the world.", metavar="OPTION=VALUE")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of its noise and its faults.", min=0)] = 0,
    speed: Annotated[float, typer.Option(help="Lab seconds a second.", min=1e-6)] = 1.0,
    baudrate: Annotated[
        int | None,
        typer.Option(help="Pace the bytes of the pseudo-terminal like a UART.", min=1, show_default="unpaced"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve a simulated instrument to any other program until Ctrl-C: the same bytes as from the real one."""
    import asyncio

    from motet.api.simulator import Served

    given = [flag for flag, value in (("--pty", pty), ("--tcp", tcp), ("--mqtt", mqtt)) if value is not None]
    if len(given) > 1:
        raise typer.BadParameter(f"{' and '.join(given)}: only one of --pty, --tcp and --mqtt can be used")
    if baudrate is not None and (tcp is not None or mqtt is not None):
        raise typer.BadParameter("--baudrate paces a pseudo-terminal, and goes with neither --tcp nor --mqtt")
    if topic and mqtt is None:
        raise typer.BadParameter("--topic goes with --mqtt")
    served = Served(
        name,
        _settings(options or [], "--set"),
        world,
        _settings(world_options or [], "--world-set"),
        pty,
        tcp,
        mqtt,
        topic,
        seed,
        speed,
        baudrate,
    )
    asyncio.run(_serve(served, as_json))


async def _serve(served: "Served", as_json: bool) -> None:
    import asyncio
    import signal

    from motet.api.simulator import serving
    from motet.plugins import installed

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with serving(served, installed()) as where:
        facts = {"simulator": served.name, "where": where}
        print(json.dumps(facts) if as_json else f"{served.name} is at {where}; Ctrl-C ends it", flush=True)
        await ended.wait()


def _settings(given: Sequence[str], flag: str) -> dict[str, Any]:
    """`key=value` with the value in YAML. Raises BadParameter."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"{flag} {text!r}: OPTION=VALUE is needed")
        try:
            found[key.strip()] = YAML(typ="safe").load(value)
        except YAMLError as error:
            raise typer.BadParameter(f"{flag} {text!r}: the value is no YAML: {str(error).splitlines()[0]}") from None
    return found
