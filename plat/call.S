/*
 * call_entry, see call.h: shifts the arguments by one register and jumps, so that the entry returns
 * to our caller.
 */
	.cfi_sections .debug_frame
	.section .text.call_entry, "ax", @progbits
	.globl call_entry
	.hidden call_entry
	.type call_entry, @function
call_entry:
	.cfi_startproc
	mov %rdi, %rax
	mov %esi, %edi
	mov %rdx, %rsi
	mov %rcx, %rdx
	jmp *%rax
	.cfi_endproc
	.size call_entry, . - call_entry
	.section .note.GNU-stack, "", @progbits
