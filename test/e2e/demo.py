"""
`make demo` as a newcomer sees it: it ends well and its summary has every row that the machine can show.
"""
import os
import re

import lib


@lib.test
def shows_its_images(lab):
    lib.need("netns", "tun", "dig", "ping")
    done = lab.run(["/usr/bin/python3", os.path.join(lib.ROOT, "tools/demo")], timeout=120)
    lib.equal(done.code, 0, f"{done.out[-500:]}{done.err[-500:]}exit code")
    rows = [re.split(r"  +", line[2:]) for line in done.out.splitlines() if line.startswith("✓ ")]
    good = {(row[0], row[2]) for row in rows}
    targets = ["process"] + (["VM"] if os.path.exists("/dev/kvm") else [])
    lib.equal(good, {(image, target) for image in ("hello", "dns") for target in targets}, "rows")


lib.main()
