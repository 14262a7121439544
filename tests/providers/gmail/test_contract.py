"""Gmail keeps the promises of every provider."""

from tests.providers.contract import ProviderContract


class TestContract(ProviderContract):
    pass
