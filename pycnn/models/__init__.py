"""Models: layers that are trained, saved and shown.

sequential.py  Sequential: layers one after another     model.py    Model: the base, to subclass
trainer.py     fit, evaluate, predict                   step.py     compile, and what happens to one batch
batches.py     where batches come from                  compiled.py losses and metrics of what compile got
dataset.py     PyDataset, and its worker threads
saving.py      one file a model: safetensors and JSON   summary.py  the table of layers
"""

from pycnn.models.model import Model
from pycnn.models.saving import load_model, save_model
from pycnn.models.sequential import Sequential

__all__ = ["Model", "Sequential", "load_model", "save_model"]
