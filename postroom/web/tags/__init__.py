"""Lists of keywords, addresses and domains, typed as tags: the form field, and what is said of an entry."""
