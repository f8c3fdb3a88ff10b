#!/bin/sh
# asyncssh 2.24.1 and keys with a passphrase, as ssh-keygen makes them.
#
# Expected: `pip install asyncssh` reads a private key that ssh-keygen has made with a passphrase, since that is how most
# protected keys of SSH are made, and a wrong passphrase can be told from one that is right.
# It does otherwise: without the package bcrypt, which is an optional extra, the right passphrase is refused with
# KeyEncryptionError, the error that a wrong passphrase gives, too. Only its text says what is missing. With bcrypt, the
# same call reads the key.
# Who catches KeyEncryptionError as "wrong passphrase" sends people to look for a mistake that they have not made.
#
# Needs python3 with venv, and ssh-keygen. Ends with 0 while this is so.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
pip() { "$place/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip asyncssh==2.24.1 cryptography==50.0.0
ssh-keygen -q -t ed25519 -N "a right one" -f "$place/key"

cat > "$place/read.py" <<'PY'
import sys

import asyncssh

for passphrase in ("a right one", "a wrong one"):
    try:
        asyncssh.read_private_key(sys.argv[1], passphrase)
        print(f"{passphrase}: read")
    except asyncssh.KeyEncryptionError as error:
        print(f"{passphrase}: {type(error).__name__}: {error}")
PY
without=$("$place/venv/bin/python" "$place/read.py" "$place/key")
pip bcrypt==5.0.0
with=$("$place/venv/bin/python" "$place/read.py" "$place/key")
printf 'without bcrypt:\n%s\nwith bcrypt 5.0.0:\n%s\n' "$without" "$with"

# Seen on 2026-11-30:
#   without bcrypt:
#   a right one: KeyEncryptionError: OpenSSH private key encryption requires bcrypt with KDF support
#   a wrong one: KeyEncryptionError: OpenSSH private key encryption requires bcrypt with KDF support
#   with bcrypt 5.0.0:
#   a right one: read
#   a wrong one: KeyEncryptionError: Incorrect passphrase
case "$without" in "a right one: KeyEncryptionError"*) ;; *) echo "changed: the key is read without bcrypt"; exit 1 ;; esac
case "$with" in "a right one: read
a wrong one: KeyEncryptionError"*) ;; *) echo "changed: with bcrypt"; exit 1 ;; esac
