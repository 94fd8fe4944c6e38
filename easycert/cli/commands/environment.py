"""``env``: the variables by which programs trust the CAs, for a shell, a file or a CI system."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import os
from typing import Annotated

from easycert.cli import shells
from easycert.cli.commands.run import AuthoritiesOption, CertOption, put_notes
from easycert.cli.options import Habits, Output, option
from easycert.cli.render import as_json
from easycert.cli.shells import Shell
from easycert.errors import InvalidInput, StoreFailure
from easycert.pki.names import SafeName
from easycert.workflows.environment import EnvironmentRequest, environment

ShellOption = Annotated[
    Shell | None, option("--shell", help="For which shell: sh (also bash and zsh), fish or powershell.")
]
DotenvOption = Annotated[bool, option("--dotenv", help="As lines of a .env file, for Docker, Compose or GitLab.")]
GithubOption = Annotated[
    bool, option("--github", help="For the next steps of a GitHub job: into the file that GITHUB_ENV names.")
]
_GITHUB_FILE = "GITHUB_ENV"


def env(
    ca: AuthoritiesOption = None,
    cert: CertOption = None,
    shell: ShellOption = None,
    dotenv: DotenvOption = False,
    github: GithubOption = False,
    *,
    habits: Habits,
) -> None:
    """Print the variables that easycert run sets: eval "$(easycert env)" makes a shell trust the CAs.

    The files that they name stay where they are, below ~/.cache/easycert. With --github and no GITHUB_ENV the lines are
    printed that would go there.
    """
    _require_one({"--shell": shell, "--dotenv": dotenv, "--github": github, "-o json": habits.output is Output.JSON})
    request = EnvironmentRequest(os.environ, tuple(SafeName(name) for name in ca or ()), cert)
    found = environment(habits.open(), request)
    put_notes(found.notes, found.overridden, habits)
    variables = found.variables
    if habits.output is Output.JSON:
        print(as_json("environment", found))
    elif dotenv:
        print(shells.dotenv(variables), end="")
    elif github:
        _put_github(variables, habits)
    else:
        print(shells.script(shell or Shell.SH, variables), end="")


def _put_github(variables: dict[str, str], habits: Habits) -> None:
    lines = shells.github(variables)
    path = os.environ.get(_GITHUB_FILE)
    if not path:
        print(lines, end="")
        return
    try:
        with open(path, "ab") as stream:
            stream.write(os.fsencode(lines))
    except OSError as error:
        raise StoreFailure(path, "write to", error.strerror or str(error)) from error
    habits.say(f"{len(variables)} variables are set for the next steps of the job, by {path}")


def _require_one(wanted: dict[str, object]) -> None:
    given = [name for name, value in wanted.items() if value]
    if len(given) > 1:
        raise InvalidInput("option", given[1], f"cannot stand beside {given[0]}: both say how to print")
