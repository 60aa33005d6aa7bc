"""The wheel, as pip installs it: every file of the packages is in it, and it answers without the source."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from server_process import ServerStart

PROJECT = Path(__file__).parents[1]
PACKAGES = ("api", "assistant", "corpus")
# What the Dockerfile copies; a wheel built of more would prove less.
COPIED = ("pyproject.toml", "README.md", "LICENSE", *PACKAGES)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: building leaves folders behind in the source."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "source").mkdir()
    for name in COPIED:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / "source" / name, ignore=_caches)
        else:
            shutil.copy(PROJECT / name, folder / "source")
    _pip("wheel", "--no-build-isolation", "--wheel-dir", folder, folder / "source")
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """A folder with the packages of the wheel, and nothing else of ours."""
    folder = wheel.parent / "installed"
    _pip("install", "--target", folder, wheel)
    return folder


def _caches(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__"]


def _pip(command: str, *arguments: str | Path) -> None:
    quiet = ("--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")
    subprocess.run([sys.executable, "-m", "pip", command, *quiet, *arguments], check=True)


def test_every_file_of_the_packages_is_in_it(wheel: Path) -> None:
    there = {
        file.relative_to(PROJECT).as_posix()
        for package in PACKAGES
        for file in (PROJECT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {Path(name).suffix for name in there} >= {".css", ".html", ".js", ".json", ".npz", ".py", ".svg"}
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == there


def test_what_is_installed_answers(installed: Path, indexed_home: Path, tmp_path: Path) -> None:
    imported = "import api, assistant, corpus; print(api.__file__, assistant.__file__, corpus.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(installed), "ASSISTANT_HOME": str(indexed_home)}

    def run(*arguments: str) -> str:
        # From an empty folder: Python looks there first.
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert [Path(file).parents[1] for file in run("-c", imported).split()] == [installed] * 3
    assert "Docker Repository" in run("-m", "assistant", "ask", "Where do you store Docker images?")
    assert "docker-on-aws" in run("-m", "assistant", "check", str(installed / "corpus" / "lectures"))


def test_what_is_installed_serves_its_page(
    installed: Path,
    indexed_home: Path,
    start_server: ServerStart,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    with start_server(indexed_home, PYTHONPATH=str(installed)) as client:
        assert "<title>" in client.get("/").text
        assert client.post("/v1/ask", json={"question": "What is Docker?"}).json()["answered"]
