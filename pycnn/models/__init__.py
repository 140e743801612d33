"""Models: layers that are trained, saved and shown.

sequential.py  Sequential: layers one after another     model.py    Model: the base, to subclass, and graphs of layers
graph.py       the graph: its order, running it         graph_config.py  graphs as JSON
trainer.py     fit, evaluate, predict                   step.py     compile, and what happens to one batch
batches.py     where batches come from                  compiled.py losses and metrics of what compile got
saving.py      one file a model: safetensors and JSON   files.py    files written whole or not at all
summary.py     the table of layers                      cloning.py  clone_model, model_from_json
auxiliary.py   AuxiliaryModel: outputs for training     keras_format/  Keras's own files
"""

from pycnn.models.auxiliary import AuxiliaryModel
from pycnn.models.cloning import clone_model, model_from_json
from pycnn.models.model import Model
from pycnn.models.saving import load_model, save_model
from pycnn.models.sequential import Sequential

__all__ = ["AuxiliaryModel", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
