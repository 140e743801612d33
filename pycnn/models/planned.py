"""Steps that run from a plan: recorded once for the shapes of a batch, then repeated call by call.

A plan is made at the second batch of the same shapes: the first builds what first batches build. It is made of what
pycnn's own layers and losses do; a layer, loss or model of the user's may do anything at a call, and runs eagerly.
"""

import threading
from collections import OrderedDict

import numpy as np

from pycnn import config
from pycnn.autograd import MaskedTensor, Tensor, Variable, as_tensor, no_grad
from pycnn.backend import NotRecordableError, get_backend
from pycnn.backend.recorded import is_recording
from pycnn.models.batches import all_arrays, map_arrays
from pycnn.random import SeedGenerator

_LEAST_DIRECT = 1 << 15  # bytes that to copy takes longer than to do without
_NOT_OWN = "not all of its layers and losses are pycnn's own"
_MOST_PLANS = 8  # of a model: each keeps the memory of its step
_MOST_BYTES = 1 << 31  # of all of them, if there are more than two


class _Planned:
    """A plan, with the arrays that it reads and fills."""

    def __init__(self, variables):
        self.variables = variables
        self.changes = Variable.changes
        self.versions = None  # of the variables, where what is computed of them alone is computed once
        self.trainable = [v.requires_grad for v in variables]
        self.before = ()  # what runs eagerly, on the first input, before the plan
        self.inputs = self.outputs = self.plan = self.reason = None
        self.direct = None  # of an input of the host, where the plan can do without copies

    def holds_for(self, owner):
        """Whether the model still has the variables that the plan was made with."""
        if self.changes != Variable.changes:
            found = owner.weights
            if len(found) != len(self.variables) or any(a is not b for a, b in zip(found, self.variables, strict=True)):
                return False
            if [v.requires_grad for v in found] != self.trainable:
                return False
            self.changes = Variable.changes
        return True

    def refresh(self):
        """Compute anew what depends on weights alone, if they have changed."""
        if self.versions is not None:
            versions = [v.version for v in self.variables]
            if versions != self.versions:
                self.plan.refresh()
                self.versions = versions


class Plans:
    """The plans of one model, by what they do and the shapes of its batches.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model):
        self._model = model
        self._plans = OrderedDict()
        self._lock = threading.Lock()
        self._allowed = None

    def __deepcopy__(self, memo):
        return Plans(memo.get(id(self._model), self._model))

    def __reduce__(self):
        return Plans, (self._model,)

    def clear(self):
        """Forget all plans: the layers, or what was given to ``compile``, have changed."""
        self._plans.clear()
        self._allowed = None

    def describe(self):
        """Return a list of dicts: ``step``, ``shapes``, and ``calls`` and ``bytes`` of a plan, or ``eager``: why."""
        found = []
        for (step, _, shapes, *_), planned in self._plans.items():
            what = {"step": step, "shapes": [shape for shape, _ in shapes]}
            if planned.plan is not None:
                what |= {"calls": len(planned.plan.calls), "bytes": planned.plan.nbytes}
            elif planned.reason is not None:
                what["eager"] = planned.reason
            found.append(what)
        return found

    def forward(self, x, take=None):
        """Return the outputs for a batch outside of training, or None where they must be computed eagerly.

        ``take`` makes of each output what is wanted of it; without it they are tensors with memory of their own.
        """
        if not self._take():
            return None
        try:
            return map_arrays(take or _copy, self._run("forward", (x,), self._forward))
        finally:
            self._lock.release()

    def predict(self, x, take):
        """``forward`` for one array of the host whose plan is there already, with the least around it; or None.

        ``take`` brings an output to the host.
        """
        if not self._take():
            return None
        try:
            key = _key("forward", _ONE_TENSOR, (x,))
            planned = self._plans.get(key)
            if planned is None or planned.plan is None or not planned.holds_for(self._model):
                return None
            self._plans.move_to_end(key)
            if planned.direct is None or not x.flags.c_contiguous:
                return map_arrays(take, self._repeat(planned, get_backend().upload((x,))))
            planned.refresh()
            return planned.direct(x)
        finally:
            self._lock.release()

    def gradients(self, x, y, sample_weight, scale=None):
        """Return ``(loss, outputs)`` of a training step and leave the gradients in the variables; or None."""
        if not self._take():
            return None
        try:
            batch = (x, y, sample_weight) if scale is None else (x, y, sample_weight, as_tensor(np.float32(scale)))
            outputs = self._run("training", batch, self._gradients)
            if outputs is None:
                return None
            for variable, gradient in zip(self._model._train_variables, outputs["gradients"], strict=True):
                variable._grad = None if gradient is None else gradient.data
            for variable in outputs["changed"]:
                variable.version += 1
            self._model._parts = map_arrays(_copy, outputs["parts"])
            return _copy(outputs["loss"]), map_arrays(_copy, outputs["outputs"])
        finally:
            self._lock.release()

    # What is recorded

    def _forward(self, x):
        with no_grad():
            return self._model(x, training=False)

    def _gradients(self, x, y, sample_weight, scale=None):
        model = self._model
        outputs = model(x, training=True)
        loss = model.compute_loss(x, y, outputs, sample_weight)
        (loss if scale is None else loss * scale).backward()
        gradients = [variable._grad for variable in model._train_variables]
        return {"loss": loss, "outputs": outputs, "parts": model._parts, "gradients": gradients}

    # Making and running plans

    def _run(self, step, batch, function):
        """Return what ``function(*batch)`` does, in the arrays of a plan; None if there is none (yet)."""
        arrays = [t.data for t in all_arrays(batch)]
        key = _key(step, _structure(batch), arrays)
        planned = self._plans.get(key)
        if planned is None or (planned.plan is not None and not planned.holds_for(self._model)):
            self._plans[key] = _Planned([])
            self._forget_oldest()
            return None
        self._plans.move_to_end(key)
        if planned.plan is None:  # one computation is recorded at a time, by whatever thread
            wait = planned.reason is not None or is_recording()
            return None if wait else self._make(key, batch, arrays, function)
        return self._repeat(planned, arrays)

    def _forget_oldest(self):
        def size():
            return sum(planned.plan.nbytes for planned in self._plans.values() if planned.plan is not None)

        while len(self._plans) > _MOST_PLANS or (len(self._plans) > 2 and size() > _MOST_BYTES):
            self._plans.popitem(last=False)

    def _take(self):
        """Take the plans, if they may be used: they belong to one thread at a time; another runs eagerly meanwhile."""
        if self._allowed is None:
            self._allowed = self._model._may_be_planned()
            if not self._allowed and self._model._wants_plans:
                why = "run_eagerly=True" if self._model._runs_eagerly else _NOT_OWN
                print(f"pycnn: {self._model.name} runs eagerly: {why}")
        return self._allowed and self._lock.acquire(blocking=False)

    def _repeat(self, planned, arrays):
        if planned.before:
            arrays[0] = _run_all(planned.before, arrays[0])
        for target, array in zip(planned.inputs, arrays, strict=True):
            target[...] = array
        planned.refresh()
        planned.plan.run()
        return planned.outputs

    def _make(self, key, batch, arrays, function):
        """Record; the results of doing so are those of this batch."""
        model, step = self._model, key[0]
        planned = self._plans[key] = _Planned(model.weights)
        training = step == "training"
        generators = []
        if training:
            planned.before = model._random_steps()
            layers = [getattr(call, "func", call) for call in planned.before]
            generators = [(g, g.bit_generator.state) for layer in layers for g in generators_of(layer)]
        else:
            planned.versions = [v.version for v in planned.variables]
        if planned.before:
            arrays[0] = _run_all(planned.before, arrays[0])
        inputs = [array.copy() for array in arrays]
        model._first_step = len(planned.before)

        def on_arrays(*given):
            given = iter(given)
            parts = map_arrays(lambda _: Tensor.wrap(next(given)), list(batch))
            results = function(*parts)
            masks = [y.mask.data if isinstance(y, MaskedTensor) else None for y in all_arrays(results)]
            return map_arrays(lambda y: y.data if isinstance(y, Tensor) else y, results), masks

        if training:
            model.zero_grad()
        get_backend().free_pool()  # of the first batches, which were computed eagerly: the plan has memory of its own
        try:
            changing = [v for v in planned.variables if not v.requires_grad] if training else ()
            (outputs, masks), plan = get_backend().record(on_arrays, inputs, planned.variables, not training, changing)
        except Exception as error:
            model.zero_grad()
            for generator, state in generators:
                generator.bit_generator.state = state
            if isinstance(error, ValueError):  # of this batch: what cannot be recorded raises others
                del self._plans[key]
                raise
            reason = str(error) if isinstance(error, NotRecordableError) else repr(error)
            is_known = any(k[0] == step and other.reason == reason for k, other in self._plans.items())
            planned.reason = reason
            if model._wants_plans and not is_known:
                print(f"pycnn: {model.name} runs its {step} step eagerly: {error}")
            return None
        finally:
            model._first_step = 0
        masks = iter(masks)
        outputs = map_arrays(lambda y: _wrap(y, next(masks)), outputs)
        planned.inputs, planned.outputs, planned.plan = inputs, outputs, plan
        if training:
            planned.outputs["changed"] = changing
        elif type(outputs) is Tensor and len(inputs) == 1 and inputs[0].nbytes + outputs.data.nbytes >= _LEAST_DIRECT:
            planned.direct = plan.direct(inputs[0], outputs.data)
        self._forget_oldest()
        return planned.outputs


def _copy(tensor):
    """What a plan gives, in an array of its own: the plan will fill its arrays anew."""
    return _wrap(tensor.data.copy(), None if tensor.mask is None else tensor.mask.data.copy())


def _wrap(array, mask):
    tensor = Tensor.wrap(array)
    return tensor if mask is None else MaskedTensor(tensor, mask)


def generators_of(layer):
    """The generators that a layer draws random numbers from, on the host."""
    return [value.generator() for value in vars(layer).values() if isinstance(value, SeedGenerator)]


def _run_all(steps, array):
    x = Tensor.wrap(array)
    for step in steps:
        x = step(x, training=True)
    return x.data


def _structure(value):
    """What kinds of lists, tuples and dicts a batch is made of."""
    if isinstance(value, dict):
        return tuple([(key, _structure(item)) for key, item in value.items()])
    if isinstance(value, (list, tuple)):
        return (type(value), *[_structure(item) for item in value])
    return type(value)


_ONE_TENSOR = (tuple, Tensor)  # the _structure of a batch of one


def _key(step, structure, arrays):
    """What a plan holds for: this kind of step, of arrays of these shapes, with these settings."""
    shapes = tuple([(a.shape, a.dtype) for a in arrays])
    return step, structure, shapes, get_backend().name, config.conv_algorithm(), config.float32_precision()


_NOT_IN_STEPS = ("_initializer", "_constraint")  # functions that recorded steps do not call


def is_own(part):
    """Whether a model, layer or loss is pycnn's own, and every function that it was given."""
    if not type(part).__module__.startswith("pycnn."):
        return False
    functions = [value for name, value in vars(part).items() if callable(value) and not name.endswith(_NOT_IN_STEPS)]
    return all((getattr(f, "__module__", None) or type(f).__module__).startswith("pycnn.") for f in functions)
