/*
 * plat_syscall: moves the arguments from where C puts them to where Linux wants them, and jumps to
 * the host's stub (boot_info.syscall: `syscall; ret`), which returns to our caller.
 *
 *     C:      rdi number   rsi a   rdx b   rcx c   r8 d   r9 e   stack f
 *     Linux:  rax number   rdi a   rsi b   rdx c   r10 d  r8 e   r9 f
 */
	.cfi_sections .debug_frame
	.section .text.plat_syscall, "ax", @progbits
	.globl plat_syscall
	.hidden plat_syscall
	.type plat_syscall, @function
plat_syscall:
	.cfi_startproc
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	mov %r8, %r10
	mov %r9, %r8
	mov 8(%rsp), %r9
	mov plat_boot(%rip), %r11
	jmp *24(%r11) /* boot_info.syscall; plat/process.c asserts the offset */
	.cfi_endproc
	.size plat_syscall, . - plat_syscall
	.section .note.GNU-stack, "", @progbits
