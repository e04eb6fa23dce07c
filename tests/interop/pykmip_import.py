"""A database of PyKMIP's own server, and the same objects after `kmip-app import pykmip`.

Usage: pykmip_import.py make DIRECTORY PKI
       pykmip_import.py check DIRECTORY PKI HOST PORT STORE

`make` runs PyKMIP's server on a port of its own, lets alice and bob fill it, writes down in
expected.json what its client says of every object, and stops it; the database is
DIRECTORY/pykmip.database. `check` asks the server at HOST and PORT the same questions and compares;
STORE is that server's store, from which the names of policies are read. PKI is the directory of
certificates that `kmip-app init` makes. The exit status of `check` is 0 if nothing differs.
"""

import json
import os
import select
import signal
import socket
import sqlite3
import subprocess
import sys

from cryptography import x509
from cryptography.hazmat.primitives import keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kmip.core import enums
from kmip.core.factories.attributes import AttributeFactory
from kmip.core.objects import TemplateAttribute
from kmip.pie import exceptions, factory
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

AES = enums.CryptographicAlgorithm.AES
RSA = enums.CryptographicAlgorithm.RSA
MASK = enums.CryptographicUsageMask
KIND = enums.AttributeType
REASON = enums.RevocationReasonCode

# What PyKMIP's server keeps of an object.
KEPT = [
    "Unique Identifier",
    "Object Type",
    "Name",
    "Object Group",
    "Application Specific Information",
    "Operation Policy Name",
    "Cryptographic Algorithm",
    "Cryptographic Length",
    "Cryptographic Usage Mask",
    "Certificate Type",
    "State",
    "Initial Date",
    "Sensitive",
]

# An operation policy of the operator's: everybody may read, and only the owner may do more.
POLICIES = {
    "team": {
        "preset": {
            "SYMMETRIC_KEY": {
                "GET": "ALLOW_ALL",
                "GET_ATTRIBUTES": "ALLOW_ALL",
                "LOCATE": "ALLOW_ALL",
                "DESTROY": "ALLOW_OWNER",
            }
        }
    }
}

# How long the server may take to listen, in tries of a tenth of a second.
TRIES = 300


def connect(pki, user, host, port):
    return ProxyKmipClient(
        hostname=host,
        port=int(port),
        cert=os.path.join(pki, f"{user}.crt"),
        key=os.path.join(pki, f"{user}.key"),
        ca=os.path.join(pki, "ca.crt"),
        config_file=os.devnull,
        kmip_version=enums.KMIPVersion.KMIP_1_4,
    )


class PykmipServer:
    """PyKMIP's server, from the start of a `with` to its end."""

    def __init__(self, directory, pki):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        policies = os.path.join(directory, "policies")
        os.makedirs(policies)
        with open(os.path.join(policies, "team.json"), "w") as file:
            json.dump(POLICIES, file)
        self.config = os.path.join(directory, "server.conf")
        self.log = os.path.join(directory, "server.log")
        with open(self.config, "w") as file:
            file.write(
                "[server]\n"
                "hostname=127.0.0.1\n"
                f"port={self.port}\n"
                f"certificate_path={os.path.join(pki, 'server.crt')}\n"
                f"key_path={os.path.join(pki, 'server.key')}\n"
                f"ca_path={os.path.join(pki, 'ca.crt')}\n"
                "auth_suite=TLS1.2\n"
                "logging_level=INFO\n"
                f"policy_path={policies}\n"
                f"database_path={os.path.join(directory, 'pykmip.database')}\n"
            )

    def __enter__(self):
        program = os.path.join(os.path.dirname(sys.executable), "pykmip-server")
        command = [sys.executable, program, "-f", self.config, "-l", self.log]
        self.process = subprocess.Popen(command, start_new_session=True)
        for _ in range(TRIES):
            if self.process.poll() is not None:
                sys.exit(f"PyKMIP's server ended with {self.process.returncode}; see {self.log}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                select.select([], [], [], 0.1)
        self.__exit__()
        sys.exit("PyKMIP's server does not listen")

    def __exit__(self, *_):
        # Its monitor of policies is a process of its own, in the session that was begun here.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Writer:
    """Fills the server as one user."""

    def __init__(self, client):
        self.client = client

    def register(self, managed, *attributes):
        """Registers an object with attributes that the simple client has no words for."""
        attribute_factory = AttributeFactory()
        masks = getattr(managed, "cryptographic_usage_masks", None)
        if masks:
            attributes = [(KIND.CRYPTOGRAPHIC_USAGE_MASK, masks), *attributes]
        template = TemplateAttribute(attributes=[])
        for kind, value in attributes:
            index = sum(one.attribute_name.value == kind.value for one in template.attributes)
            multiple = kind in (KIND.NAME, KIND.OBJECT_GROUP, KIND.APPLICATION_SPECIFIC_INFORMATION)
            attribute = attribute_factory.create_attribute(
                kind, value, index=index if multiple else None
            )
            template.attributes.append(attribute)
        secret = factory.ObjectFactory().convert(managed)
        result = self.client.proxy.register(managed._object_type, template, secret)
        if result.result_status.value != enums.ResultStatus.SUCCESS:
            raise AssertionError(f"register: {result.result_message.value}")
        return result.uuid


def rsa_pair():
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


def der_certificate(pki):
    with open(os.path.join(pki, "server.crt"), "rb") as file:
        certificate = x509.load_pem_x509_certificate(file.read())
    return certificate.public_bytes(serialization.Encoding.DER)


def information(namespace, data):
    pair = {"application_namespace": namespace, "application_data": data}
    return (KIND.APPLICATION_SPECIFIC_INFORMATION, pair)


def symmetric(value, **more):
    return SymmetricKey(AES, len(value) * 8, value, [MASK.ENCRYPT, MASK.DECRYPT], **more)


def fill_as_alice(client, pki):
    """Makes one object of each type, one in each state, and what is left of a destroyed one."""
    writer = Writer(client)
    private, public = rsa_pair()
    named = lambda text: (KIND.NAME, text)
    group = lambda text: (KIND.OBJECT_GROUP, text)
    wrapping = SymmetricKey(AES, 256, bytes(range(32)), [MASK.WRAP_KEY, MASK.UNWRAP_KEY])
    wrapping = writer.register(wrapping, named("the wrapping key"))
    client.activate(wrapping)
    wrapped = keywrap.aes_key_wrap(bytes(range(32)), bytes(range(16)))
    writer.register(
        SymmetricKey(
            AES,
            128,
            wrapped,
            [MASK.ENCRYPT],
            key_wrapping_data={
                "wrapping_method": enums.WrappingMethod.ENCRYPT,
                "encryption_key_information": {
                    "unique_identifier": wrapping,
                    "cryptographic_parameters": {
                        "block_cipher_mode": enums.BlockCipherMode.NIST_KEY_WRAP
                    },
                },
                "encoding_option": enums.EncodingOption.NO_ENCODING,
            },
        ),
        named("a wrapped key"),
    )
    writer.register(
        symmetric(bytes(range(16))),
        named("a symmetric key"),
        named("its other name"),
        group("one"),
        group("two"),
        information("ssl", "www.example.com"),
        information("ssl", "mail.example.com"),
    )
    writer.register(
        PublicKey(RSA, 2048, public, enums.KeyFormatType.PKCS_1, [MASK.VERIFY]),
        named("a public key"),
        group("one"),
    )
    writer.register(
        PrivateKey(RSA, 2048, private, enums.KeyFormatType.PKCS_8, [MASK.SIGN]),
        named("a private key"),
    )
    writer.register(
        SplitKey(
            cryptographic_algorithm=AES,
            cryptographic_length=128,
            key_value=bytes(range(16)),
            cryptographic_usage_masks=[MASK.EXPORT],
            key_format_type=enums.KeyFormatType.RAW,
            split_key_parts=4,
            key_part_identifier=2,
            split_key_threshold=3,
            split_key_method=enums.SplitKeyMethod.POLYNOMIAL_SHARING_PRIME_FIELD,
            prime_field_size=(1 << 61) - 1,
        ),
        named("a split key"),
    )
    writer.register(
        SecretData(b"correct horse", enums.SecretDataType.PASSWORD, [MASK.EXPORT]),
        named("a password"),
        information("app", "database"),
    )
    writer.register(X509Certificate(der_certificate(pki), [MASK.VERIFY]), named("a certificate"))
    writer.register(OpaqueObject(b"anything", enums.OpaqueDataType.NONE), named("an opaque object"))
    writer.register(symmetric(bytes(16)), (KIND.SENSITIVE, True), named("a sensitive key"))
    policy = (KIND.OPERATION_POLICY_NAME, "team")
    writer.register(symmetric(bytes(24)), policy, named("a key of the team"))
    for name, revocation in {
        "deactivated": REASON.CESSATION_OF_OPERATION,
        "compromised": REASON.KEY_COMPROMISE,
        "destroyed": REASON.KEY_COMPROMISE,
    }.items():
        uid = client.create(AES, 256, name=name)
        client.activate(uid)
        client.revoke(revocation, uid)
    client.destroy(uid)
    client.create_key_pair(
        RSA,
        2048,
        public_name="public of a pair",
        public_usage_mask=[MASK.VERIFY],
        private_name="private of a pair",
        private_usage_mask=[MASK.SIGN],
    )


def fill_as_bob(client):
    uid = client.create(AES, 192, name="of another owner")
    client.activate(uid)
    # Without a name, and with the same bytes and group as a key of alice's.
    Writer(client).register(symmetric(bytes(range(16))), (KIND.OBJECT_GROUP, "one"))


def plain(value):
    """Turns what the client returns into JSON."""
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "name") and hasattr(value, "value") and isinstance(value.name, str):
        return value.name
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if one not in (None, {})}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


FIELDS = [
    "value",
    "cryptographic_algorithm",
    "cryptographic_length",
    "key_format_type",
    "key_wrapping_data",
    "certificate_type",
    "data_type",
    "opaque_type",
    "split_key_parts",
    "key_part_identifier",
    "split_key_threshold",
    "split_key_method",
    "prime_field_size",
]


def content(client, uid):
    """Says what an object holds, or why it is not given out."""
    try:
        got = client.get(uid)
    except exceptions.KmipOperationFailure as failure:
        return {"refused": failure.reason.name}
    fields = {field: plain(getattr(got, field)) for field in FIELDS if hasattr(got, field)}
    return {"type": type(got).__name__, **fields}


def attributes(client, uid):
    """Says what is known of an object: for each name the values in their order."""
    try:
        _, found = client.get_attributes(uid, KEPT)
    except exceptions.KmipOperationFailure as failure:
        return {"refused": failure.reason.name}
    values = {}
    for one in found:
        value = one.attribute_value
        text = str(value.value) if hasattr(value, "value") else str(value)
        values.setdefault(one.attribute_name.value, []).append(text)
    return values


def described(clients, uid):
    return {
        user: {"content": content(client, uid), "attributes": attributes(client, uid)}
        for user, client in clients.items()
    }


def make(directory, pki):
    with PykmipServer(directory, pki) as server:
        users = ("alice", "bob")
        clients = {user: connect(pki, user, "127.0.0.1", server.port) for user in users}
        for client in clients.values():
            client.open()
        fill_as_alice(clients["alice"], pki)
        fill_as_bob(clients["bob"])
        database = sqlite3.connect(os.path.join(directory, "pykmip.database"))
        rows = database.execute("SELECT uid, owner, operation_policy_name FROM managed_objects")
        expected = {
            str(uid): {"owner": owner, "policy": policy, **described(clients, str(uid))}
            for uid, owner, policy in rows.fetchall()
        }
        located = {user: sorted(client.locate(), key=int) for user, client in clients.items()}
        for client in clients.values():
            client.close()
    with open(os.path.join(directory, "expected.json"), "w") as file:
        json.dump({"objects": expected, "located": located}, file, indent=1)
    print(f"made {len(expected)} objects")


class Comparison:
    """Compares, counts, and prints what differs."""

    def __init__(self):
        self.same = 0
        self.differences = 0

    def __call__(self, what, found, expected):
        if found == expected:
            self.same += 1
        else:
            self.differences += 1
            print(f"DIFFERS {what}: {found!r} instead of {expected!r}")


def compare(comparison, what, found, expected):
    """Compares what one user learns of one object."""
    wanted = expected["attributes"]
    sensitive = wanted.get("Sensitive") == ["True"]
    got = found["content"]
    if sensitive:
        # PyKMIP gives out what is sensitive; by the standard it leaves only wrapped.
        comparison(f"{what}: refused", "refused" in got, True)
    elif "refused" in expected["content"]:
        comparison(f"{what}: refused", "refused" in got, True)
    else:
        comparison(f"{what}: content", got, expected["content"])
    if "refused" in wanted:
        comparison(f"{what}: attributes refused", "refused" in found["attributes"], True)
        return
    # What PyKMIP does not say of an object, such as the State of an opaque one, is said here.
    for name, values in wanted.items():
        comparison(f"{what}: {name}", found["attributes"].get(name), values)


def check(directory, pki, host, port, store):
    with open(os.path.join(directory, "expected.json")) as file:
        expected = json.load(file)
    comparison = Comparison()
    database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    rows = database.execute("SELECT identifier, owner, policy FROM record").fetchall()
    records = {identifier: [owner, policy] for identifier, owner, policy in rows}
    wanted = {uid: [one["owner"], one["policy"]] for uid, one in expected["objects"].items()}
    comparison("identifiers, owners and policies", records, wanted)
    # The operator's policies are not part of a database; only what the standard one governs can
    # be compared through a client.
    governed = [uid for uid, one in expected["objects"].items() if one["policy"] == "default"]
    for user in expected["located"]:
        with connect(pki, user, host, port) as client:
            found = sorted((uid for uid in client.locate() if uid in governed), key=int)
            located = [uid for uid in expected["located"][user] if uid in governed]
            comparison(f"{user}: located", found, located)
            for uid in governed:
                what = f"{uid} as {user}"
                compare(comparison, what, described({user: client}, uid)[user],
                        expected["objects"][uid][user])
    print(f"compared {len(governed)} objects: {comparison.same} equal, "
          f"{comparison.differences} different")
    sys.exit(1 if comparison.differences or not governed else 0)


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](*sys.argv[2:])
