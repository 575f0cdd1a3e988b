"""Opens a session of Mbed TLS with a server on this machine, says a text, and prints what is answered."""

import argparse
import pathlib
import socket
import time

from mbedtls import pk, tls, x509


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--text", required=True)
    arguments.add_argument("--suite", required=True, help="as Mbed TLS calls it")
    arguments.add_argument("--identity")
    arguments.add_argument("--key")
    arguments.add_argument("--authority", type=pathlib.Path, help="a certificate in DER")
    arguments.add_argument("--certificate", type=pathlib.Path, help="in DER")
    arguments.add_argument("--private-key", type=pathlib.Path, help="PKCS #8 in DER")
    given = arguments.parse_args()

    if given.suite not in tls.ciphers_available():
        raise SystemExit(f"this Mbed TLS has no {given.suite}")
    ways = {"validate_certificates": False}
    if given.identity:
        ways["pre_shared_key"] = (given.identity, given.key.encode())
    if given.authority:
        own = x509.CRT.from_DER(given.certificate.read_bytes())
        key = pk.ECC.from_DER(given.private_key.read_bytes())
        trusted = tls.TrustStore()
        trusted.add(x509.CRT.from_DER(given.authority.read_bytes()))
        ways = {
            "validate_certificates": True,
            "certificate_chain": ((own,), key),
            "trust_store": trusted,
        }
    configuration = tls.DTLSConfiguration(
        ciphers=[given.suite],
        lowest_supported_version=tls.DTLSVersion.DTLSv1_2,
        handshake_timeout_min=1.0,
        handshake_timeout_max=8.0,
        read_timeout=15.0,
        **ways,
    )
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    session = tls.ClientContext(configuration).wrap_socket(line, server_hostname="localhost")
    session.connect(("127.0.0.1", given.port))
    session.do_handshake()
    session.send(given.text.encode())
    print(session.recv(2048).decode(), flush=True)
    session.close()


main()
