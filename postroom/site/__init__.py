"""Where the rooms are put together into one running site: settings, routes, database, server."""
