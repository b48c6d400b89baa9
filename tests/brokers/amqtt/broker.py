"""A broker of amqtt, set up by the JSON file that the first argument names (see ../README.md)."""

import asyncio
import json
import logging
import os
import sys
import tempfile

from amqtt.broker import Broker
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

# A login costs what the hash says; what is tested here is whether it is asked.
CHEAP = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)


def password_file(users, folder):
    """Writes the users in the form that amqtt reads."""
    hashes = PasswordHash((CHEAP,))
    path = os.path.join(folder, "passwords")
    with open(path, "w", encoding="utf-8") as file:
        for user, password in users.items():
            file.write(f"{user}:{hashes.hash(password)}\n")
    return path


def configuration(setup, folder):
    """The same in amqtt's own words."""
    listener = {
        "type": "ws" if setup.get("websockets") else "tcp",
        "bind": f"127.0.0.1:{setup['port']}",
    }
    if "certificate" in setup:
        listener |= {"ssl": True, "certfile": setup["certificate"], "keyfile": setup["key"]}
    plugins = {}
    if "users" in setup:
        file = password_file(setup["users"], folder)
        plugins["amqtt.plugins.authentication.FileAuthPlugin"] = {"password_file": file}
    else:
        plugins["amqtt.plugins.authentication.AnonymousAuthPlugin"] = {"allow_anonymous": True}
    if "rights" in setup:
        # It calls a client without a name so.
        rights = {user or "anonymous": filters for user, filters in setup["rights"].items()}
        plugins["amqtt.plugins.topic_checking.TopicAccessControlListPlugin"] = {
            "publish_acl": rights,
            "acl": rights,
        }
    return {"listeners": {"default": listener}, "plugins": plugins}


async def serve(setup, folder):
    """Serves until the process is ended."""
    broker = Broker(configuration(setup, folder))
    await broker.start()
    await asyncio.Event().wait()


def main():
    """Reads the file and serves."""
    logging.disable(logging.CRITICAL)
    with open(sys.argv[1], encoding="utf-8") as file:
        setup = json.load(file)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serve(setup, folder))


if __name__ == "__main__":
    main()
