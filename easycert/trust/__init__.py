"""Where certificates are trusted: the stores of operating systems, browsers and runtimes; one file each, three verbs.

``protocol.py`` says what a store is, ``verbs.py`` what is done with any of them, ``finding.py`` which of them are here.
"""
