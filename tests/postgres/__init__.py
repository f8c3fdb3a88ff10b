"""A real PostgreSQL for the tests: the system's, or Debian's packages as `tests/remotes` unpacks
them. It listens on a socket in a temporary folder, and on no port."""
