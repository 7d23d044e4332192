"""
Bytes on connections, as they are: for tests of servers, by a script that runs in the test's network.
"""
import base64
import json
import re

import lib

CLIENT = r"""
import base64, json, socket, sys, time

def talk(address, plan):
    s = socket.create_connection((address, 80), 5)
    s.settimeout(plan["patience"])
    got, end = b"", "open"
    for step in plan["steps"]:
        if isinstance(step, (int, float)):
            time.sleep(step)
        else:
            try:
                s.sendall(base64.b64decode(step))
            except OSError:
                pass
    if plan["half"]:
        s.shutdown(socket.SHUT_WR)
    try:
        while len(got) < plan["most"]:
            part = s.recv(65536)
            if not part:
                end = "closed"
                break
            got += part
    except socket.timeout:
        pass
    except ConnectionResetError:
        end = "reset"
    s.close()
    return base64.b64encode(got).decode(), end

print(json.dumps([talk(sys.argv[1], plan) for plan in json.load(open(sys.argv[2]))]))
"""


def _encoded(step):
    if isinstance(step, (int, float)):
        return step
    return base64.b64encode(step.encode("latin1") if isinstance(step, str) else step).decode()


def talk_rows(lab, net, rows, patience=1.0, half=False, most=1 << 24):
    """
    A connection after another, on which each row's steps are done: bytes are sent, numbers are seconds to wait. For
    each what came back, and how it ended: "closed", "reset", or "open" when nothing came for so long.
    """
    plans = [{"steps": [_encoded(s) for s in steps], "patience": patience, "half": half, "most": most}
             for steps in rows]
    done = lab.run(["/usr/bin/python3", "-c", CLIENT, net.body, lab.path("plans", json.dumps(plans))],
                   inside=net, timeout=30 + len(rows))
    lib.equal(done.code, 0, f"{done.err}client")
    return [(base64.b64decode(got), end) for got, end in json.loads(done.out)]


def talk(lab, net, *steps, **options):
    """The same on one connection."""
    return talk_rows(lab, net, [steps], **options)[0]


def statuses(reply):
    return [int(s) for s in re.findall(rb"HTTP/1\.1 (\d{3}) ", reply)]
