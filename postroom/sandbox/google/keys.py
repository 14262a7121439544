"""The sandbox's signing keys: RS256 tokens that anyone can verify with the published JWKS."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class SigningKeys:
    """One current key and the one before it; Google too publishes two and rotates them."""

    def __init__(self) -> None:
        self._keys: list[tuple[str, RSAPrivateKey]] = []
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new key from now on; keep the last one published."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        modulus = key.public_key().public_numbers().n
        kid = hashlib.sha1(_big_endian(modulus), usedforsecurity=False).hexdigest()
        self._keys = [(kid, key), *self._keys[:1]]

    def sign(self, claims: Mapping[str, object]) -> str:
        """A compact JWS over ``claims`` with the current key."""
        kid, key = self._keys[0]
        return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": kid})

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """What ``/oauth2/v3/certs`` answers (RFC 7517)."""
        return {"keys": [_jwk(kid, key) for kid, key in self._keys]}


def at_hash(access_token: str) -> str:
    """Left half of the token's SHA-256, base64url (OpenID Connect Core 3.1.3.6)."""
    return _b64(hashlib.sha256(access_token.encode("ascii")).digest()[:16])


def s256(verifier: str) -> str:
    """The PKCE challenge of a verifier (RFC 7636 section 4.2)."""
    return _b64(hashlib.sha256(verifier.encode("ascii", "replace")).digest())


def _jwk(kid: str, key: RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": kid,
        "n": _b64(_big_endian(numbers.n)),
        "e": _b64(_big_endian(numbers.e)),
    }


def _big_endian(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
