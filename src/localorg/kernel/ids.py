"""Ids in AWS's shapes, drawn from the kernel's seeded dice so that the same seed tells the same story.

Nothing here is a secret: access keys, session tokens and node secrets are made by `localorg.identity` and the server.
"""

import random


def hexadecimal(dice: random.Random, length: int) -> str:
    """Return `length` lower-case hexadecimal digits."""
    return f"{dice.getrandbits(4 * length):0{length}x}"


def uuid(dice: random.Random) -> str:
    """Return a version 4 UUID as 36 characters."""
    digits = hexadecimal(dice, 32)
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def upper_id(dice: random.Random, prefix: str, length: int) -> str:
    """Return `prefix` and `length` upper-case letters and digits, as IAM's unique ids look (AROA..., AIDA...)."""
    return prefix + "".join(dice.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(length))
