# SPDX-License-Identifier: BSD-3-Clause
"""Asks resolvers for names again and again: asker.py SECONDS PERIOD PORT... -- NAME...

Prints a JSON object a line when what a resolver says of a name changes: name, port, code (-1:
nobody answered), time of the question. Ends after SECONDS.
"""

import json
import select
import socket
import struct
import sys
import time

ANSWER_SECONDS = 2


def query(ident, name):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack("!6H", ident, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


def main():
    split = sys.argv.index("--")
    seconds, period = float(sys.argv[1]), float(sys.argv[2])
    ports, names = [int(p) for p in sys.argv[3:split]], sys.argv[split + 1:]
    sockets = {p: socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for p in ports}
    for port, one in sockets.items():
        one.connect(("127.0.0.1", port))
    said, asked, ident, end = {}, {}, 0, time.time() + seconds

    def tell(name, port, code, when):
        if said.get((name, port)) != code:
            said[name, port] = code
            print(json.dumps({"name": name, "port": port, "code": code, "time": when}), flush=True)
    while time.time() < end:
        turn = time.time()
        for name in names:
            for port, one in sockets.items():
                ident = (ident + 1) % 65536
                asked[port, ident] = name, turn
                try:
                    one.send(query(ident, name))
                except OSError:
                    pass
        while (left := turn + period - time.time()) > 0:
            for one in select.select(list(sockets.values()), [], [], left)[0]:
                port = one.getpeername()[1]
                try:
                    message = one.recv(4096)
                except OSError:
                    continue
                got, flags = struct.unpack_from("!HH", message)
                if (port, got) in asked:
                    name, when = asked.pop((port, got))
                    tell(name, port, flags & 15, when)
        for key, (name, when) in list(asked.items()):
            if when < turn - ANSWER_SECONDS:
                tell(name, key[0], -1, when)
                del asked[key]


if __name__ == "__main__":
    main()
