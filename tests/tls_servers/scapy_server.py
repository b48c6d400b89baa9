"""A server of Scapy's automaton, set up by the JSON file that the first argument names (see
README.md): SSL 2.0, and versions from SSL 3.0 to TLS 1.2 beside it."""

import logging

from accepting import accept, setup
from scapy.automaton import ATMT
from scapy.layers.tls.automaton_srv import TLSServerAutomaton
from scapy.layers.tls.basefields import _tls_version
from scapy.layers.tls.crypto.suites import _tls_cipher_suites
from scapy.layers.tls.extensions import TLS_Ext_RenegotiationInfo
from scapy.layers.tls.handshake import TLSClientHello, TLSServerHello
from scapy.layers.tls.handshake_sslv2 import SSLv2Error, SSLv2ServerHello
from scapy.layers.tls.record import TLSAlert

# Alerts of RFC 5246 section 7.2.
FATAL, HANDSHAKE_FAILURE, PROTOCOL_VERSION = 2, 40, 70

# NO-CIPHER-ERROR of "The SSL Protocol", 1995.
NO_CIPHER = 1


def codes(names, table):
    """The codes that Scapy's own table has for names, in the order of the names."""
    return [next(code for code, known in table.items() if known == name) for name in names]


class Served(TLSServerAutomaton):
    """One connection. The automaton of Scapy serves one client after the other, offers every kind of
    cipher in SSL 2.0, and takes every version and suite: what is changed here is that it has a
    connection already, ends with it, and keeps to what it was told."""

    def parse_args(self, connection, told, **others):
        super().parse_args(mycert=told["certificate"], mykey=told["key"], verbose=False, **others)
        self.socket = connection
        self.serversocket = connection
        self.declines = told["declines"]
        self.versions = codes(told["versions"], _tls_version)
        self.kinds = codes(told["kinds"], _tls_cipher_suites)
        self.suites = codes(told["suites"], _tls_cipher_suites)

    @ATMT.state()
    def BIND(self):
        raise self.INIT_TLS_SESSION()

    @ATMT.state()
    def WAITING_CLIENT(self):
        raise self.FINAL()

    def chosen(self):
        """The version and the suite for the hello that came, by the client's order; or an alert."""
        hello = self.cur_pkt
        older = [version for version in self.versions if 0x0300 <= version <= hello.version]
        if not older:
            return PROTOCOL_VERSION
        suites = [suite for suite in hello.ciphers if suite in self.suites]
        return (max(older), suites[0]) if suites else HANDSHAKE_FAILURE

    def decline(self, alert):
        """Says no in the way that it was told."""
        if self.declines == "silence":
            # Until the client has had enough.
            while self.socket.recv(4096):
                pass
        elif self.declines == "alert":
            self.cur_session.advertised_tls_version = 0x0300
            self.add_record()
            self.add_msg(TLSAlert(level=FATAL, descr=alert))
            self.flush_records()
        self.socket.close()
        raise self.FINAL()

    @ATMT.condition(TLSServerAutomaton.RECEIVED_CLIENTFLIGHT1, prio=1)
    def tls13_should_handle_ClientHello(self):
        # A client of TLS 1.3 is one that takes less, too.
        self.raise_on_packet(TLSClientHello, self.HANDLED_CLIENTHELLO)

    @ATMT.state()
    def HANDLED_CLIENTHELLO(self):
        chosen = self.chosen()
        if isinstance(chosen, int):
            self.decline(chosen)
        # Records are written by this, and those of TLS 1.3 are encrypted.
        self.cur_session.advertised_tls_version = chosen[0]
        raise self.PREPARE_SERVERFLIGHT1()

    @ATMT.condition(TLSServerAutomaton.PREPARE_SERVERFLIGHT1)
    def should_add_ServerHello(self):
        version, suite = self.chosen()
        extensions = [TLS_Ext_RenegotiationInfo()] if self.cur_pkt.ext else None
        self.add_msg(TLSServerHello(version=version, cipher=suite, ext=extensions))
        raise self.ADDED_SERVERHELLO()

    @ATMT.state()
    def SSLv2_HANDLED_CLIENTHELLO(self):
        if 0x0002 not in self.versions:
            self.decline(PROTOCOL_VERSION)

    @ATMT.condition(TLSServerAutomaton.SSLv2_HANDLED_CLIENTHELLO)
    def sslv2_should_add_ServerHello(self):
        self.add_record(is_sslv2=True)
        if not self.kinds and self.declines == "error":
            self.add_msg(SSLv2Error(code=NO_CIPHER))
        else:
            hello = SSLv2ServerHello(
                cert=self.mycert, ciphers=self.kinds, connection_id=bytes(range(16))
            )
            self.add_msg(hello)
        raise self.SSLv2_ADDED_SERVERHELLO()


def main():
    """Reads the file and serves until the process is ended."""
    logging.disable(logging.CRITICAL)
    told = setup()
    accept(told["port"], lambda connection: Served(connection=connection, told=told).run())


if __name__ == "__main__":
    main()
