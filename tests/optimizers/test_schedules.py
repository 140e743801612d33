import math

import pytest
from helpers import peer

from pycnn import optimizers
from pycnn.optimizers import schedules

ALL = [
    schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True),
    schedules.PiecewiseConstantDecay([3, 7], [1.0, 0.5, 0.1]),
    schedules.PolynomialDecay(0.1, 10, 0.01, 2.0, cycle=True),
    schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True),
    schedules.CosineDecay(0.01, 10, 0.1, warmup_target=0.2, warmup_steps=5),
    schedules.CosineDecayRestarts(0.1, 10, 1.5, 0.8, 0.05),
    schedules.OneCycle(0.1, 100, 0.2, 10.0, 100.0),
]


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: type(s).__name__)
def test_serialisation(schedule):
    optimizer = optimizers.deserialize(optimizers.serialize(optimizers.SGD(schedule)))
    again = optimizer._learning_rate
    assert type(again) is type(schedule)
    assert [again(t) for t in range(40)] == [schedule(t) for t in range(40)]


def test_exponential_decay():
    smooth = schedules.ExponentialDecay(0.8, 10, 0.5)
    stairs = schedules.ExponentialDecay(0.8, 10, 0.5, staircase=True)
    assert [smooth(t) for t in (0, 5, 10, 30)] == pytest.approx([0.8, 0.8 * math.sqrt(0.5), 0.4, 0.1])
    assert [stairs(t) for t in (0, 9, 10, 29)] == pytest.approx([0.8, 0.8, 0.4, 0.2])


def test_piecewise_constant_decay():
    schedule = schedules.PiecewiseConstantDecay([3, 7], [1.0, 0.5, 0.1])
    assert [schedule(t) for t in (0, 3, 4, 7, 8, 99)] == [1.0, 1.0, 0.5, 0.5, 0.1, 0.1]


def test_polynomial_decay():
    schedule = schedules.PolynomialDecay(1.0, 10, 0.2, power=2.0)
    assert [schedule(t) for t in (0, 5, 10, 50)] == pytest.approx([1.0, 0.2 + 0.8 / 4, 0.2, 0.2])
    cycle = schedules.PolynomialDecay(1.0, 10, 0.2, cycle=True)
    assert [cycle(t) for t in (0, 10, 15, 20)] == pytest.approx([1.0, 0.2, 0.2 + 0.8 / 4, 0.2])


def test_inverse_time_decay():
    smooth = schedules.InverseTimeDecay(1.0, 10, 0.5)
    stairs = schedules.InverseTimeDecay(1.0, 10, 0.5, staircase=True)
    assert [smooth(t) for t in (0, 5, 20)] == pytest.approx([1.0, 1 / 1.25, 0.5])
    assert [stairs(t) for t in (0, 9, 20)] == pytest.approx([1.0, 1.0, 0.5])


def test_cosine_decay():
    schedule = schedules.CosineDecay(1.0, 8, alpha=0.2)
    assert [schedule(t) for t in (0, 4, 8, 100)] == pytest.approx([1.0, 0.6, 0.2, 0.2])
    assert schedule(2) == pytest.approx(0.2 + 0.8 * (1 + math.cos(math.pi / 4)) / 2)
    warm = schedules.CosineDecay(0.1, 8, warmup_target=0.5, warmup_steps=4)
    assert [warm(t) for t in (0, 1, 4, 8, 12, 20)] == pytest.approx([0.1, 0.2, 0.5, 0.25, 0.0, 0.0])


def test_cosine_decay_agrees_with_torch():
    torch = peer("torch")
    twin = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    waves = torch.optim.lr_scheduler.CosineAnnealingLR(twin, T_max=20, eta_min=0.04)
    schedule = schedules.CosineDecay(0.4, 20, alpha=0.1)
    for step in range(20):
        assert schedule(step) == pytest.approx(twin.param_groups[0]["lr"], rel=1e-9)
        twin.step()
        waves.step()


@pytest.mark.parametrize("t_mul", [1, 2, 3])
def test_restarts_agree_with_torch(t_mul):
    torch = peer("torch")
    twin = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    waves = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(twin, T_0=5, T_mult=t_mul, eta_min=0.04)
    schedule = schedules.CosineDecayRestarts(0.4, 5, t_mul, alpha=0.1)
    for step in range(70):
        assert schedule(step) == pytest.approx(twin.param_groups[0]["lr"], rel=1e-9)
        twin.step()
        waves.step()


def test_restarts_lose_height():
    schedule = schedules.CosineDecayRestarts(1.0, 4, t_mul=2.0, m_mul=0.5, alpha=0.1)
    assert [schedule(t) for t in (0, 2, 4, 8, 12)] == pytest.approx([1.0, 0.55, 0.55, 0.325, 0.325])


@pytest.mark.parametrize(("total", "pct_start"), [(100, 0.3), (37, 0.25), (10, 0.5), (1000, 0.05)])
def test_one_cycle_agrees_with_torch(total, pct_start):
    torch = peer("torch")
    twin = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        twin, 0.3, total_steps=total, pct_start=pct_start, div_factor=10, final_div_factor=200, cycle_momentum=False
    )
    schedule = schedules.OneCycle(0.3, total, pct_start, 10, 200)
    for step in range(total):
        assert schedule(step) == pytest.approx(twin.param_groups[0]["lr"], rel=1e-9)
        twin.step()
        if step < total - 1:
            cycle.step()
    assert schedule(total + 50) == schedule(total - 1) == pytest.approx(0.3 / 10 / 200)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps must be positive. Received: decay_steps=0"),
        (lambda: schedules.PiecewiseConstantDecay([1], [1.0]), "values must be one more than boundaries. Received"),
        (lambda: schedules.PiecewiseConstantDecay([5, 1], [1, 2, 3]), "boundaries must rise. Received: boundaries"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, t_mul=0.5), "t_mul must be at least 1. Received: t_mul=0.5"),
        (lambda: schedules.OneCycle(0.1, 10, pct_start=1.0), "pct_start must lie in .* Received: pct_start=1.0"),
    ],
)
def test_errors_name_the_argument(make, message):
    with pytest.raises(ValueError, match=message):
        make()
