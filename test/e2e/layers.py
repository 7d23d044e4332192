"""tools/check-layers catches what it must, and accepts the rest: one small tree for each row."""
import os
import shutil
import sys

import lib

ACCEPTED = [
    ("net/udp.c", '#include "core/netdev.h"'),
    ("net/udp.c", '#include "diatom/udp.h"'),
    ("wire/ip.c", '#include "diatom/view.h"'),
    ("core/log.c", '#include "plat/plat.h"'),
    ("lib/dns/zone.c", '#include "wire/cursor.h"'),
    ("app/echo/main.c", "#include <diatom/udp.h>"),
    ("app/echo/main.c", "#include <stdio.h>"),
    ("plat/hosted.c", "#include <sys/mman.h>"),
    ("host/run.c", '#include "abi/boot.h"'),
    ("test/unit/x.c", '#include "net/udp.h"'),
]
REFUSED = [
    ("net/udp.c", '#include "drv/tap.h"', "drv"),
    ("net/udp.c", '#  include "plat/plat.h"', "plat"),
    ("wire/ip.c", '#include "core/netdev.h"', "core"),
    ("wire/ip.c", '#include "diatom/udp.h"', "udp.h"),
    ("wire/ip.c", "#include <sys/socket.h>", "pure C"),
    ("core/log.c", '#include "net/udp.h"', "net"),
    ("core/log.c", '#include "diatom/dns.h"', "dns.h"),
    ("lib/dns/zone.c", '#include "plat/plat.h"', "plat"),
    ("app/echo/main.c", '#include "core/loop.h"', "core"),
    ("host/run.c", '#include "core/loop.h"', "core"),
    ("abi/boot.h", '#include "base/endian.h"', "base"),
    ("extra/x.c", "", "extra"),
    ("core/log.c", '#include "nowhere/x.h"', "nowhere"),
]


def judged(lab, path, line):
    tree = lab.path("tree")
    os.makedirs(os.path.join(tree, os.path.dirname(path)))
    shutil.copy(os.path.join(lib.ROOT, "ARCHITECTURE.md"), tree)
    with open(os.path.join(tree, path), "w") as file:
        file.write(line + "\n")
    result = lab.run([sys.executable, os.path.join(lib.ROOT, "tools/check-layers"), "--root", tree])
    shutil.rmtree(tree)
    return result


@lib.test
def layers_accepts(lab):
    for path, line in ACCEPTED:
        result = judged(lab, path, line)
        lib.equal(result.code, 0, f"{path}: {line}: {result.out}exit")


@lib.test
def layers_refuses(lab):
    for path, line, named in REFUSED:
        result = judged(lab, path, line)
        lib.equal(result.code, 1, f"{path}: {line}: exit")
        lib.contains(result.out, named)


lib.main()
