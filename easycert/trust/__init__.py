"""Where certificates are trusted: the stores of operating systems, browsers and runtimes, and files for one command.

``protocol.py`` says what a store is, ``verbs.py`` what is done with any of them, ``finding.py`` which of them are here.
``variables.py`` says which variable each program reads, ``roots.py`` where a system keeps its roots, and ``bundle.py``
puts these and ours into files that the variables can name.
"""
