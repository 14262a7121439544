"""Where providers push to: no page, no session; the caller proves itself by a signed token."""
