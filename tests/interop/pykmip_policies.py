"""Policies, groups and SLUGS with PyKMIP's ProxyKmipClient, for each protocol version it speaks.

Usage: pykmip_policies.py DIRECTORY PKI PROGRAM
       pykmip_policies.py DIRECTORY PKI --pykmip

Writes a configuration of PyKMIP's with `policy_path` and two sections `[auth:slugs…]`, runs PROGRAM
(`kmip-app`) with it, and two SLUGS in this process; then several users ask for each other's keys
while policies, groups and directories change. With --pykmip, PyKMIP's own server is run instead, to
see that it is the same that is expected of both. DIRECTORY is empty; PKI is a directory of
certificates that `kmip-app init` makes, with one for each of USERS.

Prints a line for each step that fails and one line with the counts at the end; the exit status is
0 if none failed. Nothing here waits for a time: what must come into force is asked for again and
again until it has, and is a failure if it has not after PATIENCE.
"""

import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from kmip.core import enums, exceptions as core_exceptions, objects
from kmip.core.attributes import Name
from kmip.pie import exceptions
from kmip.pie.client import ProxyKmipClient
from kmip.pie.objects import SecretData

from pykmip_journey import VERSIONS, Steps, attribute, check

AES = enums.CryptographicAlgorithm.AES
KIND = enums.AttributeType
MASK = enums.CryptographicUsageMask
REASON = enums.RevocationReasonCode
DENIED = enums.ResultReason.PERMISSION_DENIED
UNAUTHENTICATED = enums.ResultReason.AUTHENTICATION_NOT_SUCCESSFUL
KMIP_1_2 = enums.KMIPVersion.KMIP_1_2
KMIP_1_4 = enums.KMIPVersion.KMIP_1_4
KMIP_2_0 = enums.KMIPVersion.KMIP_2_0

# Who owns what is not said to be somebody else's.
OWNER = "john_doe"

# Who is in which groups, by the first SLUGS and by the second. The stranger is in neither.
FIRST = {"john_doe": ["A"], "jane_doe": ["A", "B"], "john_smith": ["B"], "jane_smith": []}
SECOND = {"mary": ["B"]}
STRANGER = "stranger"
MEMBERS = [*FIRST, *SECOND]
USERS = [*MEMBERS, STRANGER]

# Seconds that a change, or the start of a server, may take at most.
PATIENCE = 30


def every(permission):
    """Makes rules with one permission for all that is done to symmetric keys here."""
    operations = [
        "LOCATE", "GET", "GET_ATTRIBUTES", "GET_ATTRIBUTE_LIST", "MODIFY_ATTRIBUTE", "ACTIVATE",
        "REVOKE", "DESTROY",
    ]
    return {"SYMMETRIC_KEY": {operation: permission for operation in operations}}


def getting(permission):
    return {"SYMMETRIC_KEY": {"GET": permission}}


# The groups of this policy are what decides; who has no notion of groups is shut out.
TEAM = {
    "preset": every("DISALLOW_ALL"),
    "groups": {
        "A": {
            "SYMMETRIC_KEY": {
                "LOCATE": "ALLOW_ALL",
                "GET": "ALLOW_ALL",
                "GET_ATTRIBUTES": "ALLOW_ALL",
                "GET_ATTRIBUTE_LIST": "ALLOW_OWNER",
                "MODIFY_ATTRIBUTE": "ALLOW_OWNER",
                "ACTIVATE": "ALLOW_OWNER",
                "REVOKE": "ALLOW_ALL",
                "DESTROY": "DISALLOW_ALL",
            },
        },
        "B": {
            "SYMMETRIC_KEY": {
                "LOCATE": "ALLOW_ALL",
                "GET": "ALLOW_OWNER",
                "GET_ATTRIBUTE_LIST": "ALLOW_ALL",
                "DESTROY": "ALLOW_ALL",
            },
            "SECRET_DATA": {"GET": "ALLOW_ALL", "DESTROY": "ALLOW_ALL"},
        },
    },
}

# Policies that stay as they are. The older form of a policy is a preset alone.
POLICIES = {
    "team": TEAM,
    "older": every("ALLOW_ALL"),
    "shared": {
        "preset": {
            "SYMMETRIC_KEY": {"LOCATE": "ALLOW_ALL", "GET": "ALLOW_ALL", "DESTROY": "ALLOW_OWNER"}
        },
        "groups": {"A": every("DISALLOW_ALL"), "B": every("DISALLOW_ALL")},
    },
    # The name is reserved: this must open nothing.
    "default": {"preset": every("ALLOW_ALL"), "groups": {"A": every("ALLOW_ALL")}},
}

# Who may do what to a key of OWNER's under `team`, by the groups that FIRST and SECOND give.
TEAM_ALLOWS = {
    "get": ["john_doe", "jane_doe"],
    "encrypt": ["john_doe", "jane_doe"],
    "get_attributes": ["john_doe", "jane_doe"],
    "get_attribute_list": ["john_doe", "jane_doe", "john_smith", "mary"],
    "modify_attribute": ["john_doe"],
    "activate": ["john_doe"],
    "revoke": ["john_doe", "jane_doe"],
    "destroy": ["jane_doe", "john_smith", "mary"],
}
TEAM_SHOWS = ["john_doe", "jane_doe", "john_smith", "mary"]

# What cannot be done twice to a key, and gets a new one for each user who may.
ONCE = ["activate", "destroy"]


class StandIn:
    """A SLUGS: its two paths, /users/USER and /users/USER/groups, and nothing else."""

    def __init__(self, groups):
        self.groups = dict(groups)
        self.broken = False
        self.asked = set()
        self.port = 0
        self.server = None
        self.up()

    def up(self):
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                stand_in.asked.add(self.path)
                status, body = stand_in.answer(self.path)
                body = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def down(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path):
        if self.broken:
            return 500, {}
        words = path.split("/")[1:]
        user = unquote(words[1]) if len(words) > 1 else None
        if words[:1] != ["users"] or user not in self.groups:
            return 404, {}
        if len(words) == 2:
            return 200, {}
        if words[2:] == ["groups"]:
            return 200, {"groups": self.groups[user]}
        return 404, {}


class Server:
    """The server that is tried, from the start of a `with` to its end."""

    def __init__(self, world, slugs):
        self.world = world
        self.process = None
        port = world.free_port()
        config = os.path.join(world.directory, "server.conf")
        lines = [
            "[server]",
            "hostname=127.0.0.1",
            f"port={port}",
            f"certificate_path={world.pki}/server.crt",
            f"key_path={world.pki}/server.key",
            f"ca_path={world.pki}/ca.crt",
            "auth_suite=TLS1.2",
            "logging_level=ERROR",
            f"policy_path={world.policies}",
            f"database_path={world.directory}/pykmip.database",
        ]
        for name, stand_in in [("slugs", world.first), ("slugs:second", world.second)]:
            lines += [f"[auth:{name}]", f"enabled={slugs}", f"url=http://127.0.0.1:{stand_in.port}"]
        with open(config, "w") as file:
            file.write("\n".join(lines) + "\n")
        if world.program is None:
            script = os.path.join(os.path.dirname(sys.executable), "pykmip-server")
            log = os.path.join(world.directory, "server.log")
            self.command = [sys.executable, script, "-f", config, "-l", log]
            self.port = port
        else:
            # Another may take a port that was free a moment ago; the system gives none twice.
            listen = ["--set", "listen.kmip.address=127.0.0.1:0"]
            self.command = [world.program, "serve", "--pykmip-config", config, *listen]
            self.port = None

    def __enter__(self):
        self.log = open(os.path.join(self.world.directory, "output.log"), "a")
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=self.log, start_new_session=True
        )
        try:
            self.port = self.port or self.told()
            self.listens()
        except BaseException:
            self.__exit__()
            raise
        self.world.port = self.port
        return self

    def told(self):
        """Reads the one line that says where the server listens."""
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline().decode() if ready else ""
        check(line.startswith("listening on "), f"the server says {line!r}")
        return int(line.rsplit(":", 1)[1])

    def listens(self):
        begin = time.monotonic()
        while time.monotonic() - begin < PATIENCE:
            check(self.process.poll() is None, "the server ended; see output.log")
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                select.select([], [], [], 0.05)
        raise AssertionError("the server does not listen")

    def __exit__(self, *_):
        # PyKMIP's monitor of policies is a process of its own, in the session that was begun here.
        self.world.disconnect()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.log.close()


class World:
    """The files, the directories of users, and the connections of all users."""

    def __init__(self, directory, pki, program):
        self.directory = directory
        self.pki = pki
        self.program = program
        self.policies = os.path.join(directory, "policies")
        os.makedirs(self.policies)
        self.write("policies", POLICIES)
        self.first = StandIn(FIRST)
        self.second = StandIn(SECOND)
        self.port = None
        self.clients = {}

    @staticmethod
    def free_port():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return free.getsockname()[1]

    def path(self, name):
        return os.path.join(self.policies, f"{name}.json")

    def write(self, name, policies):
        """Writes a policy file, or text that is none."""
        text = policies if isinstance(policies, str) else json.dumps(policies)
        with open(self.path(name), "w") as file:
            file.write(text)

    def remove(self, name):
        os.remove(self.path(name))

    def client(self, user, version):
        if (user, version) not in self.clients:
            client = ProxyKmipClient(
                hostname="127.0.0.1",
                port=self.port,
                cert=os.path.join(self.pki, f"{user}.crt"),
                key=os.path.join(self.pki, f"{user}.key"),
                ca=os.path.join(self.pki, "ca.crt"),
                config_file=os.devnull,
                kmip_version=version,
            )
            client.open()
            self.clients[user, version] = client
        return self.clients[user, version]

    def disconnect(self):
        for client in self.clients.values():
            try:
                client.close()
            except OSError:
                pass
        self.clients = {}


def reason_of(step):
    """Runs a step and returns why the server refused it, or None."""
    try:
        step()
    except (exceptions.KmipOperationFailure, core_exceptions.OperationFailure) as failure:
        return failure.reason
    return None


class Trial:
    """One version: who may do what, and the steps that ask."""

    slowest = 0

    def __init__(self, world, steps, version):
        self.world = world
        self.steps = steps
        self.version = version
        # From 2.0 on a name is its owner's once.
        self.names = {}

    def of(self, user):
        return self.world.client(user, self.version)

    def create(self, policy, name):
        """Creates a key of OWNER's. Version 2.0 cannot name a policy, so an older one does."""
        version = KMIP_1_4 if policy and self.version == KMIP_2_0 else self.version
        name = f"{name}, number {len(self.names)} in {self.version.name}"
        masks = [MASK.ENCRYPT, MASK.DECRYPT]
        uid = self.world.client(OWNER, version).create(AES, 128, policy, name, masks)
        self.names[uid] = name
        return uid

    def key(self, policy, name):
        return self.steps(f"create: {name}", lambda: self.create(policy, name))

    def do(self, operation, user, uid):
        """Does one thing to a key as one user."""
        client = self.of(user)
        if operation == "get_attributes":
            found, attributes = client.get_attributes(uid, ["State"])
            check(found == uid and len(attributes) == 1, attributes)
        elif operation == "encrypt":
            parameters = {
                "cryptographic_algorithm": AES,
                "block_cipher_mode": enums.BlockCipherMode.ECB,
                "padding_method": enums.PaddingMethod.PKCS5,
            }
            text, _ = client.encrypt(b"secret", uid, parameters)[:2]
            check(len(text) == 16, text)
        elif operation == "modify_attribute":
            self.modify(client, uid)
        elif operation == "revoke":
            client.revoke(REASON.KEY_COMPROMISE, uid)
        else:
            getattr(client, operation)(uid)

    def modify(self, client, uid):
        """Sets the name to what it is."""
        name = self.names[uid]
        if self.version == KMIP_2_0:
            name = Name.create(name, enums.NameType.UNINTERPRETED_TEXT_STRING)
            client.modify_attribute(
                unique_identifier=uid,
                current_attribute=objects.CurrentAttribute(attribute=name),
                new_attribute=objects.NewAttribute(attribute=name),
            )
        else:
            client.modify_attribute(unique_identifier=uid, attribute=attribute(KIND.NAME, name))

    def located(self, user):
        return self.of(user).locate()

    def allowed(self, what, operation, user, uid):
        self.steps(f"{what}: {operation} by {user}", lambda: self.do(operation, user, uid))

    def refused(self, what, operation, user, uid, reason=DENIED):
        name = f"{what}: {operation} by {user} is refused"
        self.steps.refused(name, reason, lambda: self.do(operation, user, uid))

    def until(self, what, expected, step):
        """Runs a step until it is refused for this reason, or not, if there is none."""

        def wait():
            begin = time.monotonic()
            while True:
                found = reason_of(step)
                taken = time.monotonic() - begin
                if found == expected:
                    Trial.slowest = max(Trial.slowest, taken)
                    return
                check(taken < PATIENCE, f"still {found}")

        self.steps(what, wait)

    def until_got(self, what, user, uid):
        self.until(f"{what}: get by {user}", None, lambda: self.do("get", user, uid))

    def until_not_got(self, what, user, uid):
        name = f"{what}: get by {user} is refused"
        self.until(name, DENIED, lambda: self.do("get", user, uid))


def settle(trial, policy):
    """PyKMIP's server listens before it has read its policies; ours does not."""
    if trial.world.program is None:
        trial.until_got("the policies are read", OWNER, trial.key(policy, "first"))


def groups_decide(trial):
    """What a policy gives to groups, and nothing else."""
    uid = trial.key("team", "team")
    for user in MEMBERS:
        shown = user in TEAM_SHOWS
        name = f"team: locate by {user}"
        trial.steps(name, lambda: check((uid in trial.located(user)) == shown, "not as it must be"))
    for operation, users in TEAM_ALLOWS.items():
        if operation == "encrypt" and trial.version.value < KMIP_1_2.value:
            continue
        if operation == "encrypt":
            # Activate is tried further down; a key is used only if it is active.
            uid = trial.key("team", "team")
            trial.steps("team: activate to encrypt", lambda: trial.do("activate", OWNER, uid))
        if operation == "activate":
            uid = trial.key("team", "team")
        for user in MEMBERS:
            if user not in users:
                trial.refused("team", operation, user, uid)
        for user in users:
            if operation in ONCE:
                uid = trial.key("team", "team")
            trial.allowed("team", operation, user, uid)
        if operation == "revoke":
            uid = trial.key("team", "team")


def other_types_have_rules_of_their_own(trial):
    """What a policy does not mention is denied."""
    if trial.version == KMIP_2_0:
        return
    secret = SecretData(b"secret", enums.SecretDataType.PASSWORD, [MASK.EXPORT], "a password")
    secret.operation_policy_name = "team"
    uid = trial.steps("register: a password", lambda: trial.of(OWNER).register(secret))
    for user in ["john_doe", "jane_smith"]:
        trial.refused("password", "get", user, uid)
        trial.refused("password", "destroy", user, uid)
    for user in ["jane_doe", "john_smith", "mary"]:
        trial.allowed("password", "get", user, uid)
        trial.refused("password", "get_attributes", user, uid)
    trial.allowed("password", "destroy", "mary", uid)


def groups_have_nothing_without_a_section(trial):
    """Who has groups has nothing under a policy without them, be it one's own key."""
    for policy, name in [(None, "default"), ("older", "older"), ("public", "public")]:
        uid = trial.key(policy, name)
        for user in MEMBERS:
            trial.refused(name, "get", user, uid)
            trial.refused(name, "destroy", user, uid)
        trial.steps(f"{name}: not located", lambda: check(uid not in trial.located(OWNER), uid))


def files_change(trial):
    """Policy files that come, change, break, hide each other and go while the server runs."""
    world = trial.world
    to_a = {"moving": {"groups": {"A": getting("ALLOW_ALL")}}}
    to_b = {"moving": {"groups": {"B": getting("ALLOW_ALL")}}}
    uid = trial.key("moving", "moving")
    trial.refused("no file", "get", OWNER, uid)
    world.write("moving", to_a)
    trial.until_got("a new file", "john_doe", uid)
    trial.refused("a new file", "get", "john_smith", uid)
    trial.refused("a new file", "destroy", "john_doe", uid)
    world.write("moving", to_b)
    trial.until_not_got("a changed file", "john_doe", uid)
    trial.allowed("a changed file", "get", "john_smith", uid)

    # When the second file has been read, the first one has been read, too.
    for name, bad in [("no JSON", "{"), ("no operation", json.dumps(to_b).replace("GET", "FETCH"))]:
        seen = trial.key("seen", f"seen: {name}")
        world.write("moving", bad)
        world.write("seen", {"seen": {"groups": {"A": getting("ALLOW_ALL")}}})
        trial.until_got(f"a file after {name}", "john_doe", seen)
        trial.allowed(f"{name}: as before", "get", "john_smith", uid)
        trial.refused(f"{name}: as before", "get", "john_doe", uid)
        world.remove("seen")
        trial.until_not_got(f"the file after {name} goes", "john_doe", seen)

    world.write("z-moving", to_a)
    trial.until_got("a later file", "john_doe", uid)
    trial.refused("a later file", "get", "john_smith", uid)
    world.remove("z-moving")
    trial.until_not_got("the later file goes", "john_doe", uid)
    trial.allowed("the later file goes", "get", "john_smith", uid)
    world.remove("moving")
    trial.until_not_got("the last file goes", "john_smith", uid)
    trial.refused("the last file goes", "get", "john_doe", uid)


def directories_change(trial):
    """Users who change their groups, leave, and directories that are not there."""
    world = trial.world
    uid = trial.key("team", "directories")

    def locate(user):
        return lambda: trial.located(user)

    name = "stranger: locate is refused"
    trial.steps.refused(name, UNAUTHENTICATED, locate(STRANGER))
    create = lambda: trial.of(STRANGER).create(AES, 128)
    trial.steps.refused("stranger: create is refused", UNAUTHENTICATED, create)
    trial.refused("stranger", "get", STRANGER, uid, UNAUTHENTICATED)

    world.first.groups["john_smith"] = ["B", "A"]
    trial.until_got("one more group", "john_smith", uid)
    world.first.groups["john_smith"] = ["B"]
    trial.until_not_got("one group less", "john_smith", uid)
    del world.first.groups["john_smith"]
    trial.until("a user leaves", UNAUTHENTICATED, locate("john_smith"))
    world.second.groups["john_smith"] = ["A"]
    trial.until_got("the other directory knows the user", "john_smith", uid)
    del world.second.groups["john_smith"]
    world.first.groups["john_smith"] = ["B"]
    trial.until_not_got("a user comes back", "john_smith", uid)

    world.first.down()
    trial.until("first down: locate by john_doe", UNAUTHENTICATED, locate("john_doe"))
    trial.steps("first down: locate by mary", locate("mary"))
    world.second.down()
    for user in MEMBERS:
        trial.until(f"both down: locate by {user}", UNAUTHENTICATED, locate(user))
        trial.refused("both down", "get", user, uid, UNAUTHENTICATED)
    world.first.up()
    world.second.up()
    for user in MEMBERS:
        trial.until(f"up again: locate by {user}", None, locate(user))
    trial.allowed("up again", "get", OWNER, uid)

    # PyKMIP takes an error for a yes at the first path, and for a broken answer at the second.
    if world.program is not None:
        world.first.broken = world.second.broken = True
        for user in MEMBERS:
            trial.until(f"broken: locate by {user}", UNAUTHENTICATED, locate(user))
        world.first.broken = world.second.broken = False
        trial.until("whole again: locate", None, locate(OWNER))


def presets_decide(trial):
    """Without SLUGS nobody has a notion of groups: the presets are in force."""
    everybody = [user for user in USERS if user != OWNER]
    own = trial.key(None, "own")
    shared = trial.key("shared", "shared")
    older = trial.key("older", "older")
    closed = {name: trial.key(name, name) for name in ["team", "public", "moving"]}
    for user in everybody:
        trial.refused("own", "get", user, own)
        trial.allowed("shared", "get", user, shared)
        trial.refused("shared", "destroy", user, shared)
        trial.allowed("older", "get", user, older)
        located = lambda: set(trial.located(user)) & {own, shared, older, *closed.values()}
        name = f"presets: locate by {user}"
        trial.steps(name, lambda: check(located() == {shared, older}, located()))
    for name, uid in closed.items():
        for user in USERS:
            trial.refused(name, "get", user, uid)
    trial.allowed("own", "get", OWNER, own)
    trial.allowed("own", "destroy", OWNER, own)
    trial.allowed("shared", "destroy", OWNER, shared)
    trial.allowed("older", "destroy", STRANGER, older)


def only_two_paths(world, steps):
    """Nothing else is asked of a SLUGS."""
    known = {f"/users/{user}{rest}" for user in USERS for rest in ["", "/groups"]}
    for name, stand_in in [("first", world.first), ("second", world.second)]:
        more = stand_in.asked - known
        steps(f"slugs: {name}", lambda: check(stand_in.asked and not more, more))


def main():
    directory, pki, program = sys.argv[1:]
    world = World(directory, pki, None if program == "--pykmip" else program)
    # It warns of configuration files that it does not need here.
    logging.disable(logging.CRITICAL)
    trials = [Trial(world, Steps(version), version) for version in VERSIONS]
    with Server(world, slugs=True):
        settle(trials[-1], "team")
        for trial in trials:
            groups_decide(trial)
            other_types_have_rules_of_their_own(trial)
            groups_have_nothing_without_a_section(trial)
            files_change(trial)
            directories_change(trial)
            only_two_paths(world, trial.steps)
    with Server(world, slugs=False):
        settle(trials[-1], "older")
        for trial in trials:
            presets_decide(trial)
    for trial in trials:
        steps = trial.steps
        print(f"{trial.version.name}: {steps.passed} passed, {steps.failed} failed")
    passed = sum(trial.steps.passed for trial in trials)
    failed = sum(trial.steps.failed for trial in trials)
    print(f"the slowest change took {Trial.slowest:.2f} s")
    print(f"PyKMIP, policies and groups: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
