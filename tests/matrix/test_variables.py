"""Variables are allowed because they are known to be harmless, not because nobody forbade them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from commands import harness

from harness.executors.run_processes import Limits
from harness.matrix import cells, reading, variables
from harness.matrix.yaml_file import FileProblemsError
from harness.protocol.job import DataReference
from harness.sweep.jobs import Maker
from harness.sweep.planning import Step

HARMLESS = {
    "OMP_NUM_THREADS": "2",
    "OMP_PLACES": "{0:4}",
    "KMP_AFFINITY": "granularity=fine,compact,1,0",
    "MKL_DOMAIN_NUM_THREADS": "MKL_BLAS=2, MKL_FFT=4",
    "TF_CPP_VMODULE": "bfc_allocator=1",
    "OPENBLAS_CORETYPE": "Haswell",
    "MKL_CBWR": "AVX2",
    "TF_CUDNN_USE_AUTOTUNE": "0",
    "TF_ENABLE_WINOGRAD_NONFUSED": "1",
    "TF_USE_LEGACY_KERAS": "1",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true --xla_cpu_fast_math_honor_nans --xla_gpu_ftz=1",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "GLIBC_TUNABLES": "glibc.malloc.arena_max=1:glibc.cpu.hwcaps=-AVX512F",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD",
    "PYTHONMALLOC": "malloc",
}

NOT_KNOWN = {
    # They load code.
    "OPENSSL_CONF": "x.cnf",
    "OPENSSL_MODULES": "x",
    "TF_PLUGGABLE_DEVICE_LIBRARY_PATH": "x",
    "OMP_TOOL_LIBRARIES": "x.so",
    "GCONV_PATH": "x",
    "BASH_ENV": "x",
    "NEVER_HEARD_OF": "1",
    # They write files.
    "TF_CPP_VLOG_FILENAME": "x",
    "TF_DUMP_GRAPH_PREFIX": "x",
    "XLA_FLAGS": "--xla_dump_to=x",
    "TF_XLA_FLAGS": "--tf_xla_persistent_cache_directory=x",
    "CUDA_CACHE_PATH": "x",
    "CUDNN_LOGDEST_DBG": "x",
    "ONEDNN_JIT_DUMP": "1",
    "MKL_VERBOSE_OUTPUT_FILE": "x",
    "MALLOC_TRACE": "x",
    # Harmless names, but the value leads to a file.
    "OMP_PLACES": "/etc/passwd",
    "TZ": "../../x",
}


@pytest.mark.parametrize(("name", "value"), HARMLESS.items(), ids=HARMLESS)
def test_what_is_known_to_be_harmless_needs_no_consent(name: str, value: str) -> None:
    assert variables.refusal(name) is None and not variables.needs_consent(name, value)


@pytest.mark.parametrize(("name", "value"), NOT_KNOWN.items(), ids=NOT_KNOWN)
def test_everything_else_does(name: str, value: str) -> None:
    assert variables.needs_consent(name, value)


@pytest.mark.parametrize(
    ("name", "axis"),
    [
        ("ONEDNN_DEFAULT_FPMATH_MODE", "precision"),
        ("TF_SET_ONEDNN_FPMATH_MODE", "precision"),
        ("TF_ENABLE_CUBLAS_TENSOR_OP_MATH_FP32", "precision"),
        ("ONEDNN_CPU_ISA_HINTS", "isa"),
        ("TF_DISABLE_SEGMENT_REDUCTION_OP_DETERMINISM_EXCEPTIONS", "determinism"),
    ],
)
def test_what_changes_an_axis_unseen_needs_consent_and_names_the_axis(
    name: str, axis: str, tmp_path: Path
) -> None:
    with pytest.raises(FileProblemsError, match=f"{name} changes what the axis {axis} means"):
        reading.read(matrix(tmp_path, name))
    consented = reading.read(matrix(tmp_path, name, f"consent: {{{name}: tried}}\n"))
    assert consented.consents == {name: "tried"}


@pytest.mark.parametrize("value", ["flags.txt", "--xla_cpu_enable_fast_math=/x", "-x", "", "--"])
def test_flags_are_known_ones_and_lead_to_no_file(value: str) -> None:
    assert variables.needs_consent("XLA_FLAGS", value)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("PYTHONHASHSEED", "axis hash_seed"),
        ("TF_ENABLE_ONEDNN_OPTS", "axis onednn"),
        ("DNNL_MAX_CPU_ISA", "axis isa"),
        ("TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL", "axis contraction_kernel"),
        ("TF_DETERMINISTIC_OPS", "axis determinism"),
        ("CUDA_VISIBLE_DEVICES", "axis device"),
        ("PATH", "the harness sets it"),
        ("CUDA_DEVICE_ORDER", "the harness sets it"),
        ("LD_PRELOAD", "other code in place"),
        ("LD_LIBRARY_PATH", "other code in place"),
        ("LD_PRELOAD_64", "other code in place"),
        ("DYLD_INSERT_LIBRARIES", "other code in place"),
        ("PYTHONPATH", "other code in place"),
        ("PYTHONSTARTUP", "other code in place"),
        ("PYTHONHOME", "other code in place"),
        ("PYTHONPYCACHEPREFIX", "other code in place"),
        ("PYTHON_PRESITE", "other code in place"),
        ("HARNESS_CACHE", "the harness sets it"),
    ],
)
def test_what_an_axis_or_the_harness_sets_is_refused_whatever_is_consented(
    name: str, instead: str, tmp_path: Path
) -> None:
    path = matrix(tmp_path, name, f"consent: {{{name}: because}}\n")
    with pytest.raises(FileProblemsError) as refused:
        reading.read(path)
    assert instead in str(refused.value) and f"{path}:4:" in str(refused.value)


def matrix(folder: Path, name: str, consent: str = "") -> Path:
    path = folder / "m.yaml"
    path.write_text(
        "schema: 1\nname: m\nenvironments: {tensorflow: 2.15.1}\n"
        f"{consent}axes: {{env: {{{name}: x}}}}\n"
    )
    return path


def test_without_consent_the_place_is_named_and_how_to_give_it(tmp_path: Path) -> None:
    ended = harness("check", matrix(tmp_path, "OPENSSL_CONF"))
    assert ended.code == 2 and "m.yaml:4:28: the variable OPENSSL_CONF" in ended.err
    assert "consent: {OPENSSL_CONF: WHY}" in ended.err


def test_a_consent_to_a_variable_that_nothing_sets_is_an_error(tmp_path: Path) -> None:
    path = matrix(tmp_path, "OPENSSL_CONF", "consent: {OPENSSL_CONF: tried, GCONV_PATH: old}\n")
    unused = r":4:32: nothing here sets the variable GCONV_PATH"
    with pytest.raises(FileProblemsError, match=unused):
        reading.read(path)


def test_a_consent_needs_a_reason(tmp_path: Path) -> None:
    ended = harness("check", matrix(tmp_path, "OPENSSL_CONF", "consent: {OPENSSL_CONF: }\n"))
    assert ended.code == 2 and "the reason for OPENSSL_CONF" in ended.err


def test_the_job_names_what_was_consented(tmp_path: Path) -> None:
    found = reading.read(matrix(tmp_path, "OPENSSL_CONF", "consent: {OPENSSL_CONF: tried}\n"))
    assert found.consents == {"OPENSSL_CONF": "tried"}
    [cell] = cells.cells(found)

    def lock(environment: object) -> None:
        raise AssertionError("no lock is asked for here")

    step = Step(cell=cell, repeat=1, action="run", why="")
    maker = Maker(
        scripts={},
        matrix="m",
        lock=lock,  # type: ignore[arg-type]
        data=lambda workload: DataReference(name="mnist", sha256=""),
        limits=Limits(timeout=1.0, memory=1),
    )
    assert maker._job([step], "").consent == ("OPENSSL_CONF",)


@pytest.mark.slow
def test_a_pipe_in_the_place_of_a_matrix_is_no_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", tmp_path, Path("/dev/null")):
        ended = harness("check", path)
        assert ended.code in (2,) and "Traceback" not in ended.err, ended
