"""``run`` in a terminal: Ctrl-C and Ctrl-Z reach the command once, and the shell sees what it would see without us.

A shell of our own, an interactive ``sh``, runs in a pseudo-terminal; it does job control as any other does.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemons import DidNotStart

WITHIN = 60.0
PROMPT = "<prompt>"
#: Says when it is ready and each signal that it gets; ends at the line "end".
CHILD = """
import os, signal, sys
def say(text):
    os.write(1, (text + "\\n").encode())
for name in ("SIGINT", "SIGTERM", "SIGWINCH", "SIGUSR1"):
    signal.signal(getattr(signal, name), lambda number, frame: say(f"<got {signal.Signals(number).name}>"))
say("<ready>")
for line in sys.stdin:
    if line.strip() == "end":
        say("<ended>")
        sys.exit(7)
    say(f"<read {line.strip()}>")
"""


class Terminal:
    """An interactive shell in a pseudo-terminal, in the directory *home*."""

    def __init__(self, home: Path) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            os.execve(
                "/bin/sh", ["sh", "-i"], {"HOME": str(home), "PATH": os.environ["PATH"], "PS1": PROMPT, "TERM": "dumb"}
            )
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def wait_for(self, text: str) -> str:
        """Read until *text* was printed; return all that was printed up to there since the last wait."""
        deadline = time.monotonic() + WITHIN
        while text not in self.seen:
            if not select.select([self._fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise DidNotStart(f"waited for {text!r}; there was:\n{self.seen}")
            self.seen += os.read(self._fd, 65536).decode(errors="replace")
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)  # whose session ends with it: the kernel hangs up on what runs in it
        os.waitpid(self.pid, 0)
        os.close(self._fd)


@pytest.fixture
def terminal(own_home: Path) -> Iterator[Terminal]:
    (own_home / "child.py").write_text(CHILD)
    opened = Terminal(own_home)
    easycert = f"{sys.executable} -m easycert"
    opened.type(f'set -m; easycert() {{ {easycert} "$@"; }}; easycert ca root -q; echo made=$?\n')
    opened.wait_for("made=0")
    yield opened
    opened.close()


@pytest.mark.parametrize("form", ["", "--ephemeral"])
def test_ctrl_c_reaches_the_command_once(terminal: Terminal, form: str) -> None:
    terminal.type(f"easycert run -q {form} -- {sys.executable} child.py; echo code=$?\n")
    terminal.wait_for("<ready>")
    terminal.type("\x03")
    shown = terminal.wait_for("<got SIGINT>")
    terminal.type("once\n")
    shown += terminal.wait_for("<read once>")
    terminal.type("end\n")
    shown += terminal.wait_for("code=7")
    assert shown.count("<got SIGINT>") == 1


@pytest.mark.parametrize("form", ["", "--ephemeral"])
def test_ctrl_z_stops_it_and_fg_goes_on(terminal: Terminal, form: str) -> None:
    terminal.type(f"easycert run -q {form} -- {sys.executable} child.py\n")
    terminal.wait_for("<ready>")
    terminal.type("\x1a")
    terminal.wait_for("topped")  # the shell says so: it has the terminal again
    terminal.type("echo the shell is here: $((40 + 2))\n")
    terminal.wait_for("here: 42")
    terminal.type("fg\n")
    terminal.type("again\n")
    terminal.wait_for("<read again>")
    terminal.type("end\n")
    terminal.wait_for("<ended>")


@pytest.mark.parametrize("form", ["", "--ephemeral"])
def test_a_loop_of_the_shell_ends_with_ctrl_c(terminal: Terminal, form: str) -> None:
    terminal.type(
        f"for i in 1 2 3; do easycert run -q {form} -- sh -c 'echo begun; exec sleep 600'; done; echo out=$?\n"
    )
    terminal.wait_for("begun\r\n")
    terminal.type("\x03")
    shown = terminal.wait_for(PROMPT)
    assert "begun" not in shown
    assert "out=" not in shown
    terminal.type("echo code=$?\n")
    terminal.wait_for("code=130")
