"""
Console input and the entropy device, as a VM, as a process and in QEMU: a small program is built and talked to.
"""
import os

import lib

PROGRAM = """
#include <stdio.h>
#include <string.h>
#include <diatom/app.h>
#include <diatom/console.h>
#include <diatom/random.h>

DIATOM_CONSOLE(terminal);
DIATOM_ENTROPY(entropy);

int main(void)
{
	char line[100];
	size_t length;

	for (int i = 0; i < 40000; i++) /* several collections of entropy */
		random_u64();
	puts("ready");
	fflush(stdout);
	while (console_read(&terminal, line, sizeof(line), &length, FOREVER) == OK) {
		console_write(&terminal, line, length);
		if (memchr(line, 'Q', length))
			return 7;
	}
	return 0;
}
"""


def talk(lab, target):
    """The running program and the writing end of its input."""
    image = lab.path("talk")
    done = lab.run([lib.DIATOM, "build", lab.path("talk.c", PROGRAM.encode()), "-o", image])
    lib.equal(done.code, 0, f"{done.err}exit of diatom build")
    reader, writer = os.pipe()
    body = lab.start([lib.DIATOM, "run", *lib.target_options(target), image], stdin=reader)
    os.close(reader)
    body.wait_for_text("ready")
    return body, writer


@lib.test_each("vm", "process", "qemu", "q35")
def input_is_echoed(lab, target):
    body, writer = talk(lab, target)
    text = "".join(f"line {i}\n" for i in range(500))
    for i in range(0, len(text), 700):     # more than the device's buffers hold
        os.write(writer, text[i:i + 700].encode())
    os.write(writer, b"Q")
    lib.equal(body.wait(10), 7, f"{body.err()}exit code")
    lib.equal(body.out(), "ready\n" + text + "Q", "what came back")
    lib.check("entropy" not in body.err(), body.err())


@lib.test_each("vm", "process", "qemu")
def term_ends_a_waiting_reader(lab, target):
    body, _ = talk(lab, target)
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


@lib.test
def end_of_input_ends_a_process(lab):
    body, writer = talk(lab, "process")
    os.close(writer)
    lib.equal(body.wait(10), 0, f"{body.err()}exit code")


lib.main()
