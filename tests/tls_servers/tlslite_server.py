"""A server of tlslite-ng, set up by the JSON file that the first argument names (see README.md): SSL
3.0 to TLS 1.3."""

from accepting import accept, setup
from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.constants import CipherSuite

# What it calls the versions.
VERSIONS = {
    "SSLv3": (3, 0),
    "TLSv1.0": (3, 1),
    "TLSv1.1": (3, 2),
    "TLSv1.2": (3, 3),
    "TLSv1.3": (3, 4),
}

# Its suites by key exchange, for those with an RSA key.
SUITES = (
    CipherSuite.getCertSuites,
    CipherSuite.getDheCertSuites,
    CipherSuite.getEcdheCertSuites,
)


def settings(told):
    """The same in tlslite's own words. It has a lowest and a highest version, and no holes."""
    words = HandshakeSettings()
    words.versions = sorted(VERSIONS[name] for name in told["versions"])
    words.minVersion, words.maxVersion = words.versions[0], words.versions[-1]
    words.cipherNames = told["ciphers"]
    words.macNames = told["macs"]
    words.keyExchangeNames = told["exchanges"]
    if "curves" in told:
        words.eccCurves = told["curves"]
        words.keyShares = []
    return words.validate()


def tell(words, path):
    """Writes what these words come to by its own tables: versions, suites and groups."""
    with open(path, "w", encoding="utf-8") as file:
        for name, version in VERSIONS.items():
            if not words.minVersion <= version <= words.maxVersion:
                continue
            print("version", name, file=file)
            for suites in SUITES:
                for code in suites(words, version):
                    print(f"suite 0x{code:04x}", file=file)
        for name in words.eccCurves:
            print("group", name, file=file)


def main():
    """Reads the files and serves until the process is ended."""
    told = setup()
    words = settings(told)
    if "told" in told:
        tell(words, told["told"])
    chain = X509CertChain()
    with open(told["certificate"], encoding="utf-8") as file:
        chain.parsePemList(file.read())
    with open(told["key"], encoding="utf-8") as file:
        key = parsePEMKey(file.read(), private=True)

    def answer(connection):
        tls = TLSConnection(connection)
        tls.handshakeServer(certChain=chain, privateKey=key, settings=words)
        # Until the client has had enough.
        tls.read(max=1)
        tls.close()

    accept(told["port"], answer)


if __name__ == "__main__":
    main()
