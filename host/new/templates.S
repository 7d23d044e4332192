/* The files of share/template/, each a text with a NUL behind it: see new.c. */
	.section .rodata
	.macro file name, path
	.globl template_\name
template_\name:
	.incbin "share/template/\path"
	.byte 0
	.endm

	file makefile, "all/Makefile"
	file gitignore, "all/gitignore"
	file hello_main, "hello/main.c"
	file hello_test, "hello/test.sh"
	file hello_readme, "hello/README.md"
	file echo_main, "echo/main.c"
	file echo_test, "echo/test.sh"
	file echo_readme, "echo/README.md"
	file dns_main, "dns/main.c"
	file dns_test, "dns/test.sh"
	file dns_readme, "dns/README.md"
	file dns_zone, "dns/zone"

	.section .note.GNU-stack, "", @progbits
