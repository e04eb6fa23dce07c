"""A journey with PyKMIP's ProxyKmipClient, for each protocol version it speaks here.

Usage: pykmip_journey.py HOST PORT CERTIFICATE KEY AUTHORITY [--unasked]

Prints a line for each step that fails and one line with the counts at the end; the exit status is
0 if none failed. --unasked asks for all attributes without naming them, which this client can read
only from a server that leaves out what it does not know (attributes.unasked = "conservative").
"""

import logging
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kmip.core import enums, exceptions as core_exceptions, objects
from kmip.core.attributes import Name
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie import exceptions
from kmip.pie.client import ProxyKmipClient
from kmip.pie.objects import (
    OpaqueObject,
    PrivateKey,
    PublicKey,
    SecretData,
    SplitKey,
    SymmetricKey,
    X509Certificate,
)
from kmip.services.kmip_client import KMIPProxy

VERSIONS = list(enums.KMIPVersion)
AES = enums.CryptographicAlgorithm.AES
RSA = enums.CryptographicAlgorithm.RSA
MASK = enums.CryptographicUsageMask
REASON = enums.RevocationReasonCode
FACTORY = AttributeFactory()

# Attributes that every object here has, and that the client can read in every version.
NAMED = ["Unique Identifier", "Object Type", "Name", "State", "Initial Date"]


def attribute(kind, value):
    return FACTORY.create_attribute(kind, value)


class Steps:
    """Runs steps, counts them, and goes on after a failure."""

    def __init__(self, version):
        self.version = version.name
        self.passed = 0
        self.failed = 0

    def __call__(self, name, step):
        try:
            result = step()
        except Exception as error:  # whatever it is, it is a failure of this step
            self.failed += 1
            print(f"FAILED {self.version} {name}: {type(error).__name__}: {error}")
            return None
        self.passed += 1
        return result

    def refused(self, name, reason, step):
        """Runs a step that the server must refuse with this reason."""

        def expect():
            try:
                step()
            except exceptions.KmipOperationFailure as failure:
                found = failure.reason
            except core_exceptions.OperationFailure as failure:
                found = failure.reason
            else:
                raise AssertionError("it was not refused")
            assert found == reason, f"the reason is {found}"

        self(name, expect)


def der_keys():
    """Makes an RSA pair: its private key as PKCS#8, its public key as PKCS#1."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.PKCS1
    )
    return private, public


def der_certificate(path):
    """Reads a certificate from a PEM file."""
    from cryptography import x509

    with open(path, "rb") as file:
        certificate = x509.load_pem_x509_certificate(file.read())
    return certificate.public_bytes(serialization.Encoding.DER)


def samples(certificate):
    """Makes one object of each type that the client can register."""
    private, public = der_keys()
    encrypt = [MASK.ENCRYPT, MASK.DECRYPT]
    return {
        "symmetric key": SymmetricKey(AES, 256, bytes(range(32)), encrypt, "a symmetric key"),
        "private key": PrivateKey(
            RSA, 2048, private, enums.KeyFormatType.PKCS_8, [MASK.SIGN], "a private key"
        ),
        "public key": PublicKey(
            RSA, 2048, public, enums.KeyFormatType.PKCS_1, [MASK.VERIFY], "a public key"
        ),
        "split key": SplitKey(
            cryptographic_algorithm=AES,
            cryptographic_length=128,
            key_value=bytes(range(16)),
            cryptographic_usage_masks=[MASK.EXPORT],
            name="a split key",
            key_format_type=enums.KeyFormatType.RAW,
            key_wrapping_data=None,
            split_key_parts=3,
            key_part_identifier=1,
            split_key_threshold=2,
            split_key_method=enums.SplitKeyMethod.XOR,
            prime_field_size=None,
        ),
        "secret data": SecretData(
            b"correct horse", enums.SecretDataType.PASSWORD, [MASK.EXPORT], "a password"
        ),
        "opaque object": OpaqueObject(b"anything", enums.OpaqueDataType.NONE, "an opaque object"),
        "certificate": X509Certificate(der_certificate(certificate), [MASK.VERIFY], "a certificate"),
    }


def check(condition, what):
    assert condition, what


def keys(client, steps, unasked):
    """Creates a key and takes it through its life."""
    uid = steps("create", lambda: client.create(AES, 256, name="first", operation_policy_name=None))
    key = steps("get", lambda: client.get(uid))
    steps("get: the key", lambda: check(len(key.value) == 32, key))

    def named_attributes():
        found, attributes = client.get_attributes(uid, NAMED)
        check(found == uid, found)
        names = [one.attribute_name.value for one in attributes]
        check(names == NAMED, names)

    steps("get_attributes", named_attributes)
    if unasked:
        steps("get_attributes: all", lambda: check(len(client.get_attributes(uid)[1]) > 6, uid))

    def attribute_list():
        names = client.get_attribute_list(uid)
        check(set(NAMED) <= set(names), names)

    steps("get_attribute_list", attribute_list)

    def located(*filters):
        return client.locate(attributes=[attribute(kind, value) for kind, value in filters])

    kind = enums.AttributeType
    steps("locate: all", lambda: check(client.locate() == [uid], client.locate()))
    for name, filters in {
        "name": [(kind.NAME, "first")],
        "state": [(kind.STATE, enums.State.PRE_ACTIVE)],
        "several": [
            (kind.OBJECT_TYPE, enums.ObjectType.SYMMETRIC_KEY),
            (kind.CRYPTOGRAPHIC_ALGORITHM, AES),
            (kind.CRYPTOGRAPHIC_LENGTH, 256),
        ],
    }.items():
        steps(f"locate: {name}", lambda: check(located(*filters) == [uid], located(*filters)))
    steps("locate: nothing", lambda: check(located((kind.NAME, "other")) == [], "found"))
    steps("locate: page", lambda: check(client.locate(maximum_items=1, offset_items=1) == [], uid))

    steps("activate", lambda: client.activate(uid))
    denied = enums.ResultReason.PERMISSION_DENIED
    steps.refused("activate: again", denied, lambda: client.activate(uid))
    steps.refused("destroy: active", denied, lambda: client.destroy(uid))
    steps("revoke", lambda: client.revoke(REASON.CESSATION_OF_OPERATION, uid, "no longer used"))
    steps("destroy", lambda: client.destroy(uid))
    steps("locate: destroyed", lambda: check(client.locate() == [], client.locate()))

    pair = steps("create_key_pair", lambda: client.create_key_pair(
        RSA, 2048,
        public_name="public", public_usage_mask=[MASK.VERIFY],
        private_name="private", private_usage_mask=[MASK.SIGN],
    ))
    public, private = pair or (None, None)
    steps("get: public key", lambda: check(isinstance(client.get(public), PublicKey), public))
    steps("get: private key", lambda: check(isinstance(client.get(private), PrivateKey), private))
    for uid in (public, private):
        steps("revoke: compromise", lambda: client.revoke(REASON.KEY_COMPROMISE, uid))
        steps("destroy: compromised", lambda: client.destroy(uid))


def registered(client, steps, certificate, unasked):
    """Registers one object of each type and gets it back."""
    for name, sample in samples(certificate).items():
        uid = steps(f"register: {name}", lambda: client.register(sample))
        got = steps(f"get: {name}", lambda: client.get(uid))
        steps(f"get: {name}, the bytes", lambda: check(got.value == sample.value, got))
        steps(f"get_attributes: {name}", lambda: client.get_attributes(uid, NAMED))
        if unasked:
            steps(f"get_attributes: {name}, all", lambda: client.get_attributes(uid))
        steps(f"get_attribute_list: {name}", lambda: client.get_attribute_list(uid))
        steps(f"destroy: {name}", lambda: client.destroy(uid))


def attributes_1(client, steps):
    """Changes attributes as in 1.x: by name and index."""
    uid = steps("create: to change", lambda: client.create(AES, 128, name="before"))

    def modify():
        found, modified = client.modify_attribute(
            unique_identifier=uid, attribute=attribute(enums.AttributeType.NAME, "after")
        )
        check(found == uid, found)
        check(modified.attribute_value.name_value.value == "after", modified)

    steps("modify_attribute", modify)
    steps.refused("modify_attribute: read-only", enums.ResultReason.PERMISSION_DENIED,
        lambda: client.modify_attribute(
            unique_identifier=uid,
            attribute=attribute(enums.AttributeType.STATE, enums.State.ACTIVE),
        ))

    def delete():
        found, deleted = client.delete_attribute(
            unique_identifier=uid, attribute_name="Name", attribute_index=0
        )
        check(found == uid, found)
        check(deleted.attribute_value.name_value.value == "after", deleted)
        check(client.get_attributes(uid, ["Name"])[1] == [], "the name is still there")

    steps("delete_attribute", delete)
    steps("destroy: changed", lambda: client.destroy(uid))


def attributes_2(client, steps):
    """Changes attributes as in 2.x: by value and reference."""
    uid = steps("create: to change", lambda: client.create(AES, 128, name="before"))

    def name(value):
        return Name.create(value, enums.NameType.UNINTERPRETED_TEXT_STRING)

    steps("modify_attribute", lambda: client.modify_attribute(
        unique_identifier=uid,
        current_attribute=objects.CurrentAttribute(attribute=name("before")),
        new_attribute=objects.NewAttribute(attribute=name("after")),
    ))
    filters = [attribute(enums.AttributeType.NAME, "after")]
    steps("modify_attribute: found",
        lambda: check(client.locate(attributes=filters) == [uid], "not found"))
    steps("set_attribute", lambda: client.set_attribute(
        unique_identifier=uid, attribute_name="Sensitive", attribute_value=True
    ))
    steps.refused("set_attribute: read-only", enums.ResultReason.READ_ONLY_ATTRIBUTE,
        lambda: client.set_attribute(
            unique_identifier=uid, attribute_name="State", attribute_value=enums.State.ACTIVE
        ))
    # Its references cannot name an attribute of the standard, so it deletes by value.
    steps("delete_attribute", lambda: client.delete_attribute(
        unique_identifier=uid, current_attribute=objects.CurrentAttribute(attribute=name("after"))
    ))
    steps("delete_attribute: gone",
        lambda: check(client.locate(attributes=filters) == [], "still found"))
    steps("destroy: changed", lambda: client.destroy(uid))


def query(connection, version, steps):
    """Asks what the server can do, with the lower of PyKMIP's two clients."""
    host, port, certificate, key, authority = connection
    proxy = KMIPProxy(
        host=host, port=port, certfile=certificate, keyfile=key, ca_certs=authority,
        kmip_version=version,
    )
    proxy.open()
    try:
        functions = [
            enums.QueryFunction.QUERY_OPERATIONS,
            enums.QueryFunction.QUERY_OBJECTS,
            enums.QueryFunction.QUERY_SERVER_INFORMATION,
        ]

        def ask():
            result = proxy.query(query_functions=functions)
            check(len(result.operations) > 10, result.operations)
            check(len(result.object_types) > 6, result.object_types)
            check(result.vendor_identification, "there is no vendor")

        steps("query", ask)
        if version is enums.KMIPVersion.KMIP_1_0:
            return

        def discover():
            result = proxy.discover_versions()
            check(len(result.protocol_versions) == 7, result.protocol_versions)

        steps("discover_versions", discover)
    finally:
        proxy.close()


def main():
    arguments = [one for one in sys.argv[1:] if not one.startswith("--")]
    host, port, certificate, key, authority = arguments
    unasked = "--unasked" in sys.argv
    # It warns of configuration files that it does not need here.
    logging.disable(logging.WARNING)
    connection = (host, int(port), certificate, key, authority)
    passed = failed = 0
    for version in VERSIONS:
        steps = Steps(version)
        client = ProxyKmipClient(
            hostname=host, port=int(port), cert=certificate, key=key, ca=authority,
            kmip_version=version,
        )
        with client:
            keys(client, steps, unasked)
            registered(client, steps, certificate, unasked)
            if version == enums.KMIPVersion.KMIP_2_0:
                attributes_2(client, steps)
            else:
                attributes_1(client, steps)
        query(connection, version, steps)
        print(f"{version.name}: {steps.passed} passed, {steps.failed} failed")
        passed += steps.passed
        failed += steps.failed
    print(f"PyKMIP: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
