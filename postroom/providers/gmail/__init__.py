"""Gmail of Google Workspace, by the Gmail API and Google's OAuth 2.0."""
