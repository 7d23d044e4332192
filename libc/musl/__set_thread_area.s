# Replaces musl's src/thread/x86_64/__set_thread_area.s: the thread pointer is set by an instruction
# that ring 3 may use (cr4.FSGSBASE, abi/boot.h), not by a system call. Where boot info says that the
# CPU has no such instruction (BOOT_CPU_NO_FSGSBASE), by the platform call CALL_THREAD.
.text
.global __set_thread_area
.hidden __set_thread_area
.type __set_thread_area,@function
__set_thread_area:
	mov plat_boot(%rip),%rax
	testb $16,40(%rax)
	jnz 1f
	wrfsbase %rdi
	xor %eax,%eax
	ret
1:	mov %rdi,%rsi
	mov $8,%edi
	call *16(%rax)
	xor %eax,%eax
	ret
.size __set_thread_area,.-__set_thread_area
.hidden plat_boot
