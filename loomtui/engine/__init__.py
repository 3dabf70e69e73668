"""One engine for screens, command line and drill. `api` says what it can do; `live` does it on a cluster."""
