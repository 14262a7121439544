"""Lead sources: where leads come from (R-045). For whoever configures the connector."""
