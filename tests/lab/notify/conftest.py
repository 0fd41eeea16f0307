import pytest
from tests.lab.notify.office import Office


@pytest.fixture
def office() -> Office:
    return Office()
