"""The one catalogue of axes: what can be varied, how it is applied, how it is read back.

The matrix schema, the process environment, the documents and the reports all read it. A new axis is
one entry here and one module in each backend's folder `axes` that applies it and reads it back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Mapping, Optional, Tuple, Union

from harness.protocol.open_values import DEFAULT

Value = Union[str, int, Tuple[Tuple[str, str], ...]]
"""A word, a number, or (axis `env`) sorted pairs of variable name and value."""


@dataclass(frozen=True)
class Axis:
    """One thing that can be varied. Give every field by name.

    `scope` is one of SCOPES. `words` are the words allowed (those of `workload` are the names of
    the subjects there are, and stand in their files), `minimum` and `maximum` bound a number
    where numbers are allowed (`minimum is None`: they are not). `since` is the first TensorFlow
    version in which a value other than the default can be applied. `variables` gives, per value,
    the environment variables that apply it before the process starts. `left` is the default for a
    user's script, where it is another one. Of `parts`, several can be one value: in their order,
    with `+` between them; all of them are the word `all`, none of them the word `none`.
    The values `reference_only` act on reference trainings, and cannot be asked of a user's script.
    """

    name: str
    scope: str
    sentence: str
    applied: str
    read_back: str
    default: Value = DEFAULT
    words: Tuple[str, ...] = ()
    minimum: Optional[int] = None
    maximum: Optional[int] = None
    is_mapping: bool = False
    since: str = "1.15"
    variables: Mapping[Value, Mapping[str, str]] = field(default_factory=dict)
    left: Optional[Value] = None
    parts: Tuple[str, ...] = ()
    reference_only: Tuple[str, ...] = ()

    @property
    def script_default(self) -> Value:
        """The value that leaves a user's script as it is: `left`, or the default."""
        return self.default if self.left is None else self.left

    @property
    def allowed(self) -> str:
        """The allowed values in words, for messages and documentation."""
        parts = list(self.words)
        if self.parts:
            parts.append(f"a list of {', '.join(self.parts)}")
        if self.minimum is not None:
            upper = "" if self.maximum is None else f" to {self.maximum}"
            parts.append(f"a whole number from {self.minimum}{upper}")
        if self.is_mapping:
            parts.append("a mapping of variable names to values")
        return ", ".join(parts)


SCOPES = ("environment", "process", "run")
"""What a value is applied to, from the widest: another image, another process, another run."""

ON_OFF = ("on", "off")
OR_LEFT = (*ON_OFF, DEFAULT)
"""`default` leaves it to TensorFlow, or to a user's script."""

CATALOGUE: Tuple[Axis, ...] = (
    Axis(
        name="device",
        scope="environment",
        sentence="Where the training runs; gpu installs TensorFlow with its CUDA libraries.",
        default="cpu",
        words=("cpu", "gpu"),
        applied="another environment, and a GPU handed to the process or hidden from it",
        read_back="tf.config.get_visible_devices(), and where weights lie and layers ran",
    ),
    Axis(
        name="onednn",
        scope="process",
        sentence="oneDNN's kernels instead of Eigen's; the default depends on version and CPU.",
        words=(DEFAULT, *ON_OFF),
        since="2.5",
        applied="TF_ENABLE_ONEDNN_OPTS before the process starts",
        read_back="TensorFlow's log line about oneDNN custom operations",
        variables={"on": {"TF_ENABLE_ONEDNN_OPTS": "1"}, "off": {"TF_ENABLE_ONEDNN_OPTS": "0"}},
    ),
    Axis(
        name="isa",
        scope="process",
        sentence="The highest instruction set oneDNN may use: imitates an older CPU (emulated).",
        default="native",
        words=("native", "sse41", "avx2", "avx512_core"),
        since="2.5",
        applied="ONEDNN_MAX_CPU_ISA, and DNNL_MAX_CPU_ISA for older versions, before the start",
        read_back="the instruction set that oneDNN says it chose",
        variables={
            value: {"ONEDNN_MAX_CPU_ISA": value.upper(), "DNNL_MAX_CPU_ISA": value.upper()}
            for value in ("sse41", "avx2", "avx512_core")
        },
    ),
    Axis(
        name="contraction_kernel",
        scope="process",
        sentence="TensorFlow's own instruction-set-dependent kernel for matrix products.",
        words=(DEFAULT, *ON_OFF),
        applied="TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL before the process starts",
        read_back="the variable as the process saw it, and whether the kernel calls oneDNN",
        variables={
            "on": {"TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": "true"},
            "off": {"TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": "false"},
        },
    ),
    Axis(
        name="hash_seed",
        scope="process",
        sentence="The seed of Python's string hashes; random, as Python does it, by default.",
        default="random",
        words=("random",),
        minimum=0,
        maximum=4294967295,
        applied="PYTHONHASHSEED before the process starts",
        read_back="the variable and sys.flags.hash_randomization",
    ),
    Axis(
        name="cpus",
        scope="process",
        sentence="CPUs the process may use; default is one per thread if threads is set, else all.",
        words=(DEFAULT,),
        minimum=1,
        maximum=4096,
        applied="the CPU set (affinity mask) of the process or container",
        read_back="os.sched_getaffinity(0)",
    ),
    Axis(
        name="env",
        scope="process",
        sentence="Free environment variables, set before the process starts.",
        default=(),
        is_mapping=True,
        applied="the environment of the process",
        read_back="os.environ as the process saw it",
    ),
    Axis(
        name="workload",
        scope="run",
        sentence="The reference training.",
        default="mnist-mlp",
        applied="the runner trains this model",
        read_back="the name of the workload that built the model",
    ),
    Axis(
        name="parameters",
        scope="run",
        sentence="Values of a user's script's own parameters; in a matrix each by its own name.",
        default=(),
        is_mapping=True,
        applied="the placeholders in the script's arguments",
        read_back="the arguments that the script was started with",
    ),
    Axis(
        name="seed",
        scope="run",
        sentence="The number given to the random generators that `seeding` names.",
        default=42,
        minimum=0,
        maximum=4294967295,
        applied="the generators named by `seeding`, before the model is built",
        read_back="the numbers given to each generator",
    ),
    Axis(
        name="seeding",
        scope="run",
        sentence="Which generators get the seed: Python's, NumPy's, TensorFlow's, all or none.",
        default="all",
        words=("all", "tf", "numpy", "python", "none"),
        left="none",
        parts=("python", "numpy", "tf"),
        applied="random.seed, numpy.random.seed, tf.random.set_seed",
        read_back="the state of each generator after seeding",
    ),
    Axis(
        name="threads",
        scope="run",
        sentence="Threads inside one operation (intra-op); default is one per usable CPU.",
        words=(DEFAULT,),
        minimum=1,
        maximum=4096,
        applied="tf.config.threading.set_intra_op_parallelism_threads before the first operation",
        read_back="tf.config.threading.get_intra_op_parallelism_threads(), and threads counted",
    ),
    Axis(
        name="inter_threads",
        scope="run",
        sentence="Operations that may run at the same time (inter-op threads).",
        words=(DEFAULT,),
        minimum=1,
        maximum=4096,
        applied="tf.config.threading.set_inter_op_parallelism_threads before the first operation",
        read_back="tf.config.threading.get_inter_op_parallelism_threads()",
    ),
    Axis(
        name="scheduling",
        scope="run",
        sentence="Whether a thread that wakes interrupts another; default is batch.",
        words=(DEFAULT, "batch", "other"),
        applied="SCHED_BATCH (it does not) or SCHED_OTHER (it does) before the first operation",
        read_back="os.sched_getscheduler of each thread",
    ),
    Axis(
        name="determinism",
        scope="run",
        sentence="Op determinism: TensorFlow's promise of equal results on equal hardware.",
        default="off",
        words=OR_LEFT,
        left=DEFAULT,
        since="2.1",
        applied="tf.config.experimental.enable_op_determinism(), TF_DETERMINISTIC_OPS before 2.8",
        read_back="tf.config.experimental.is_op_determinism_enabled or its private module",
    ),
    Axis(
        name="eager",
        scope="run",
        sentence="Run the model's functions eagerly instead of as graphs.",
        default="off",
        words=OR_LEFT,
        left=DEFAULT,
        since="2.0",
        applied="tf.config.run_functions_eagerly(True) and compile(run_eagerly=True)",
        read_back="tf.config.functions_run_eagerly() and model.run_eagerly",
    ),
    Axis(
        name="jit",
        scope="run",
        sentence="XLA compilation of the training step; auto is what Keras chooses.",
        default="auto",
        words=("auto", *ON_OFF),
        since="2.8",
        applied="compile(jit_compile=…)",
        read_back="whether TensorFlow logged that XLA compiled something during the training",
    ),
    Axis(
        name="shuffle",
        scope="run",
        sentence="Shuffle the training data before each epoch; shared: alike in every version.",
        default="on",
        words=("on", "off", "shared", DEFAULT),
        left=DEFAULT,
        applied="fit(shuffle=…), Dataset.shuffle, or a pipeline in orders drawn by the harness",
        read_back="the argument that fit got, or the pipeline's stages and the orders it took",
        reference_only=("shared",),
    ),
    Axis(
        name="batch_size",
        scope="run",
        sentence="Examples per training step; default is the workload's own.",
        words=(DEFAULT,),
        minimum=1,
        maximum=70000,
        applied="fit(batch_size=…) or Dataset.batch",
        read_back="the number given to fit or the pipeline, and the steps it took",
    ),
    Axis(
        name="epochs",
        scope="run",
        sentence="Passes over the training data; default is the workload's own.",
        words=(DEFAULT,),
        minimum=1,
        maximum=10000,
        applied="fit(epochs=…)",
        read_back="the number of entries in the history",
    ),
    Axis(
        name="samples",
        scope="run",
        sentence="Training examples used, from the start of the data; default is the workload's.",
        words=(DEFAULT,),
        minimum=1,
        applied="the first rows of the training part",
        read_back="the number of rows trained on",
    ),
    Axis(
        name="precision",
        scope="run",
        sentence="The Keras precision policy; the mixed ones change bits by design.",
        default="float32",
        words=("float32", "mixed_float16", "mixed_bfloat16", DEFAULT),
        left=DEFAULT,
        since="2.4",
        applied="tf.keras.mixed_precision.set_global_policy",
        read_back="tf.keras.mixed_precision.global_policy(), and the layers' policies",
    ),
    Axis(
        name="tf32",
        scope="run",
        sentence="TensorFloat-32 on NVIDIA GPUs from Ampere on; changes bits by design.",
        words=(DEFAULT, *ON_OFF),
        since="2.4",
        applied="tf.config.experimental.enable_tensor_float_32_execution",
        read_back="tf.config.experimental.tensor_float_32_execution_enabled()",
    ),
    Axis(
        name="initial_weights",
        scope="run",
        sentence="Weights to start from: Keras' own, or drawn from `seed` alike in every version.",
        default="own",
        words=("own", "shared"),
        since="2.0",
        applied="set_weights with tensors drawn by the harness, once the model is built",
        read_back="the digests of the weights before training, and of what the seed draws",
        reference_only=("shared",),
    ),
    Axis(
        name="nudge",
        scope="run",
        sentence="The first weight that is trained moves by the least possible step (one ULP) up.",
        default="none",
        words=("none", "one-ulp"),
        since="2.0",
        applied="set_weights with one element changed, before training",
        read_back="every element of the weights before and after",
        reference_only=("one-ulp",),
    ),
    Axis(
        name="load",
        scope="run",
        sentence="Train beside a load on the run's CPUs, which makes races show.",
        default="none",
        words=("none", "busy"),
        applied="a process per CPU that competes for it, until the training is over",
        read_back="the CPU time that each process used meanwhile",
    ),
)

BY_NAME: Mapping[str, Axis] = {axis.name: axis for axis in CATALOGUE}
NAMES: Tuple[str, ...] = tuple(BY_NAME)


def axes_of(scope: str) -> Tuple[Axis, ...]:
    """The axes of one scope, in catalogue order."""
    return tuple(axis for axis in CATALOGUE if axis.scope == scope)


def process_variables(settings: Mapping[str, Value]) -> Dict[str, str]:
    """The environment variables that apply the process-scope `settings`.

    `env` comes first, so that an axis of its own wins over the same variable in `env`.
    """
    free = settings.get("env", ())
    variables = dict(free) if isinstance(free, tuple) else {}
    for axis in axes_of("process"):
        variables.update(axis.variables.get(settings.get(axis.name, axis.default), {}))
    variables["PYTHONHASHSEED"] = str(settings.get("hash_seed", BY_NAME["hash_seed"].default))
    return variables


def to_json(value: Value) -> Union[str, int, Dict[str, str]]:
    """The value as it stands in a record or request: pairs become an object."""
    return dict(value) if isinstance(value, tuple) else value


def from_json(value: Union[str, int, Mapping[str, str]]) -> Value:
    """The value that stands in a record or request."""
    return tuple(sorted(value.items())) if isinstance(value, Mapping) else value
