"""Ed25519 in plain Python, slow and readable: a second opinion, and a maker of signatures that trick.

After RFC 8032, section 5.1, with the points of small order that clever forgers
add. Points are affine pairs; nothing here is fit for keys that matter.
"""

from __future__ import annotations

from hashlib import sha512

P = 2**255 - 19
"""The prime of the field."""

ORDER = 2**252 + 27742317777372353535851937790883648493
"""The prime order of the subgroup that the base point generates; L in the RFC."""

D = -121665 * pow(121666, -1, P) % P

Point = tuple[int, int]

NEUTRAL: Point = (0, 1)


def add(one: Point, other: Point) -> Point:
    """The sum of two points."""
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P)
    return x % P, y % P


def multiply(factor: int, point: Point) -> Point:
    """The multiple of a point by a factor from 0 up."""
    total = NEUTRAL
    while factor:
        if factor & 1:
            total = add(total, point)
        point = add(point, point)
        factor >>= 1
    return total


def point_at(y: int, sign: int) -> Point | None:
    """The point with this y and the sign of x, or None where there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return (P - x if x & 1 != sign else x), y


def to_bytes(point: Point) -> bytes:
    """The canonical encoding (32 bytes)."""
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def from_bytes(data: bytes) -> Point | None:
    """The point that 32 bytes encode canonically, or None."""
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    return point_at(y, sign) if y < P else None


BASE = point_at(4 * pow(5, -1, P) % P, 0) or NEUTRAL


def torsion() -> list[Point]:
    """The eight points whose multiple by 8 is neutral, in steps of a generator; the neutral one is first."""
    generator = from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"))
    assert generator is not None
    return [multiply(step, generator) for step in range(8)]


def secret_scalar(seed: bytes) -> int:
    """The number that multiplies the base point to the public key of a seed (RFC 8032, 5.1.5)."""
    number = int.from_bytes(sha512(seed).digest()[:32], "little")
    return number & (2**254 - 8) | 2**254


def challenge(commitment: bytes, public_key: bytes, message: bytes) -> int:
    """The hash h that binds R, A and the message, as a number below the order."""
    return int.from_bytes(sha512(commitment + public_key + message).digest(), "little") % ORDER


def sign_with(secret: int, public_key: bytes, nonce: int, commitment: bytes, message: bytes) -> bytes:
    """The signature over `message` with this R and this A, whatever they are; S is of nonce and secret."""
    scalar = (nonce + challenge(commitment, public_key, message) * secret) % ORDER
    return commitment + scalar.to_bytes(32, "little")


def verify_with_cofactor(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """The rule of newer releases of libsodium: 8·S·B = 8·R + 8·h·A, A and R not of small order, S reduced."""
    key, commitment = from_bytes(public_key), from_bytes(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= ORDER:
        return False
    if NEUTRAL in (multiply(8, key), multiply(8, commitment)):
        return False
    hashed = challenge(signature[:32], public_key, message)
    right = add(commitment, multiply(hashed, key))
    return multiply(8, multiply(scalar, BASE)) == multiply(8, right)


def verify_strictly(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """The rule of this project: S·B = R + h·A, A of the prime order, R not of small order, S reduced."""
    key, commitment = from_bytes(public_key), from_bytes(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= ORDER:
        return False
    if key == NEUTRAL or multiply(ORDER, key) != NEUTRAL or multiply(8, commitment) == NEUTRAL:
        return False
    hashed = challenge(signature[:32], public_key, message)
    return multiply(scalar, BASE) == add(commitment, multiply(hashed, key))
