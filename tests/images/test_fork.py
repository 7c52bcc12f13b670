"""What a forked child gives up."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

from dreambooth_widget.images import fork

FORKS = """
import os
from dreambooth_widget.images.fork import disown_after_fork

class Owner:
    name = "owned"
    def disown(self):
        self.name = "disowned"

owners = [Owner(), Owner()]
for owner in owners:
    disown_after_fork(owner)
child = os.fork()
if child:
    os.waitpid(child, 0)
os.write(1, " ".join(owner.name for owner in owners).encode() + b"\\n")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_child_disowns_parent_keeps() -> None:
    """Every owner lets go in the forked child, and none in its parent."""
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["disowned disowned", "owned owned"]


def test_owner_is_held_weakly() -> None:
    """A client that nobody uses any more is not kept for the day of a fork."""

    class Owner:
        def disown(self) -> None:
            """Do nothing."""

    owner = Owner()
    fork.disown_after_fork(owner)
    assert owner in fork._OWNERS
    before = len(fork._OWNERS)
    del owner
    gc.collect()
    assert len(fork._OWNERS) < before
