"""
Bytes on a connection, as they are: for tests of servers, by a script that runs in the test's network.
"""
import base64
import json

import lib

CLIENT = r"""
import base64, json, socket, sys, time
address, plan = sys.argv[1], json.loads(sys.argv[2])
s = socket.create_connection((address, 80), 5)
s.settimeout(plan.get("patience", 5))
got = b""
for step in plan["steps"]:
    if isinstance(step, (int, float)):
        time.sleep(step)
    else:
        try:
            s.sendall(base64.b64decode(step))
        except OSError:
            pass
end = "open"
if plan.get("half"):
    s.shutdown(socket.SHUT_WR)
try:
    while len(got) < plan.get("most", 1 << 24):
        part = s.recv(65536)
        if not part:
            end = "closed"
            break
        got += part
except socket.timeout:
    pass
except ConnectionResetError:
    end = "reset"
print(json.dumps([base64.b64encode(got).decode(), end]))
"""


def talk(lab, net, *steps, patience=1.0, half=False, most=None):
    """Sends bytes (and waits, for numbers) on one connection: what came back, and how it ended."""
    plan = {"steps": [s if isinstance(s, (int, float)) else
                      base64.b64encode(s.encode("latin1") if isinstance(s, str) else s).decode()
                      for s in steps], "patience": patience, "half": half}
    if most:
        plan["most"] = most
    done = lab.run(["/usr/bin/python3", "-c", CLIENT, net.body, json.dumps(plan)], inside=net,
                   timeout=30)
    lib.equal(done.code, 0, f"{done.err}client")
    got, end = json.loads(done.out)
    return base64.b64decode(got), end
