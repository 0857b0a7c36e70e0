"""A program that is run in place of uv, which nobody can make fail on demand."""

import stat
import sys

__all__ = ["put_uv"]


def put_uv(tmp_path, monkeypatch, commands):
    """Have these shell commands run in place of uv.

    Args:
        tmp_path: where the program goes.
        monkeypatch: pytest's; it takes the program away.
        commands: shell commands.
    """
    path = tmp_path / "bin" / "uv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{commands}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(path.parent / "python"))
