"""The command line: argv, environment, terminal and exit codes. The only layer that prints or exits."""

from __future__ import annotations

#: Words that are no subcommand's name and yet open that door; here, because this module is loaded anyway.
SUBCOMMANDS_FIRST = frozenset({"--help", "--version", "--install-completion", "--show-completion"})
