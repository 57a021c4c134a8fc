"""Made-up flies, and the archive and the servers that they are downloaded from."""

import fly_archive as made
import pytest


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch, tmp_path):
    """No test sees the user's variable or cache."""
    monkeypatch.delenv("PLASTUTOR_FLY_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def cohort():
    return made.cohort()


@pytest.fixture(scope="module")
def zenodo(cohort, tmp_path_factory):
    return made.write_zenodo(tmp_path_factory.mktemp("zenodo"), cohort)


@pytest.fixture(scope="module")
def content(zenodo):
    return made.pack(zenodo)


@pytest.fixture
def serve():
    """Start servers; stop them when the test ends."""
    servers = []

    def start(content):
        servers.append(made.Server(content))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
