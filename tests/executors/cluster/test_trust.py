"""Who may talk to a cluster: TLS but on this machine alone, one authority, one version."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ended, called, harness
from simulated_cluster import Cluster, free_port, matrix_of, prepare

from harness.errors import UsageError
from harness.executors.cluster import addresses, certificates

Make = Callable[..., Cluster]


@pytest.mark.parametrize("text", ["127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786"])
def test_plain_tcp_is_for_this_machine(text: str) -> None:
    assert addresses.parse(text).scheme == "tcp"


@pytest.mark.parametrize(
    "text", ["head:8786", "tcp://10.0.0.7:8786", "tcp://localhost.example:8786", "tcp://0.0.0.0:1"]
)
def test_plain_tcp_over_a_network_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(UsageError, match=r"by TLS only.*--new-ca"):
        addresses.parse(text)


@pytest.mark.parametrize("text", ["", "head", "http://head:1", "tls://head:0", "tls://a b:1"])
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        addresses.parse(text)


def test_tls_needs_the_certificates(tmp_path: Path) -> None:
    address = addresses.parse("tls://head:8786")
    with pytest.raises(UsageError, match="name the folder with the certificates"):
        addresses.security(address, None)
    with pytest.raises(UsageError, match="no such file"):
        addresses.security(address, tmp_path)


def test_a_new_authority_is_nobody_elses_and_never_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = called(capsys, "worker", "--new-ca", tmp_path / "cluster")
    assert made.code == 0 and "dask scheduler --protocol tls" in made.out
    files = {path.name: path for path in (tmp_path / "cluster").iterdir()}
    assert set(files) == {certificates.AUTHORITY, certificates.CERTIFICATE, certificates.KEY}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    before = files[certificates.KEY].read_bytes()
    again = called(capsys, "worker", "--new-ca", tmp_path / "cluster")
    assert again.code == 2 and "is there already" in again.err
    assert files[certificates.KEY].read_bytes() == before


@pytest.mark.parametrize("arguments", [(), ("tcp://head:1",), ("tcp://localhost:1",)])
def test_a_worker_says_what_it_needs(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(capsys, "worker", *arguments, "--engine", "local")
    assert ended.code == 2
    assert any(word in ended.err for word in ("name the scheduler", "TLS only", "--trust-jobs"))


@pytest.mark.slow
def test_a_worker_gives_up_where_it_is_told_so_and_nobody_answers() -> None:
    address = f"127.0.0.1:{free_port()}"
    own = ("--engine", "local", "--trust-jobs", "--give-up", "1")
    ended = harness("worker", address, *own)
    assert ended.code == 5 and "no scheduler answered for 1 s" in ended.err, ended.err


def test_a_network_interface_is_for_tls_only(capsys: pytest.CaptureFixture[str]) -> None:
    own = ("--engine", "local", "--trust-jobs", "--interface", "lo")
    ended = called(capsys, "worker", "localhost:8786", *own)
    assert ended.code == 2 and "--interface is for TLS" in ended.err


def run(cluster: Cluster, matrix: Path, results: Path, tls: Path | None = None) -> Ended:
    options = ("--tls", tls) if tls else ()
    return harness("run", matrix, "--on", cluster.address, "--results", results, *options)


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    return matrix_of(tmp_path, cells=2, repeats=1)


@pytest.mark.slow
def test_a_cluster_takes_members_of_its_authority_and_nobody_else(
    make_cluster: Make, matrix: Path, tmp_path: Path
) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own, other):
        certificates.new_authority(folder)
    cluster = make_cluster(prepared=prepare(matrix, tmp_path / "prepared"), tls=own)
    cluster.scheduler()
    cluster.sleeper("a", 0.1)
    stranger = cluster.sleeper("stranger", 0.1, tls=other)
    results = tmp_path / "results"

    refused = run(cluster, matrix, results, tls=other)
    assert refused.code == 5 and "same authority" in refused.err, refused.err
    assert "Traceback" not in refused.err and not results.exists()
    cluster.tls = None
    plain = run(cluster, matrix, results)
    assert plain.code == 5 and not results.exists(), plain.err
    cluster.tls = own

    taken = run(cluster, matrix, results, tls=own)
    assert taken.code == 0, taken.err
    assert set(cluster.begun.values()) == {1} and len(cluster.begun) == 2
    assert stranger.wait(60) == 5, cluster.said("stranger")
    assert "authority" in cluster.said("stranger")


@pytest.mark.slow
def test_a_scheduler_that_anybody_can_reach_is_refused(
    make_cluster: Make, matrix: Path, tmp_path: Path
) -> None:
    cluster = make_cluster(prepared=prepare(matrix, tmp_path / "prepared"))
    cluster.scheduler(host="0.0.0.0")
    cluster.sleeper("a", 0.1)
    ended = run(cluster, matrix, tmp_path / "results")
    assert ended.code == 2 and "without TLS" in ended.err, ended.err
    assert not cluster.begun and not (tmp_path / "results").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "value"), [("harness", "0.0.1"), ("schema", 1), ("runner", "0" * 64)]
)
def test_a_worker_of_another_version_is_an_error_that_names_both(
    make_cluster: Make, matrix: Path, tmp_path: Path, part: str, value: object
) -> None:
    from harness.executors.cluster import identity

    own = identity.program_to_json()
    cluster = make_cluster(prepared=prepare(matrix, tmp_path / "prepared"))
    cluster.scheduler()
    cluster.sleeper("old", 0.1, changes={"program": {**own, part: value}})
    ended = run(cluster, matrix, tmp_path / "results")
    assert ended.code == 2 and "install the same on both" in ended.err, ended.err
    assert str(value)[:8] in ended.err and str(own[part])[:8] in ended.err
    assert not cluster.begun and not (tmp_path / "results").exists()


@pytest.mark.slow
def test_dask_may_not_limit_start_anew_or_keep_what_is_a_trainings(
    make_cluster: Make, matrix: Path, tmp_path: Path
) -> None:
    from distributed import Client

    cluster = make_cluster(prepared=prepare(matrix, tmp_path / "prepared"))
    cluster.scheduler()
    cluster.sleeper("a", 0.1)
    assert run(cluster, matrix, tmp_path / "results").code == 0
    with Client(cluster.address, set_as_default=False) as client:
        (worker,) = client.scheduler_info()["workers"].values()
        assert worker["memory_limit"] == 0 and worker["nanny"] is None
        assert worker["nthreads"] == 1
        assert client.run_on_scheduler(_periodic) == {"worker-ttl": False}


def _periodic(dask_scheduler: object) -> dict[str, bool]:
    callbacks = dask_scheduler.periodic_callbacks  # type: ignore[attr-defined]
    return {"worker-ttl": "worker-ttl" in callbacks}


def test_what_a_worker_says_it_is_can_be_written_down() -> None:
    from harness.cli import wiring
    from harness.executors.cluster import identity
    from harness.executors.cluster.identity import WorkerInfo

    machine = wiring.this_machine()
    worker = WorkerInfo(
        id="Worker-1",
        address="tcp://127.0.0.1:1",
        name="a",
        program=identity.this_program(),
        machine=machine.id,
        hardware=machine.hardware,
        engine={"name": "local"},
        lacks={},
    )
    text = json.dumps(identity.to_json(worker))
    assert identity.from_json(json.loads(text)) == worker
    assert worker.cpus == len(machine.hardware["visible_cpus"])
