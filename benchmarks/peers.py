"""The peers: PyTorch eager in channels_last, the same through ``torch.compile``, and ONNX Runtime for inference."""

import io
import warnings
from functools import cache
from importlib.util import find_spec

import numpy as np

PEERS = ("torch", "torch.compile", "onnxruntime")


def channels_first(torch, array):
    """The same memory as a tensor in channels_last."""
    return torch.from_numpy(array).permute(0, 3, 1, 2)


def compiled(torch, function):
    """``function`` compiled by PyTorch for the shapes it is called with, at its first call."""
    make = cache(lambda: torch.compile(function, dynamic=False))  # even this alone brings in its compiler
    return lambda *args: make()(*args)


def absent(peers, isa):
    """Which of the peers cannot take part, and why: name -> reason."""
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if "onnxruntime" in peers and (missing or isa):
        why = f"{' and '.join(missing)} not installed" if missing else "has no switch for the instruction set"
        return {"onnxruntime": why}
    return {}


def onnx_inference(torch, module, images, threads):
    """A function that runs ``module`` on ``images`` (channels first) in ONNX Runtime."""
    import onnxruntime

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the other exporter needs one more package, and is slow
        torch.onnx.export(module.eval(), (images.contiguous(),), file, dynamo=False, input_names=["x"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if threads > 1:  # it would place them where this thread is bound
        places = ";".join(str(i + 1) for i in range(1, threads))
        options.add_session_config_entry("session.intra_op_thread_affinities", places)
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    x = np.ascontiguousarray(images.numpy())
    return lambda: session.run(None, {"x": x})[0]
