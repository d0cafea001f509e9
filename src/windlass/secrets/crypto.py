"""Encryption of secret texts with a workspace's key. Pure; called by `backends/postgres.py`.

A sealed text is base64 of: version (1 byte), key id (3), nonce (12), padded ciphertext (16 n), tag (16). The
whole is a multiple of 16 bytes long, because that is how the protocol's command line tells sealed from plain.
"""

import base64
import binascii
import secrets
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from windlass.errors import BadRequest, WindlassError

VERSION = b"\x01"
KEY_ID_BYTES = 3
NONCE_BYTES = 12
HEADER_BYTES = len(VERSION) + KEY_ID_BYTES
BLOCK_BYTES = 16
SMALLEST_BYTES = 3 * BLOCK_BYTES


def key_id(key: str) -> bytes:
    """The few bytes that tell keys apart; they reveal nothing of the key."""
    return sha256(key.encode()).digest()[:KEY_ID_BYTES]


def seal(text: str, *, key: str, workspace: str) -> str:
    """Encrypt a text for this workspace; BadRequest for half a surrogate pair, which is no text."""
    header, nonce = VERSION + key_id(key), secrets.token_bytes(NONCE_BYTES)
    sealed = _cipher(key).encrypt(nonce, _pad(_bytes(text)), header + workspace.encode())
    return base64.b64encode(header + nonce + sealed).decode()


def reveal(sealed: str, *, key: str, workspace: str) -> str:
    """Decrypt what `seal` made; WindlassError says why when it cannot be done."""
    raw = _decode(sealed)
    header, nonce = raw[:HEADER_BYTES], raw[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES]
    if header != VERSION + key_id(key):
        theirs, ours = header[1:].hex(), key_id(key).hex()
        raise WindlassError(f"it was encrypted with another key (id {theirs}, ours is {ours})")
    try:
        padded = _cipher(key).decrypt(nonce, raw[HEADER_BYTES + NONCE_BYTES :], header + workspace.encode())
    except InvalidTag as error:
        raise WindlassError("it was altered, or belongs to another workspace") from error
    return _unpad(padded).decode()


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BadRequest("value: half a surrogate pair cannot be stored") from error


def _decode(sealed: str) -> bytes:
    try:
        raw = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WindlassError("it is not an encrypted value (no base64)") from error
    if len(raw) < SMALLEST_BYTES or len(raw) % BLOCK_BYTES or raw[:1] != VERSION:
        raise WindlassError("it is not an encrypted value of this format")
    return raw


def _cipher(key: str) -> AESGCM:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"windlass variable")
    return AESGCM(derive.derive(key.encode()))


def _pad(text: bytes) -> bytes:
    padder = padding.PKCS7(BLOCK_BYTES * 8).padder()
    return padder.update(text) + padder.finalize()


def _unpad(padded: bytes) -> bytes:
    unpadder = padding.PKCS7(BLOCK_BYTES * 8).unpadder()
    return unpadder.update(padded) + unpadder.finalize()
