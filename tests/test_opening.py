"""How a server comes to its index: made for it, lost, damaged, and back again."""

import os
import shutil
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from server_process import ServerStart

from api import create_app
from assistant.config import Settings


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc to see what a process maps")
def test_the_first_index_is_made_outside_the_server(tmp_path: Path, start_server: ServerStart) -> None:
    with start_server(tmp_path / "home") as client:
        assert client.post("/v1/ask", json={"question": "What is ECS?"}).json()["answered"]
        mapped = Path(f"/proc/{client.headers['x-server-pid']}/maps").read_text()
    assert "onnxruntime" in mapped
    assert "torch" not in mapped


def test_a_server_whose_index_is_lost_is_not_ready_until_it_is_back(
    indexed_home: Path, tmp_path: Path, start_server: ServerStart
) -> None:
    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    current = home / "CURRENT"
    named = current.read_bytes()
    with start_server(home) as client:
        current.write_bytes(b"garbage")
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert (
            response.json()["type"]
            == client.post("/v1/ask", json={"question": "What is ECS?"}).json()["type"]
        )
        current.write_bytes(named)
        assert client.get("/readyz").json() == {"status": "ok"}


def test_a_file_cut_while_the_server_runs_ends_no_server(
    indexed_home: Path, tmp_path: Path, start_server: ServerStart
) -> None:
    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    mapped = [next(home.glob("generations/*/tokens.npy")), *home.glob("generations/*/lexical/*.store")]
    mapped += home.glob("models/*/encoder.weights")
    assert len(mapped) > 2
    body = {"question": "What is ECS?"}
    with start_server(home) as client:
        answer = client.post("/v1/ask", json=body).json()["answer"]
        for file in mapped:
            whole = file.read_bytes()
            os.truncate(file, 100)
            response = client.post("/v1/ask", json=body)
            assert response.status_code == 503
            assert response.json()["type"] == "urn:lecture-assistant:problem:index-unusable"
            assert client.get("/readyz").status_code == 503
            file.write_bytes(whole)
            assert client.post("/v1/ask", json=body).json()["answer"] == answer


def test_a_server_that_cannot_open_its_index_says_so_and_tries_again(
    indexed_home: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    current = home / "CURRENT"
    named = current.read_bytes()
    current.write_bytes(b"garbage")
    with TestClient(create_app(Settings(home=home))) as client:
        ends = time.monotonic() + 60
        opening = "urn:lecture-assistant:problem:not-ready"
        while (problem := client.get("/readyz").json())["type"] == opening:
            assert time.monotonic() < ends
        assert problem["type"] == "urn:lecture-assistant:problem:index-unusable"
        assert problem["status"] == 503
        current.write_bytes(named)
        while client.get("/readyz").status_code == 503:
            assert time.monotonic() < ends
        assert client.post("/v1/ask", json={"question": "What is ECS?"}).json()["answered"]
