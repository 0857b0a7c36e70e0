"""Files that are whole or not there, alone and together; folders that nobody else can reach."""

import os

import pytest

from fixtures.common import files, private
from fixtures.common.private import private_folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, and an empty folder for temporary files."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(private.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    return tmp_path / "home"


def test_a_private_folder_is_one_for_all_runs_and_closed_to_others(home):
    folder = private_folder("slots")
    assert folder == private_folder("slots") and folder.parents[1] == home / ".cache"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_cache_folder_is_where_the_user_says(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert private_folder("slots").parents[1] == tmp_path / "cache"


@pytest.mark.parametrize("what", ["a link", "a file", "open to others"])
def test_what_others_may_have_made_is_not_used(home, tmp_path, what):
    """A lock that is opened through somebody's link would empty the file that it points to."""
    place = home / ".cache" / "pytest-learns"
    place.parent.mkdir(parents=True)
    if what == "a link":
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    elif what == "a file":
        place.touch()
    else:
        place.mkdir()
        place.chmod(0o777)
    assert private_folder("slots").parents[1] == tmp_path / "tmp"


def test_another_users_folder_is_not_used(home, tmp_path, monkeypatch):
    made = private_folder("slots")
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(OSError, match="no place for a private folder: .* is another user's"):
        private_folder("slots")
    assert made.exists()


def test_who_has_no_home_has_a_folder_among_temporary_files(home, tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda _: "~")
    assert private_folder("slots").parents[1] == tmp_path / "tmp"


def test_files_that_belong_together_are_written_together(tmp_path):
    texts = {tmp_path / "a": "new a", tmp_path / "folder" / "b": "new b"}
    (tmp_path / "a").write_text("old a")
    files.write_all(texts)
    assert {path: path.read_text() for path in texts} == texts
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "folder"]


@pytest.mark.parametrize("fails", [1, 2])
@pytest.mark.parametrize("old", [{"a": "old a", "b": "old b"}, {"a": "old a"}, {}])
def test_where_one_of_them_cannot_be_written_the_others_stay_as_they_were(
    tmp_path, monkeypatch, fails, old
):
    for name, text in old.items():
        (tmp_path / name).write_text(text)
    replace, calls = os.replace, []

    def replace_but_one(source, target):
        calls.append(target)
        if len(calls) == fails:
            raise OSError("disk full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_but_one)
    with pytest.raises(OSError, match="disk full"):
        files.write_all({tmp_path / "a": "new a", tmp_path / "b": "new b"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == old
