/*
 * process_enter, see enter.h. The entry's address goes over the body's stack, so that no register
 * holds it; of the loader nothing remains but the return of its signal handlers.
 */
	.section .text.process_enter, "ax", @progbits
	.globl process_enter
	.type process_enter, @function
process_enter:
	lea -8(%rdx), %rsp
	push %rsi
	xor %eax, %eax
	xor %ebx, %ebx
	xor %ecx, %ecx
	xor %edx, %edx
	xor %esi, %esi
	xor %ebp, %ebp
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	xor %r12d, %r12d
	xor %r13d, %r13d
	xor %r14d, %r14d
	xor %r15d, %r15d
	wrfsbase %rax
	fninit
	pushq $0x1f80
	ldmxcsr (%rsp)
	lea 8(%rsp), %rsp
	cld
	xorps %xmm0, %xmm0
	ret
	.size process_enter, . - process_enter
	.section .note.GNU-stack, "", @progbits
