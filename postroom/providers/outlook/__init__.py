"""Outlook of Microsoft 365, by Microsoft Graph and Entra's OAuth 2.0."""
