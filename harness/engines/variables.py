"""The environment of an order's process: the same minimum on every engine, then the order's own."""

from __future__ import annotations

from harness.engines.protocol import Order


def variables(order: Order, *, temporary: str, path: str, gpu: str) -> dict[str, str]:
    """Every variable the process gets; nothing of the host's environment is passed on.

    `temporary` is a writable folder that goes with the process; `gpu` is the CUDA device it sees
    if the order asks for one.
    """
    minimum = {
        # An empty value hides every GPU: a CPU cell must not find one.
        "CUDA_VISIBLE_DEVICES": gpu if order.gpu else "",
        "HOME": temporary,
        "LANG": "C.UTF-8",
        "PATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        # Unbuffered, so that the log of a killed run has what it printed last.
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "0",
        "TMPDIR": temporary,
        "USER": "harness",
    }
    # CUDA counts the fastest GPU first otherwise; the driver, whose names are recorded, by slot.
    order_of_gpus = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"} if order.gpu else {}
    return {**minimum, **order_of_gpus, **order.variables}
