"""The fields that an account adds to its leads (R-081). For whoever configures the connector."""
