"""The state of optimizers as Keras writes it: ``optimizer/vars/0``, ... in an order that depends on the optimizer."""

import warnings

import numpy as np

from pycnn.backend import get_backend
from pycnn.models.keras_format.layout import variables_in_order
from pycnn.models.keras_format.weights import require_numbers
from pycnn.optimizers import LossScaleOptimizer
from pycnn.optimizers.schedules import LearningRateSchedule

_NUMBERS = ("iterations", "learning_rate", "unused_iterations", "unused_rate")  # what there is before the first step
_UNUSED = {"unused_iterations": np.int32(0), "unused_rate": np.float32(0)}  # what Keras keeps beside the inner ones

_SLOTS_TOGETHER = {"SGD": 1, "RMSprop": 1, "Adagrad": 1}
"""Optimizer -> how many slots of a weight Keras keeps side by side, before those of the next weight; else two."""


def _places(optimizer, model):
    """The variables of Keras's optimizer in their order: triples (kind, weight, slot)."""
    if isinstance(optimizer, LossScaleOptimizer):
        own = [(kind, None, None) for kind in (*_UNUSED, "step_counter", "dynamic_scale")]
        return own + _places(optimizer.inner_optimizer, model)
    order = [("iterations", None, None)]
    if not (isinstance(optimizer._learning_rate, LearningRateSchedule) or callable(optimizer._learning_rate)):
        order.append(("learning_rate", None, None))
    trainable = [v for v in variables_in_order(model) if v.trainable]
    for slot in ("average", "accumulated_gradient"):
        if slot in optimizer._gathers:
            order += [("slot", weight, slot) for weight in trainable]
    slots = list(optimizer.slots())
    together = _SLOTS_TOGETHER.get(type(optimizer).__name__, 2)
    while slots:
        group, slots = slots[:together], slots[together:]
        order += [("slot", weight, slot) for weight in trainable for slot in group]
    if hasattr(optimizer, "_momentum_product"):  # Nadam's, which follows from the number of steps
        order.append(("momentum_product", None, None))
    return order


def write_optimizer(file, model):
    """Write the state of a model's optimizer; weights without a step so far have the state to start with."""
    _write(file.create_group("optimizer/vars"), model.optimizer, model)
    if isinstance(model.optimizer, LossScaleOptimizer):  # Keras writes it twice
        _write(file.create_group("optimizer/inner_optimizer/vars"), model.optimizer.inner_optimizer, model)


def _write(group, optimizer, model):
    group.attrs["name"] = optimizer.name
    places, numbers = _places(optimizer, model), optimizer.numbers
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    for i, (kind, weight, slot) in enumerate(places):
        if kind in _UNUSED:
            value = _UNUSED[kind]
        elif kind in numbers:  # with accumulated gradients iterations count all steps
            value = numbers[kind].numpy()
            value = value.astype(np.int32) if value.dtype.kind == "i" else value
        elif kind == "learning_rate":
            value = np.float32(optimizer.learning_rate)
        elif kind == "momentum_product":
            value = np.float32(optimizer._momentum_product(optimizer.iterations))
        else:
            state = optimizer.state_of(weight)
            if slot in state:
                value = state[slot].numpy()
            elif slot in optimizer._gathers:
                value = np.zeros(weight.shape, weight.dtype)
            else:
                value = get_backend().to_numpy(optimizer.initial_slot(slot, weight))
        group[str(i)] = value


def matching_state(model, datasets, filepath):
    """Return what a file holds of the state of a model's optimizer; the optimizer's variables are made for it.

    Returns
    -------
    pairs : dict path -> (variable, dataset)
        Empty if the file has no state, or one of another optimizer.
    learning_rate : float or None
    """
    found = {path: dataset for path, dataset in datasets.items() if path.startswith("optimizer/vars/")}
    if not found:
        return {}, None
    optimizer = model.optimizer
    places = _places(optimizer, model)
    order = {f"optimizer/vars/{i}": place for i, place in enumerate(places)}
    numbers = [place for place in places if place[0] in _NUMBERS]
    before_steps = {f"optimizer/vars/{i}": place for i, place in enumerate(numbers)}
    if set(found) not in (set(order), set(before_steps)):
        warnings.warn(
            f"The file's optimizer has {len(found)} variables, but {optimizer.name!r} has {len(order)}: its state is "
            f"not read, and starts anew. Received: filepath={filepath!r}",
            stacklevel=5,
        )
        return {}, None
    pairs, learning_rate = {}, None
    if set(found) == set(order):
        optimizer.build([v for v in variables_in_order(model) if v.trainable])
    for path, (kind, weight, slot) in (order if set(found) == set(order) else before_steps).items():
        if kind == "slot":
            pairs[path] = (optimizer.state_of(weight)[slot], found[path])
        elif kind in optimizer.numbers:
            pairs[path] = (optimizer.numbers[kind], found[path])
        elif kind == "learning_rate":
            require_numbers(path, found[path], (), filepath)
            learning_rate = float(found[path][()])
    return pairs, learning_rate
