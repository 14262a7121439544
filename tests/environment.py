"""The tests' own environment, set before Django reads it; loaded with ``-p`` in pyproject.toml."""

import os
import tempfile
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="postroom-tests-"))

for name in [name for name in os.environ if name.startswith("POSTROOM_")]:
    del os.environ[name]
os.environ.update(
    POSTROOM_HOME=str(HOME),
    POSTROOM_URL="http://testserver",
    POSTROOM_GOOGLE_CLIENT_ID="client.apps.example",
    POSTROOM_GOOGLE_CLIENT_SECRET="client-secret",
    POSTROOM_MICROSOFT_CLIENT_ID="5a1c2f0e-7c1d-4b6e-9a55-0d6f5e1a9b10",
    POSTROOM_MICROSOFT_CLIENT_SECRET="client-secret",
    POSTROOM_GOOGLE_PUSH_SERVICE_ACCOUNT="push@postroom.example",
)
