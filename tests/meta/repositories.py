"""Repositories of git that tests make."""

import subprocess

__all__ = ["git"]


def git(folder, *arguments):
    """Run git in a folder, and return what it printed."""
    settings = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *settings, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
