# Replaces musl's src/thread/x86_64/__set_thread_area.s: the thread pointer is set by an instruction
# that ring 3 may use (cr4.FSGSBASE, abi/boot.h), not by a system call.
.text
.global __set_thread_area
.hidden __set_thread_area
.type __set_thread_area,@function
__set_thread_area:
	wrfsbase %rdi
	xor %eax,%eax
	ret
.size __set_thread_area,.-__set_thread_area
