"""The reference of the API, made of the same document that programs read."""
