"""What the servers here have in common: one thread for a connection, as long as the process is."""

import json
import socket
import sys
import threading

# Seconds that a client may take for a message, so that no thread stays for good.
PATIENCE = 10

# The type of a record of TLS (RFC 5246 section 6.2.1).
HANDSHAKE = 22


def setup():
    """What the file says that the first argument names."""
    with open(sys.argv[1], encoding="utf-8") as file:
        return json.load(file)


def is_hello(connection):
    """Whether what comes begins as a handshake or as a record of SSL 2.0. Both libraries would take
    all else for a padded record of SSL 2.0, and wait for the rest of it."""
    first = connection.recv(1, socket.MSG_PEEK)
    return bool(first) and (first[0] == HANDSHAKE or first[0] & 0x80 != 0)


def serve(connection, answer):
    """Serves one connection to its end."""
    connection.settimeout(PATIENCE)
    try:
        if is_hello(connection):
            answer(connection)
    except Exception:  # pylint: disable=broad-except
        # Whatever a client sends ends its own connection and no other.
        pass
    finally:
        connection.close()


def accept(port, answer):
    """Hands every connection to `answer`, until the process is ended."""
    with socket.create_server(("127.0.0.1", port), backlog=64) as server:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection, answer), daemon=True).start()
