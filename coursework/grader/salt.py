"""What each student's hidden rule is drawn from: a salt that only the teacher has.

Every number is a keyed hash (HMAC-SHA256) of the salt, the assignment, the student and
what it is for. Who knows all but the salt cannot make it, nor tell from one number what
another will be. The rule's coefficients come from the hash itself, so they stay the
same whatever becomes of JAX; the random arrays come from JAX, with keys of 64 bits.
"""

import hmac
import json
import secrets
from pathlib import Path

import jax.numpy as jnp
import jax.random as jr
import numpy as np

SHORTEST = 16  # characters of a salt


class Draw:
    """The random numbers of one student in one assignment."""

    def __init__(self, salt: bytes, assignment: str, student: str):
        self._who = salt, assignment, student

    def _digest(self, purpose: str) -> bytes:
        salt, assignment, student = self._who
        text = json.dumps([assignment, student, purpose])
        return hmac.digest(salt, text.encode(), "sha256")

    def uniform(self, purpose: str, low: float, high: float) -> float:
        """A number between low and high, always the same for the same purpose."""
        share = int.from_bytes(self._digest(purpose)[:8], "big") / 2**64
        return low + (high - low) * share

    def one_of(self, purpose: str, options):
        """One of the options, each equally likely."""
        return options[int(self.uniform(purpose, 0, len(options)))]

    def key(self, purpose: str):
        """A JAX random key."""
        bits = np.frombuffer(self._digest(purpose)[:8], ">u4").astype("uint32")
        return jr.wrap_key_data(jnp.asarray(bits), impl="threefry2x32")


def read_salt(path: Path) -> bytes:
    """The salt that a file holds, without the white space around it."""
    if not path.exists():
        raise SystemExit(
            f"There is no salt in {path}. Grading needs the file with which the "
            "hand-outs were made; without it the hidden rules are lost."
        )
    salt = path.read_bytes().strip()
    if len(salt) < SHORTEST:
        raise SystemExit(
            f"The salt in {path} has {len(salt)} characters; expected {SHORTEST} or "
            "more. Remove the file, and a good one is made with the next hand-outs."
        )
    return salt


def make_salt(path: Path) -> None:
    """Write a new salt that only its owner may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(secrets.token_hex(32) + "\n", encoding="utf-8")
