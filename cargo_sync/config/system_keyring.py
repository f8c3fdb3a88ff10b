"""Passwords in the keyring of the system: Secret Service, KWallet, Keychain, Credential Locker.

The package `keyring` is an extra (`pip install cargo-sync[keyring]`): most daemons run where no
keyring is.
"""

import shlex
from importlib import import_module

from cargo_sync.config.errors import quoted
from cargo_sync.config.secret import Secret
from cargo_sync.config.shape import wrong


def password_of(service: str, user: str) -> Secret:
    """The password that a keyring has for a user of a service. It blocks: a person may be asked.

    Raises:
        ValueError: there is none; the message says what to do.
    """
    try:
        keyring = import_module("keyring")
    except ImportError:
        raise wrong(
            "is in the system's keyring, and the Python package keyring is not installed; "
            "run: pip install keyring"
        ) from None
    try:
        password = keyring.get_password(service, user)
    except Exception as error:  # each system's keyring has exceptions of its own
        kind = type(error).__name__
        raise wrong(
            f"the system's keyring cannot be read ({kind}): it must be unlocked, and reachable "
            "for the user who runs Cargo"
        ) from None
    if not password:
        raise wrong(
            f"the system's keyring has no password of {quoted(user)} for {quoted(service)}; "
            f"run: {shlex.join(('keyring', 'set', service, user))}"
        )
    return Secret(password)
