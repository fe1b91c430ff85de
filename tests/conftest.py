"""How the tests are shared out between the processes of `make test`: by file, but whole folders where what one test leaves serves another."""

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/clients/", "tests/federation/", "tests/peers/")  # recorded traffic is held against the specification; one other server


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    return _ByFile(config, log)
