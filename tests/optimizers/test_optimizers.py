import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import ops, optimizers
from pycnn.autograd import Variable
from pycnn.optimizers import schedules

SHAPES = [(3, 4), (5,), (2, 3, 1, 2)]
START = [normal(s, seed=i) for i, s in enumerate(SHAPES)]
STEPS = 6
GRADS = [[normal(s, seed=10 * t + i + 5) for i, s in enumerate(SHAPES)] for t in range(STEPS)]


def run(optimizer, dtype=np.float64, steps=STEPS):
    variables = [Variable(a.astype(dtype), f"w{i}") for i, a in enumerate(START)]
    for grads in GRADS[:steps]:
        optimizer.apply([g.astype(dtype) for g in grads], variables)
    return [v.numpy() for v in variables]


def run_torch(make):
    torch = peer("torch")
    params = [torch.tensor(a, requires_grad=True) for a in START]
    twin = make(torch, params)
    for grads in GRADS:
        for p, g in zip(params, grads, strict=True):
            p.grad = torch.tensor(g)
        twin.step()
    return [p.detach().numpy() for p in params]


# Nadam is compared by formula below: PyTorch keeps the product of its momenta in float32.
CASES = {
    "sgd": (lambda: optimizers.SGD(0.1), lambda torch, p: torch.optim.SGD(p, 0.1)),
    "momentum": (lambda: optimizers.SGD(0.1, 0.9), lambda torch, p: torch.optim.SGD(p, 0.1, 0.9)),
    "nesterov": (
        lambda: optimizers.SGD(0.1, 0.9, nesterov=True),
        lambda torch, p: torch.optim.SGD(p, 0.1, 0.9, nesterov=True),
    ),
    "rmsprop": (
        lambda: optimizers.RMSprop(0.1, epsilon=0.0),
        lambda torch, p: torch.optim.RMSprop(p, 0.1, alpha=0.9, eps=0.0),
    ),
    "rmsprop with momentum": (
        lambda: optimizers.RMSprop(0.1, momentum=0.8, epsilon=0.0),
        lambda torch, p: torch.optim.RMSprop(p, 0.1, alpha=0.9, eps=0.0, momentum=0.8),
    ),
    "rmsprop centred": (
        lambda: optimizers.RMSprop(0.1, centered=True, epsilon=0.0),
        lambda torch, p: torch.optim.RMSprop(p, 0.1, alpha=0.9, eps=0.0, centered=True),
    ),
    "adam": (
        lambda: optimizers.Adam(0.1, 0.8, 0.9, epsilon=0.0),
        lambda torch, p: torch.optim.Adam(p, 0.1, (0.8, 0.9), eps=0.0),
    ),
    "adamw": (
        lambda: optimizers.AdamW(0.1, 0.3, epsilon=0.0),
        lambda torch, p: torch.optim.AdamW(p, 0.1, weight_decay=0.3, eps=0.0),
    ),
    "adagrad": (
        lambda: optimizers.Adagrad(0.1, 0.2, epsilon=0.0),
        lambda torch, p: torch.optim.Adagrad(p, 0.1, initial_accumulator_value=0.2, eps=0.0),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_steps_agree_with_torch(backend, case):
    ours, theirs = CASES[case]
    for actual, expected in zip(run(ours()), run_torch(theirs), strict=True):
        assert_close(actual, expected)


@pytest.mark.parametrize("case", CASES)
def test_float32_follows_float64(backend, case):
    for narrow, wide in zip(run(CASES[case][0](), np.float32), run(CASES[case][0]()), strict=True):
        assert narrow.dtype == np.float32
        assert_close(narrow, wide, 1e-5)


def by_formula(step_of, start=1.0, steps=3):
    """One weight with gradients 0.5, 1.0, 1.5, by the rules as written in the sources."""
    w, state = start, {}
    for t in range(1, steps + 1):
        w = step_of(w, 0.5 * t, t, state)
    return w


def run_one(optimizer, steps=3):
    w = Variable(np.array([1.0]))
    for t in range(1, steps + 1):
        optimizer.apply([np.array([0.5 * t])], [w])
    return w.item()


def adam(w, g, t, s, lr=0.1, b1=0.9, b2=0.999, eps=1e-7):
    s["m"], s["v"] = b1 * s.get("m", 0) + (1 - b1) * g, b2 * s.get("v", 0) + (1 - b2) * g * g
    return w - lr * np.sqrt(1 - b2**t) / (1 - b1**t) * s["m"] / (np.sqrt(s["v"]) + eps)


def amsgrad(w, g, t, s, lr=0.1, b1=0.9, b2=0.5, eps=1e-7):
    s["m"], s["v"] = b1 * s.get("m", 0) + (1 - b1) * g, b2 * s.get("v", 0) + (1 - b2) * g * g
    s["h"] = max(s.get("h", 0), s["v"])
    return w - lr * np.sqrt(1 - b2**t) / (1 - b1**t) * s["m"] / (np.sqrt(s["h"]) + eps)


def nadam(w, g, t, s, lr=0.1, b1=0.9, b2=0.999, eps=1e-7):
    mu, mu_next = b1 * (1 - 0.5 * 0.96**t), b1 * (1 - 0.5 * 0.96 ** (t + 1))
    s["p"] = s.get("p", 1) * mu
    s["m"], s["v"] = b1 * s.get("m", 0) + (1 - b1) * g, b2 * s.get("v", 0) + (1 - b2) * g * g
    m_hat = mu_next * s["m"] / (1 - s["p"] * mu_next) + (1 - mu) * g / (1 - s["p"])
    return w - lr * m_hat / (np.sqrt(s["v"] / (1 - b2**t)) + eps)


def rmsprop(w, g, t, s, lr=0.1, rho=0.9, eps=1e-7):
    s["v"] = rho * s.get("v", 0) + (1 - rho) * g * g
    return w - lr * g / np.sqrt(s["v"] + eps)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: optimizers.Adam(0.1), adam),
        (lambda: optimizers.Adam(0.1, beta_2=0.5, amsgrad=True), amsgrad),
        (lambda: optimizers.Nadam(0.1), nadam),
        (lambda: optimizers.RMSprop(0.1), rmsprop),
    ],
)
def test_steps_by_formula_with_keras_epsilon(backend, make, rule):
    assert run_one(make()) == pytest.approx(by_formula(rule), rel=1e-12)


EVERY = [optimizers.SGD, optimizers.Adam, optimizers.AdamW, optimizers.Nadam, optimizers.RMSprop, optimizers.Adagrad]


@pytest.mark.parametrize("cls", EVERY)
def test_weight_decay_is_decoupled(backend, cls):
    """With gradients of 0 nothing but the decay is left."""
    w = Variable(np.array([2.0, -1.0]))
    optimizer = cls(learning_rate=0.1, weight_decay=0.5)
    optimizer.apply([np.zeros(2)], [w])
    assert_close(w.numpy(), np.array([2.0, -1.0]) * 0.95)


@pytest.mark.parametrize("cls", EVERY)
def test_excluded_from_weight_decay(backend, cls):
    kernel, bias, other = (Variable(np.array([2.0]), name) for name in ("kernel", "bias", "gamma"))
    optimizer = cls(learning_rate=0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[other], var_names=["bias"])
    optimizer.apply([np.zeros(1)] * 3, [kernel, bias, other])
    assert [v.item() for v in (kernel, bias, other)] == pytest.approx([1.9, 2.0, 2.0])


def test_clipping(backend):
    grads = [np.array([3.0, 4.0]), np.array([0.3, 0.0])]

    def step(**options):
        variables = [Variable(np.zeros(2)), Variable(np.zeros(2))]
        optimizers.SGD(1.0, **options).apply(grads, variables)
        return [(-v.numpy()).tolist() for v in variables]

    assert step(clipvalue=0.5) == [[0.5, 0.5], [0.3, 0.0]]
    assert np.allclose(step(clipnorm=1.0), [[0.6, 0.8], [0.3, 0.0]])
    scale = 1 / np.sqrt(25.09)
    assert np.allclose(step(global_clipnorm=1.0), [[3 * scale, 4 * scale], [0.3 * scale, 0.0]])
    assert step(global_clipnorm=100.0) == [[3.0, 4.0], [0.3, 0.0]]
    variables = [Variable(np.zeros(2, "float32"))]
    optimizers.SGD(1.0, clipnorm=1.0).apply([np.float32([3, 4])], variables)
    assert variables[0].dtype == np.float32


def test_zero_gradients_survive_clipping(backend):
    w = Variable(np.ones(2))
    optimizers.SGD(1.0, clipnorm=1.0).apply([np.zeros(2)], [w])
    assert w.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("cls", EVERY)
def test_variables_without_gradient_stay(backend, cls):
    a, b = Variable(np.ones(2), "a"), Variable(np.ones(2), "b")
    optimizer = cls(0.1)
    optimizer.apply([np.ones(2), None], [a, b])
    assert a.tolist() != [1.0, 1.0]
    assert b.tolist() == [1.0, 1.0]
    assert a.version == 1
    assert b.version == 0
    with pytest.raises(ValueError, match="No gradient reached any variable"):
        optimizer.apply([None, None], [a, b])


@pytest.mark.parametrize("cls", EVERY)
def test_state_can_be_saved_and_goes_on(backend, cls):
    whole = run(cls(0.05))
    first = cls(0.05)
    variables = [Variable(a, f"w{i}") for i, a in enumerate(START)]
    for grads in GRADS[:3]:
        first.apply(grads, variables)
    second = optimizers.deserialize(optimizers.serialize(first))
    copies = [Variable(v.numpy(), v.name) for v in variables]
    second.build(copies)
    assert second.built
    assert [v.name for v in second.variables] == [v.name for v in first.variables]
    for mine, theirs in zip(second.variables, first.variables, strict=True):
        mine.assign(theirs.numpy())
    assert second.iterations == 3
    for grads in GRADS[3:]:
        second.apply(grads, copies)
    for actual, expected in zip(copies, whole, strict=True):
        np.testing.assert_array_equal(actual.numpy(), expected)


def test_state_stays_with_its_variable(backend):
    """A selection that changes between steps, as when layers are frozen and thawed."""
    a, b = Variable(np.ones(2), "a"), Variable(np.ones(2), "b")
    alone = Variable(np.ones(2), "alone")
    optimizer, other = optimizers.SGD(0.1, 0.9), optimizers.SGD(0.1, 0.9)
    optimizer.apply([np.ones(2), np.ones(2)], [a, b])
    optimizer.apply([np.ones(2)], [b])
    optimizer.apply([np.ones(2), np.ones(2)], [b, a])
    for _ in range(3):
        other.apply([np.ones(2)], [alone])
    np.testing.assert_array_equal(b.numpy(), alone.numpy())
    assert len(optimizer.variables) == 3


def test_build_then_apply_without_variables(backend):
    w = Variable(np.ones(2))
    optimizer = optimizers.SGD(0.5)
    optimizer.build([w])
    optimizer.apply([np.ones(2)])
    optimizer.apply_gradients([(pycnn.Tensor([1.0, 1.0]), w)])
    assert w.tolist() == [0.0, 0.0]
    assert optimizer.iterations == 2


def test_learning_rate(backend):
    optimizer = optimizers.SGD(0.5)
    optimizer.learning_rate = 0.25
    assert optimizer.learning_rate == 0.25
    optimizer.learning_rate = np.float32(0.125)
    assert isinstance(optimizer.learning_rate, float)
    assert optimizer.get_config()["learning_rate"] == 0.125
    optimizer.learning_rate = schedules.ExponentialDecay(1.0, 1, 0.5)
    w = Variable(np.zeros(1))
    for expected in (-1.0, -1.5, -1.75):
        optimizer.apply([np.ones(1)], [w])
        assert w.item() == expected
    assert optimizer.learning_rate == 0.125
    with pytest.raises(TypeError, match="follows a schedule.* Received: learning_rate=0.1"):
        optimizer.learning_rate = 0.1
    rates = iter([1.0, 2.0])
    asked = optimizers.SGD(lambda: next(rates))
    asked.apply([np.ones(1)], [w])
    asked.apply([np.ones(1)], [w])
    assert w.item() == -4.75


def test_constraints_hold_after_each_step(backend):
    w = Variable(np.array([0.5]), constraint=lambda v: ops.clip(v, 0.0, 1.0))
    optimizers.SGD(1.0).apply([np.array([2.0])], [w])
    assert w.item() == 0.0


def test_a_weight_of_one_number(backend):
    for cls in EVERY:
        w = Variable(np.array(1.0))
        cls(0.1).apply([np.array(1.0)], [w])
        assert w.item() < 1.0


def test_gradients_of_another_dtype_or_layout_are_brought_to_the_weights(backend):
    w = Variable(np.zeros((2, 3), "float32"))
    optimizers.SGD(1.0).apply([np.arange(6.0).reshape(3, 2).T], [w])
    assert w.tolist() == (-np.arange(6.0).reshape(3, 2).T).tolist()
    optimizers.Adam(0.1).apply([np.broadcast_to(np.float32(1), (2, 3))], [w])


@pytest.mark.parametrize("cls", EVERY)
def test_defaults_and_identifiers(cls):
    optimizer = cls()
    assert optimizer.learning_rate == (0.01 if cls is optimizers.SGD else 0.001)
    assert optimizer.weight_decay == (0.004 if cls is optimizers.AdamW else None)
    for identifier in (cls.__name__, cls.__name__.lower(), cls, optimizer, optimizers.serialize(optimizer)):
        assert type(optimizers.get(identifier)) is cls
    assert optimizers.get(optimizer) is optimizer
    custom = cls(learning_rate=0.3, clipnorm=2.0, weight_decay=0.1, name="mine")
    assert optimizers.deserialize(optimizers.serialize(custom)).get_config() == custom.get_config()


def test_arguments_survive():
    for optimizer in (
        optimizers.SGD(0.1, 0.5, True),
        optimizers.Adam(0.1, 0.5, 0.6, 1e-3, True),
        optimizers.RMSprop(0.1, 0.5, 0.4, 1e-3, True),
        optimizers.Adagrad(0.1, 0.5, 1e-3),
        optimizers.Nadam(0.1, 0.5, 0.6, 1e-3),
    ):
        assert optimizers.deserialize(optimizers.serialize(optimizer)).get_config() == optimizer.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.SGD(-0.1), "learning_rate must be >= 0 and finite. Received: learning_rate=-0.1"),
        (lambda: optimizers.SGD(float("nan")), "Received: learning_rate=nan"),
        (lambda: optimizers.SGD(momentum=1.0), r"momentum must lie in \[0, 1\). Received: momentum=1.0"),
        (lambda: optimizers.Adam(beta_2=2), "Received: beta_2=2"),
        (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0), "Only one of clipnorm, clipvalue and global_clipnorm"),
        (lambda: optimizers.Adam(clipnorm=-1.0), "clipnorm must be a number >= 0 or None. Received: clipnorm=-1.0"),
        (lambda: optimizers.get("adams"), r"Unknown optimizer. Did you mean .*Adam.* Received: optimizer='adams'"),
        (lambda: optimizers.SGD().apply([np.ones(1)], []), "equally many. Received: 1 gradients, 0 variables"),
        (
            lambda: optimizers.SGD().apply([np.ones(1)], [Variable(np.ones(2), "kernel")]),
            r"variable 'kernel' must have its shape \(2,\). Received: gradient.shape=\(1,\)",
        ),
    ],
)
def test_errors_name_the_argument(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("wrong", [None, len, 3])
def test_what_is_no_optimizer(wrong):
    with pytest.raises(TypeError, match="Received: optimizer="):
        optimizers.get(wrong)


def test_an_optimizer_of_ones_own(backend):
    class Signs(optimizers.Optimizer):
        def __init__(self, learning_rate=0.1, **kwargs):
            super().__init__(learning_rate, **kwargs)

        def slots(self):
            return ("count",)

        def update(self, params, grads, slots, learning_rate, weight_decay):
            for p, g, count in zip(params, grads, slots[0], strict=True):
                p -= learning_rate * np.sign(g)
                count += 1

    w = Variable(np.zeros(2))
    optimizer = Signs()
    optimizer.apply([np.array([3.0, -2.0])], [w])
    assert w.tolist() == [-0.1, 0.1]
    assert optimizer.variables[1].tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="learning_rate must be a number"):
        Signs("fast")
