"""`localorg`: the command line of a local organization. Data on standard output, everything else on standard error.

Exit codes: 0 done; 1 an error said in one sentence; 2 wrong usage; `localorg exec` returns the exit code of its command.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from localorg.server.state import LocalorgError, StateDirectory

app = typer.Typer(
    help="An AWS Organization on one machine, spoken to through the AWS API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
StateOption = Annotated[Path, typer.Option("--state", envvar="LOCALORG_STATE", help="Where the organization is kept.")]
DEFAULT_STATE = Path(".localorg")
ACCOUNT_COLUMNS = ("id", "name", "state", "joined", "path")
NO_ISOLATION = (
    "WARNING: --isolation none: there are no sandboxes. Install scripts of packages and scripts of runbooks run on this very machine, "
    "with your rights, and what they write stays on it. Use this only on a machine that you throw away."
)

RETIRED_RUNTIMES = (
    "NOTE: --allow-retired-runtimes: runbooks with python3.6 to python3.9 are taken, which AWS refuses since 10 September 2025; "
    "their scripts run on Python {version}."
)


@app.command()
def up(
    spec: Annotated[Path, typer.Option("--spec", help="The YAML file that describes the organization.")],
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The loopback port that serves every service.")] = 4599,
    tls_port: Annotated[
        int, typer.Option("--tls-port", min=0, max=65535, help="The same over TLS; 0: the port of the last time, or a free one.")
    ] = 0,
    state: StateOption = DEFAULT_STATE,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it is up and leave it running.")] = False,  # noqa: FBT002
    isolation: Annotated[
        Literal["namespaces", "none"], typer.Option(help="With none, package scripts run on this very machine.")
    ] = "namespaces",
    reading: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUESTION=READING",
            help="How to read AWS where nobody knows, such as runbook-lookup=strict; repeatable. `localorg readings` lists them.",
        ),
    ] = None,
    allow_retired_runtimes: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--allow-retired-runtimes", help="Run scripts for python3.6 to 3.9, which AWS has retired, on this Python."),
    ] = False,
) -> None:
    """Start the organization of SPEC, or go on with the one that the state directory holds."""
    from localorg.kernel.readings import UnknownReadingError
    from localorg.server.launch import UpOptions, go_on_detached

    try:
        options = UpOptions.checked(
            spec, port, tls_port, state, isolation, reading or (), allow_retired_runtimes=allow_retired_runtimes
        )
    except UnknownReadingError as error:
        raise typer.BadParameter("; ".join(error.problems), param_hint="--reading") from error
    if isolation == "none":
        typer.echo(NO_ISOLATION, err=True)
    if allow_retired_runtimes:
        import platform

        typer.echo(RETIRED_RUNTIMES.format(version=platform.python_version()), err=True)
    if detach and (facts := go_on_detached(options)):
        typer.echo(f"up: {facts.endpoint} (process {facts.pid}, state {options.state.root})", err=True)
        return
    from localorg.server.run import run_here

    run_here(options)


@app.command()
def readings() -> None:
    """List what cannot be known about AWS: each question with its readings, the default first."""
    from localorg.kernel.readings import QUESTIONS

    for question in QUESTIONS:
        typer.echo(f"{question.id}: {question.asks}")
        for word, meaning in question.readings.items():
            typer.echo(f"  {word}{' (default)' if word == question.default else ''}: {meaning}")


@app.command()
def env(
    account: Annotated[
        str | None, typer.Option(help="The account whose administrator to be; the management account if left out.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="The Region to work in; the first of the organization if left out.")] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Print the export lines that point any AWS client at the organization."""
    query = {key: value for key, value in (("account", account), ("region", region)) if value}
    for name, value in _ask(state, "env", query)["variables"].items():
        typer.echo(f"export {name}={value}")


@app.command()
def nodes(state: StateOption = DEFAULT_STATE) -> None:
    """List the nodes: where they are, what they are, whether they talk."""
    _table(_ask(state, "nodes")["nodes"], ("instance_id", "account", "region", "name", "platform", "ping"))


@app.command()
def accounts(state: StateOption = DEFAULT_STATE) -> None:
    """List the accounts, those outside the organization too: their state, how they joined, where they are."""
    _table(_ask(state, "accounts")["accounts"], ACCOUNT_COLUMNS)


@app.command()
def account(
    account_id: Annotated[str, typer.Argument(help="The account, twelve digits.")],
    set_state: Annotated[
        str | None,
        typer.Option(
            "--set-state", metavar="STATE", help="Put it into a state, as only AWS does: SUSPENDED, PENDING_ACTIVATION ..."
        ),
    ] = None,
    create: Annotated[
        str | None, typer.Option(metavar="NAME", help="Let it exist, outside the organization, under this name.")
    ] = None,
    join: Annotated[
        str | None, typer.Option(metavar="PARENT", help="Let it in from outside, without an invitation, under this root or OU.")
    ] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Print how an account stands, after doing to it one thing that AWS has no API for, if you ask for it."""
    chosen = {"set-state": set_state, "create": create, "join": join}
    query = {"account": account_id, **{name: value for name, value in chosen.items() if value is not None}}
    _table([_ask(state, "account", query)], ACCOUNT_COLUMNS)


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    table = [[column.upper() for column in columns], *[[str(row[column]) for column in columns] for row in rows]]
    widths = [max(len(line[number]) for line in table) for number in range(len(columns))]
    for line in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@app.command(name="exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def exec_(
    instance_id: Annotated[str, typer.Argument(help="The node, as `localorg nodes` names it; several with commas, or `all`.")],
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, after --.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Run COMMAND inside the node's own root and return its exit code.

    With several nodes, one after the other, each line has the node before it, and the greatest exit code is returned.
    """
    from localorg.server.inside import run_inside, run_inside_each

    words = command[1:] if command[0] == "--" else command
    if not words:
        raise typer.BadParameter("give the command to run after --, for instance `localorg exec i-… -- cat /etc/os-release`")
    everywhere = instance_id == "all" or "," in instance_id
    pids: dict[str, int] = _ask(state, "pids", {"instance_ids": instance_id})["pids"]
    raise typer.Exit(run_inside_each(pids, words) if everywhere else run_inside(pids[instance_id], words))


@app.command()
def logs(
    state: StateOption = DEFAULT_STATE,
    denied: Annotated[bool, typer.Option("--denied", help="Only calls that were refused.")] = False,  # noqa: FBT002
) -> None:
    """Print each call: when, the verdict, what, where, who and on what."""
    from localorg.server.call_log import read_lines

    for line in read_lines(StateDirectory(state).call_log, refused_only=denied):
        typer.echo(line)


@app.command()
def status(state: StateOption = DEFAULT_STATE) -> None:
    """Say what is up, where, and whether the server met a defect of its own."""
    facts: dict[str, Any] = _ask(state, "status")
    for name, value in facts.items():
        typer.echo(f"{name}: {value}")


@app.command()
def down(state: StateOption = DEFAULT_STATE) -> None:
    """Stop the organization; it stays in the state directory."""
    from localorg.server.stopping import stop

    stop(StateDirectory(state))
    typer.echo(f"down: {state} keeps the organization", err=True)


def _ask(state: Path, name: str, query: dict[str, str] | None = None) -> dict[str, Any]:
    from localorg.server.control import ask

    return ask(StateDirectory(state), name, query)


def main() -> None:
    """Run the command line; errors that a person can mend are one message, not a traceback."""
    try:
        app()
    except LocalorgError as error:
        typer.echo(f"localorg: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
