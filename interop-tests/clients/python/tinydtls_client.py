"""Opens a session of tinydtls with a server on this machine, says a text, and prints what is answered."""

import argparse
import socket
import time

from DTLSSocket import dtls

HANDSHAKE_IS_DONE = 0x1DE
LOOK_AGAIN_S = 0.05


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--text", required=True)
    arguments.add_argument("--identity", required=True)
    arguments.add_argument("--key", required=True)
    arguments.add_argument("--within", type=float, default=15, help="seconds")
    given = arguments.parse_args()

    server = ("::ffff:127.0.0.1", given.port, 0, 0)
    line = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    line.settimeout(LOOK_AGAIN_S)
    heard, events = [], []

    def write(address, data):
        return line.sendto(data, server)

    def read(address, data):
        heard.append(bytes(data))
        return len(data)

    identity = given.identity.encode()
    client = dtls.DTLS(
        read=read,
        write=write,
        event=lambda level, code: events.append((level, code)),
        pskId=identity,
        pskStore={identity: given.key.encode()},
    )
    session = client.connect(*server)
    deadline = time.monotonic() + given.within
    is_said = False
    while time.monotonic() < deadline and not heard:
        try:
            data, source = line.recvfrom(2048)
            client.handleMessageAddr(source[0], source[1], data)
        except TimeoutError:
            client.checkRetransmit()
        if not is_said and any(code == HANDSHAKE_IS_DONE for _, code in events):
            client.write(session, given.text.encode())
            is_said = True
    if not heard:
        raise SystemExit(f"in vain; level and code of what it told: {events}")
    print(heard[0].decode(), flush=True)
    client.close(session)


main()
