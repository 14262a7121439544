"""An administrator connects mailboxes for their users: the permission, whom to connect, the result."""
