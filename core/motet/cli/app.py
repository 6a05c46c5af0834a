"""The `motet` command with its subcommands, in the order a person meets them."""

from typing import Annotated

import typer

import motet
from motet.cli import (
    benchmark,
    compare,
    control,
    dashboard,
    estop,
    inspect,
    new,
    plan,
    queue,
    results,
    run,
    simulate,
    simulator,
    station,
    store,
    supplies,
)
from motet.cli.headed import Headed

app = typer.Typer(
    cls=Headed,
    rich_markup_mode=None,
    help=(
        "Run campaigns on lab instruments or on simulators, several stations at once.\n\n"
        "Exit codes: 0 done; 1 internal error; 2 mistake in a file or on the command line; 3 a device, port or broker "
        "did not answer, nothing has moved; 4 the campaign failed, or a store is not sound; 5 a device "
        "was left that may not be in its safe state; 130 aborted."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"motet {motet.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of `motet` itself."""


app.command("check", rich_help_panel="Prepare")(inspect.check)
app.command("schema", rich_help_panel="Prepare")(inspect.schema)
app.command("plugins", rich_help_panel="Prepare")(inspect.plugins)
app.command("simulate", rich_help_panel="Prepare")(simulate.simulate)
app.command("simulator", rich_help_panel="Prepare")(simulator.simulator)
app.command("plan", rich_help_panel="Prepare")(plan.plan)
app.command("compare", rich_help_panel="Prepare")(compare.compare)
app.command("benchmark", rich_help_panel="Prepare")(benchmark.benchmark)
app.add_typer(new.app, name="new", rich_help_panel="Prepare")
app.command("run", rich_help_panel="Run")(run.run)
app.command("station", rich_help_panel="Run")(station.station)
app.command("dashboard", rich_help_panel="Run")(dashboard.dashboard)
app.command("pause", rich_help_panel="Run")(control.pause)
app.command("resume", rich_help_panel="Run")(control.resume)
app.command("stop", rich_help_panel="Run")(control.stop)
app.command("abort", rich_help_panel="Run")(control.abort)
app.command("estop", rich_help_panel="Run")(estop.estop)
app.command("clear", rich_help_panel="Run")(estop.clear)
app.command("questions", rich_help_panel="Run")(control.questions)
app.command("answer", rich_help_panel="Run", context_settings={"ignore_unknown_options": True})(control.answer)
app.add_typer(queue.app, name="queue", rich_help_panel="Run")
app.command("tell", rich_help_panel="Run")(queue.tell)
app.add_typer(supplies.app, name="supplies", rich_help_panel="Run")
app.command("list", rich_help_panel="Look")(results.list_campaigns)
app.command("show", rich_help_panel="Look")(results.show)
app.command("report", rich_help_panel="Look")(results.report)
app.command("export", rich_help_panel="Look")(results.export)
app.add_typer(store.app, name="store", rich_help_panel="Look")
