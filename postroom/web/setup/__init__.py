"""Set-up and settings: seven steps the first time, the very same pages afterwards (requirements B to E).

Only who may configure gets in (R-012, R-015). What is allowed is decided by the policy and the connector;
these pages ask, show and explain.
"""
