"""Which environment variables a matrix may set, decided by what is known to be harmless.

Allowed is what TensorFlow, XLA, oneDNN, OpenMP, BLAS, CUDA, glibc, NumPy and Python read without
loading code, writing files, or changing arithmetic where no reader of an axis could see it.
Everything else needs the matrix' consent by name, which every record keeps.

https://www.tensorflow.org/api_docs, https://openxla.org/xla/flags_guidance,
https://uxlfoundation.github.io/oneDNN, https://www.openmp.org/spec-html/5.2/openmpch21.html,
https://www.gnu.org/software/libc/manual/html_node/Tunables.html,
https://docs.nvidia.com/cuda/cublas, https://docs.python.org/3/using/cmdline.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.protocol.axes import CATALOGUE

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_BY_AXES: Mapping[str, str] = {
    **{n: axis.name for axis in CATALOGUE for each in axis.variables.values() for n in each},
    "PYTHONHASHSEED": "hash_seed",
    "CUDA_VISIBLE_DEVICES": "device",
    "NVIDIA_VISIBLE_DEVICES": "device",
    "NVIDIA_TF32_OVERRIDE": "tf32",
    "TF_DETERMINISTIC_OPS": "determinism",
    "TF_CUDNN_DETERMINISTIC": "determinism",
    "TF_NUM_INTRAOP_THREADS": "threads",
    "TF_NUM_INTEROP_THREADS": "inter_threads",
}
"""Variables that an axis stands for, and which one."""

_BEHIND_AXES: Mapping[str, str] = {
    "ONEDNN_DEFAULT_FPMATH_MODE": "precision",
    "DNNL_DEFAULT_FPMATH_MODE": "precision",
    "TF_SET_ONEDNN_FPMATH_MODE": "precision",
    "TF_ENABLE_CUBLAS_TENSOR_OP_MATH_FP32": "precision",
    "TF_ENABLE_CUDNN_TENSOR_OP_MATH_FP32": "precision",
    "TF_ENABLE_AUTO_MIXED_PRECISION": "precision",
    "ONEDNN_CPU_ISA_HINTS": "isa",
    "DNNL_CPU_ISA_HINTS": "isa",
    "MKLDNN_MAX_CPU_ISA": "isa",
    "TF_DISABLE_SEGMENT_REDUCTION_OP_DETERMINISM_EXCEPTIONS": "determinism",
}
"""Variables that change what the value of an axis means, unseen by its reader."""

_BY_THE_HARNESS = re.compile(
    r"PATH|HOME|USER|LANG|TMPDIR|TF_CPP_MIN_LOG_LEVEL|HARNESS_.*|CUDA_DEVICE_ORDER"
    r"|PYTHON(DONTWRITEBYTECODE|NOUSERSITE|UNBUFFERED)"
)
"""Variables that every process gets from the harness."""

_BEFORE_ANYTHING = re.compile(
    r"(DY)?LD_.*|PYTHON(PATH|HOME|PLATLIBDIR|STARTUP|INSPECT|BREAKPOINT|EXECUTABLE|USERBASE)"
    r"|PYTHON(PYCACHEPREFIX|_PRESITE)"
)
"""Variables that put other code in place of what a record says was run."""

_PLAIN = re.compile(r"[A-Za-z0-9_.,:;=+{}()@ -]*")
"""Numbers, words and lists of them: no path, and nothing that a shell would expand."""

_ALLOWED = re.compile(
    "|".join(
        (
            # TensorFlow: threads, memory, choice of kernels.
            r"TF_(CUDNN|CUBLAS|CUFFT|GPU|MKL|ONEDNN)_[A-Z0-9_]*(?<!PATH)(?<!FILE)(?<!DIR)",
            r"TF_ENABLE_(WINOGRAD_NONFUSED|ONEDNN_SPMM|MAXPOOL_NANPROP)",
            r"TF_ENABLE_(GPU_GARBAGE_COLLECTION|EAGER_CLIENT_STREAMING_ENQUEUE)",
            r"TF_DISABLE_(CUBLAS_TENSOR_OP_MATH|CUDNN_TENSOR_OP_MATH|RZ_CHECK)",
            r"TF_(USE_LEGACY_KERAS|FORCE_GPU_ALLOW_GROWTH|AUTOTUNE_THRESHOLD|USE_CUBLASLT)",
            r"TF_(FUNCTION_JIT_COMPILE_DEFAULT|RUN_EAGER_OP_AS_FUNCTION|CPP_VMODULE)",
            r"TF_CPP_MAX_(VLOG|LOG)_LEVEL|TF2_BEHAVIOR|TF_DATA_EXPERIMENT_OPT_(IN|OUT)",
            r"AUTOGRAPH_(VERBOSITY|STRICT_CONVERSION)",
            # oneDNN and the BLAS libraries.
            r"(ONEDNN|DNNL)_PRIMITIVE_CACHE_CAPACITY",
            r"(OPENBLAS|GOTO|BLIS|MKL|OMP|VECLIB|NUMEXPR)_(MAX_)?NUM_THREADS",
            r"OPENBLAS_(CORETYPE|MAIN_FREE|L2_SIZE|BLOCK_FACTOR|THREAD_TIMEOUT)|BLIS_ARCH_TYPE",
            r"MKL_(CBWR|DYNAMIC|DOMAIN_NUM_THREADS|ENABLE_INSTRUCTIONS|DEBUG_CPU_TYPE)",
            # OpenMP; not OMP_TOOL_LIBRARIES, which loads code.
            r"OMP_(DYNAMIC|NESTED|PLACES|PROC_BIND|SCHEDULE|STACKSIZE|THREAD_LIMIT|WAIT_POLICY)",
            r"OMP_(MAX_ACTIVE_LEVELS|CANCELLATION|DISPLAY_ENV|DISPLAY_AFFINITY)",
            r"KMP_(AFFINITY|BLOCKTIME|DETERMINISTIC_REDUCTION|HW_SUBSET|SETTINGS|STACKSIZE)",
            r"KMP_(FORCE_REDUCTION|LIBRARY|TEAMS_THREAD_LIMIT)",
            r"GOMP_(CPU_AFFINITY|SPINCOUNT|STACKSIZE|RTEMS_THREAD_POOLS)",
            # CUDA.
            r"CUDA_(LAUNCH_BLOCKING|DEVICE_MAX_CONNECTIONS|MODULE_LOADING)",
            r"CUDA_(AUTO_BOOST|CACHE_DISABLE|FORCE_PTX_JIT|DISABLE_PTX_JIT)",
            r"CUBLAS_WORKSPACE_CONFIG|CUBLASLT_WORKSPACE_SIZE",
            # NumPy, Python, the C library.
            r"NPY_(DISABLE|ENABLE)_CPU_FEATURES|NPY_PROMOTION_STATE|NUMPY_MADVISE_HUGEPAGE",
            r"PYTHON(DEVMODE|FAULTHANDLER|INTMAXSTRDIGITS|MALLOC|OPTIMIZE|TRACEMALLOC|UTF8)",
            r"MALLOC_(ARENA_MAX|ARENA_TEST|CHECK_|PERTURB_|TOP_PAD_|(MMAP|TRIM)_THRESHOLD_)",
            r"MALLOC_MMAP_MAX_|LC_[A-Z]+|TZ",
        )
    )
)

_FLAGS: Mapping[str, re.Pattern[str]] = {
    # The value may name a file of flags unless it begins with a dash; flags may name files, too.
    name: re.compile(rf"--{flags}(=[A-Za-z0-9_.,+-]*)?( +--{flags}(=[A-Za-z0-9_.,+-]*)?)*")
    for name, flags in {
        "TF_XLA_FLAGS": r"tf_xla_(auto_jit|cpu_global_jit|enable_xla_devices"
        r"|enable_lazy_compilation|min_cluster_size|max_cluster_size|clustering_fuel|ops_to_cluster"
        r"|deterministic_cluster_names|disable_constant_folding)",
        "XLA_FLAGS": r"xla_(cpu_enable_[a-z_]+|cpu_fast_math_honor_[a-z_]+|cpu_multi_thread_eigen"
        r"|cpu_max_isa|cpu_prefer_vector_width|cpu_use_[a-z_]+|gpu_autotune_level"
        r"|gpu_deterministic_ops|gpu_exclude_nondeterministic_ops|gpu_enable_[a-z_]+|gpu_ftz"
        r"|backend_optimization_level|disable_hlo_passes|allow_excess_precision"
        r"|force_host_platform_device_count|disable_all_hlo_passes)",
    }.items()
}
_TUNABLES = re.compile(r"glibc\.[a-z0-9_.]+=[A-Za-z0-9_,-]+(:glibc\.[a-z0-9_.]+=[A-Za-z0-9_,-]+)*")


def refusal(name: str) -> str | None:
    """Why a matrix may not set a variable at all, None where it may."""
    if name in _BY_AXES:
        return f"it is what the axis {_BY_AXES[name]} stands for; use that"
    if _BY_THE_HARNESS.fullmatch(name):
        return "the harness sets it for every process"
    if _BEFORE_ANYTHING.fullmatch(name):
        return "it puts other code in place of what the record would name"
    return None


def needs_consent(name: str, value: str) -> bool:
    """Whether this variable, with this value, is not known to be harmless."""
    if name in _FLAGS:
        return _FLAGS[name].fullmatch(value.strip()) is None
    if name == "GLIBC_TUNABLES":
        return _TUNABLES.fullmatch(value) is None
    if name in _BEHIND_AXES:
        return True
    return _ALLOWED.fullmatch(name) is None or _PLAIN.fullmatch(value) is None


def objection(name: str) -> str:
    """What speaks against a variable that needs consent: the rest of a sentence."""
    if name in _BEHIND_AXES:
        return f"changes what the axis {_BEHIND_AXES[name]} means, and nothing can read it back"
    return "is not known to be harmless with this value: it could load code or write files"
