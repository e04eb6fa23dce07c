"""Every cryptographic operation of PyKMIP's ProxyKmipClient, in each protocol version that has it.

Usage: pykmip_cryptography.py HOST PORT CERTIFICATE KEY AUTHORITY

The server must have its legacy algorithms switched on. What it computes is compared with Python's
own hashes and with the package cryptography, which PyKMIP brings. Prints a line for each step that
fails and one line with the counts at the end; the exit status is 0 if none failed.
"""

import hashlib
import hmac
import itertools
import logging
import sys

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kmip.core import enums
from kmip.pie.client import ProxyKmipClient
from kmip.pie.objects import OpaqueObject, PrivateKey, PublicKey, SecretData, SymmetricKey

from pykmip_journey import Steps, check

VERSIONS = [
    enums.KMIPVersion.KMIP_1_2,
    enums.KMIPVersion.KMIP_1_3,
    enums.KMIPVersion.KMIP_1_4,
    enums.KMIPVersion.KMIP_2_0,
]
ALGORITHM = enums.CryptographicAlgorithm
HASH = enums.HashingAlgorithm
MASK = enums.CryptographicUsageMask
MODE = enums.BlockCipherMode
PADDING = enums.PaddingMethod
REASON = enums.ResultReason

# The block ciphers with a length of key and of block, in bytes.
CIPHERS = [
    (ALGORITHM.TRIPLE_DES, 24, 8),
    (ALGORITHM.AES, 16, 16),
    (ALGORITHM.AES, 32, 16),
    (ALGORITHM.BLOWFISH, 16, 8),
    (ALGORITHM.CAMELLIA, 32, 16),
    (ALGORITHM.CAST5, 16, 8),
    (ALGORITHM.IDEA, 16, 8),
]
HASHES = {
    HASH.MD5: ("md5", hashes.MD5),
    HASH.SHA_1: ("sha1", hashes.SHA1),
    HASH.SHA_224: ("sha224", hashes.SHA224),
    HASH.SHA_256: ("sha256", hashes.SHA256),
    HASH.SHA_384: ("sha384", hashes.SHA384),
    HASH.SHA_512: ("sha512", hashes.SHA512),
}
HMACS = {
    ALGORITHM.HMAC_MD5: "md5",
    ALGORITHM.HMAC_SHA1: "sha1",
    ALGORITHM.HMAC_SHA224: "sha224",
    ALGORITHM.HMAC_SHA256: "sha256",
    ALGORITHM.HMAC_SHA384: "sha384",
    ALGORITHM.HMAC_SHA512: "sha512",
}


def key_bytes(length):
    return bytes((number * 37 + 11) % 256 for number in range(length))


NAMES = itertools.count()


def new_name():
    """Makes a Name that nothing else has: this client names what has none, and 2.0 wants others."""
    return f"key {next(NAMES)}"


def register(client, algorithm, value, masks, active=True):
    """Registers a symmetric key and returns its identifier."""
    uid = client.register(SymmetricKey(algorithm, len(value) * 8, value, masks, new_name()))
    if active:
        client.activate(uid)
    return uid


def parameters(**given):
    return {name: value for name, value in given.items() if value is not None}


def encryption(client, steps):
    """Encrypts and decrypts with every cipher, mode and padding."""
    masks = [MASK.ENCRYPT, MASK.DECRYPT]
    text = b"attack at dawn, or a little later"
    for algorithm, length, block in CIPHERS:
        uid = steps(f"register: {algorithm.name}",
            lambda: register(client, algorithm, key_bytes(length), masks))
        for mode in (MODE.CBC, MODE.ECB, MODE.CFB, MODE.OFB, MODE.CTR):
            for pad in (PADDING.PKCS5, PADDING.ANSI_X923):
                how = parameters(
                    cryptographic_algorithm=algorithm, block_cipher_mode=mode, padding_method=pad
                )

                def both():
                    data, iv = client.encrypt(text, uid, how)
                    check(data != text, "it is not encrypted")
                    if mode is MODE.ECB:
                        check(iv is None, iv)
                    else:
                        check(len(iv) == block, iv)
                    check(client.decrypt(data, uid, how, iv) == text, "it is another text")

                steps(f"encrypt: {algorithm.name} {mode.name} {pad.name}", both)

    uid = steps("register: RC4", lambda: register(client, ALGORITHM.RC4, key_bytes(16), masks))
    how = parameters(cryptographic_algorithm=ALGORITHM.RC4)

    def stream():
        data, _ = client.encrypt(text, uid, how)
        check(client.decrypt(data, uid, how) == text, "it is another text")

    steps("encrypt: RC4", stream)


def refused_encryption(client, steps):
    """Asks for what must be refused, with the reason for each."""
    both = [MASK.ENCRYPT, MASK.DECRYPT]
    cbc = parameters(
        cryptographic_algorithm=ALGORITHM.AES,
        block_cipher_mode=MODE.CBC,
        padding_method=PADDING.PKCS5,
    )
    two = steps.version.startswith("KMIP_2")
    aes = register(client, ALGORITHM.AES, key_bytes(16), both)
    idle = register(client, ALGORITHM.AES, key_bytes(16), both, active=False)
    bare = register(client, ALGORITHM.AES, key_bytes(16), [MASK.EXPORT])
    for name, use in {"encrypt": client.encrypt, "decrypt": client.decrypt}.items():
        steps.refused(f"{name}: no such key",
            REASON.OBJECT_NOT_FOUND if two else REASON.ITEM_NOT_FOUND,
            lambda: use(b"0" * 16, "no such key", cbc))
        steps.refused(f"{name}: not active", REASON.PERMISSION_DENIED,
            lambda: use(b"0" * 16, idle, cbc))
        steps.refused(f"{name}: no bit in the mask",
            REASON.INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK if two else REASON.PERMISSION_DENIED,
            lambda: use(b"0" * 16, bare, cbc))
        for what, changed in {
            "algorithm": {"cryptographic_algorithm": ALGORITHM.HMAC_SHA256},
            "another algorithm": {"cryptographic_algorithm": ALGORITHM.CAMELLIA},
            "no mode": {"block_cipher_mode": None},
            "mode": {"block_cipher_mode": MODE.CCM},
        }.items():
            how = parameters(**{**cbc, **changed})
            steps(f"{name}: {what} is refused", lambda: must_fail(
                lambda: use(b"0" * 16, aes, how, b"1" * 16)))


def must_fail(step):
    try:
        step()
    except Exception:
        return
    raise AssertionError("it was not refused")


def rsa_pair(client, bits):
    """Registers an RSA pair and returns the key and both identifiers."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.PKCS1
    )
    formats = enums.KeyFormatType
    private = client.register(
        PrivateKey(ALGORITHM.RSA, bits, private, formats.PKCS_8, [MASK.SIGN], new_name()))
    public = client.register(
        PublicKey(ALGORITHM.RSA, bits, public, formats.PKCS_1, [MASK.VERIFY], new_name()))
    client.activate(private)
    client.activate(public)
    return key, private, public


def short_pairs(client, steps):
    """Creates an RSA pair as short as old clients want it."""
    def create():
        public, private = client.create_key_pair(
            ALGORITHM.RSA, 1024,
            public_name=new_name(), public_usage_mask=[MASK.VERIFY],
            private_name=new_name(), private_usage_mask=[MASK.SIGN],
        )
        check(client.get(public).cryptographic_length == 1024, public)
        check(client.get(private).cryptographic_length == 1024, private)

    steps("create_key_pair: RSA 1024", create)


def signatures(client, steps, bits, names):
    """Signs with RSA and every hash, and verifies on both sides."""
    pair = steps(f"register: RSA {bits}", lambda: rsa_pair(client, bits))
    if pair is None:
        return
    key, private, public = pair
    message = b"to whom it may concern"
    for name in names:
        _, python = HASHES[name]
        for pad in (PADDING.PKCS1v15, PADDING.PSS):
            if pad is PADDING.PSS and name is HASH.MD5:
                continue
            how = parameters(
                cryptographic_algorithm=ALGORITHM.RSA, hashing_algorithm=name, padding_method=pad
            )

            def sign():
                signature = client.sign(message, private, how)
                if pad is PADDING.PKCS1v15:
                    scheme = padding.PKCS1v15()
                else:
                    scheme = padding.PSS(padding.MGF1(python()), padding.PSS.MAX_LENGTH)
                key.public_key().verify(signature, message, scheme, python())
                valid = client.signature_verify(message, signature, public, how)
                check(valid == enums.ValidityIndicator.VALID, valid)
                altered = bytes([signature[0] ^ 1]) + signature[1:]
                invalid = client.signature_verify(message, altered, public, how)
                check(invalid == enums.ValidityIndicator.INVALID, invalid)

            steps(f"sign: RSA {bits} {name.name} {pad.name}", sign)

    def longest_salt():
        # PyKMIP's own server signs like this.
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
        signature = key.sign(message, scheme, hashes.SHA256())
        how = parameters(
            cryptographic_algorithm=ALGORITHM.RSA,
            hashing_algorithm=HASH.SHA_256,
            padding_method=PADDING.PSS,
        )
        valid = client.signature_verify(message, signature, public, how)
        check(valid == enums.ValidityIndicator.VALID, valid)

    steps(f"signature_verify: RSA {bits} PSS with the longest salt", longest_salt)
    how = parameters(
        cryptographic_algorithm=ALGORITHM.RSA,
        hashing_algorithm=HASH.SHA_256,
        padding_method=PADDING.PKCS1v15,
    )
    steps("sign: a public key is refused", lambda: must_fail(
        lambda: client.sign(message, public, how)))
    steps("signature_verify: a private key is refused", lambda: must_fail(
        lambda: client.signature_verify(message, b"s", private, how)))
    how.pop("padding_method")
    steps("sign: no padding is refused", lambda: must_fail(
        lambda: client.sign(message, private, how)))


def macs(client, steps):
    """Makes HMACs and CMACs."""
    data = b"what is authenticated"
    masks = [MASK.MAC_GENERATE, MASK.MAC_VERIFY]
    key = key_bytes(32)
    for algorithm, name in HMACS.items():
        uid = steps(f"register: {algorithm.name}",
            lambda: register(client, algorithm, key, masks))

        def compute():
            found, made = client.mac(data, uid, algorithm)
            check(found == uid, found)
            check(made == hmac.new(key, data, name).digest(), made.hex())

        steps(f"mac: {algorithm.name}", compute)
    for algorithm, length, block in CIPHERS:
        uid = register(client, algorithm, key_bytes(length), masks)
        steps(f"mac: CMAC {algorithm.name}",
            lambda: check(len(client.mac(data, uid, algorithm)[1]) == block, "another length"))
    stream = register(client, ALGORITHM.RC4, key_bytes(16), masks)
    steps("mac: RC4 is refused", lambda: must_fail(
        lambda: client.mac(data, stream, ALGORITHM.RC4)))
    idle = register(client, ALGORITHM.HMAC_SHA256, key, masks, active=False)
    steps.refused("mac: not active", REASON.PERMISSION_DENIED,
        lambda: client.mac(data, idle, ALGORITHM.HMAC_SHA256))


def derivation(client, steps):
    """Derives keys and secrets."""
    base = key_bytes(20)
    uid = steps("register: a base", lambda: register(
        client, ALGORITHM.AES, key_bytes(16), [MASK.DERIVE_KEY, MASK.ENCRYPT]))
    secret = steps("register: a secret", lambda: client.register(
        SecretData(base, enums.SecretDataType.PASSWORD, [MASK.DERIVE_KEY], new_name())))
    client.activate(secret)
    method = enums.DerivationMethod

    def derived(how, given, length=16, kind=enums.ObjectType.SYMMETRIC_KEY, source=secret):
        more = {"cryptographic_length": length * 8}
        if kind is enums.ObjectType.SYMMETRIC_KEY:
            more["cryptographic_algorithm"] = ALGORITHM.AES
        made = client.derive_key(kind, [source], how, given, **more)
        return client.get(made).value

    sha256 = {"hashing_algorithm": HASH.SHA_256}
    steps("derive_key: PBKDF2", lambda: check(
        derived(method.PBKDF2, {
            "cryptographic_parameters": sha256, "salt": b"salt", "iteration_count": 1000,
        }) == hashlib.pbkdf2_hmac("sha256", base, b"salt", 1000, 16), "another key"))
    steps("derive_key: HASH, cut", lambda: check(
        derived(method.HASH, {"cryptographic_parameters": sha256})
        == hashlib.sha256(base).digest()[:16], "another key"))
    info = HKDF(hashes.SHA256(), 42, b"salt", b"info").derive(base)
    steps("derive_key: HMAC is HKDF", lambda: check(
        derived(method.HMAC, {
            "cryptographic_parameters": sha256, "salt": b"salt", "derivation_data": b"info",
        }, length=42, kind=enums.ObjectType.SECRET_DATA) == info, "another secret"))
    fixed = hmac.new(base, b"\0\0\0\1fixed", "sha256").digest()
    steps("derive_key: NIST 800-108 counter", lambda: check(
        derived(method.NIST800_108_C, {
            "cryptographic_parameters": sha256, "derivation_data": b"fixed",
        }, length=32) == fixed, "another key"))
    ecb = {
        "cryptographic_algorithm": ALGORITHM.AES,
        "block_cipher_mode": MODE.CBC,
        "padding_method": PADDING.PKCS5,
    }
    steps("derive_key: ENCRYPT", lambda: check(len(
        derived(method.ENCRYPT, {
            "cryptographic_parameters": ecb,
            "initialization_vector": b"1" * 16,
            "derivation_data": b"data" * 8,
        }, source=uid)) == 16, "another length"))
    steps("derive_key: too long is refused", lambda: must_fail(
        lambda: derived(method.HASH, {"cryptographic_parameters": sha256}, length=64)))
    steps("derive_key: no length is refused", lambda: must_fail(
        lambda: client.derive_key(enums.ObjectType.SECRET_DATA, [secret], method.HASH,
            {"cryptographic_parameters": sha256})))
    bare = register(client, ALGORITHM.AES, key_bytes(16), [MASK.ENCRYPT])
    steps("derive_key: no bit in the mask is refused", lambda: must_fail(
        lambda: derived(method.HASH, {"cryptographic_parameters": sha256}, source=bare)))
    opaque = client.register(OpaqueObject(b"bytes", enums.OpaqueDataType.NONE, new_name()))
    steps("derive_key: an opaque object is refused", lambda: must_fail(
        lambda: derived(method.HASH, {"cryptographic_parameters": sha256}, source=opaque)))
    steps("derive_key: no such base is refused", lambda: must_fail(
        lambda: derived(method.HASH, {"cryptographic_parameters": sha256}, source="none")))


def wrapping(client, steps):
    """Gets keys wrapped under another."""
    kek = key_bytes(16)
    wrapper = steps("register: a wrapping key", lambda: register(
        client, ALGORITHM.AES, kek, [MASK.WRAP_KEY]))
    value = key_bytes(32)
    uid = register(client, ALGORITHM.AES, value, [MASK.ENCRYPT])

    def specification(key=wrapper, **changed):
        return {
            "wrapping_method": enums.WrappingMethod.ENCRYPT,
            "encryption_key_information": {
                "unique_identifier": key,
                "cryptographic_parameters": {"block_cipher_mode": MODE.NIST_KEY_WRAP},
            },
            "encoding_option": enums.EncodingOption.NO_ENCODING,
            **changed,
        }

    steps("get: wrapped", lambda: check(
        client.get(uid, specification()).value == keywrap.aes_key_wrap(kek, value), "other bytes"))
    bare = register(client, ALGORITHM.AES, kek, [MASK.ENCRYPT])
    idle = register(client, ALGORITHM.AES, kek, [MASK.WRAP_KEY], active=False)
    secret = client.register(
        SecretData(b"s" * 16, enums.SecretDataType.PASSWORD, [MASK.WRAP_KEY], new_name()))
    for name, given in {
        "no such wrapping key": specification("none"),
        "a wrapping key without the bit": specification(bare),
        "a wrapping key that is not active": specification(idle),
        "a wrapping key that is none": specification(secret),
        "no encryption key information": {
            "wrapping_method": enums.WrappingMethod.ENCRYPT,
            "encoding_option": enums.EncodingOption.NO_ENCODING,
        },
        "attributes without an encoding for them": specification(
            attribute_names=["Cryptographic Algorithm"]),
    }.items():
        steps(f"get: {name} is refused", lambda: must_fail(lambda: client.get(uid, given)))


def main():
    host, port, certificate, key, authority = sys.argv[1:]
    logging.disable(logging.WARNING)
    passed = failed = 0
    for version in VERSIONS:
        steps = Steps(version)
        client = ProxyKmipClient(
            hostname=host, port=int(port), cert=certificate, key=key, ca=authority,
            kmip_version=version,
        )
        with client:
            encryption(client, steps)
            refused_encryption(client, steps)
            short_pairs(client, steps)
            signatures(client, steps, 1024, list(HASHES))
            signatures(client, steps, 2048, list(HASHES))
            macs(client, steps)
            derivation(client, steps)
            wrapping(client, steps)
        print(f"{version.name}: {steps.passed} passed, {steps.failed} failed")
        passed += steps.passed
        failed += steps.failed
    print(f"PyKMIP cryptography: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
