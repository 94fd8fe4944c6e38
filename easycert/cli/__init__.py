"""The command line: argv, environment, terminal and exit codes. The only layer that prints or exits."""
