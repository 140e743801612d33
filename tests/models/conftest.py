"""What the tests of saving, and of its errors, begin with."""

import pytest
from saving_models import data, make_model


@pytest.fixture
def trained(backend):
    model = make_model()
    model.fit(*data(), batch_size=8, epochs=2, verbose=0)
    return model


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.pycnn"
