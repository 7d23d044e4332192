/*
 * void fiber_switch(void **save, void *load): leaves one stack for another.
 *
 * Only what the calling convention says a call preserves goes on the stack: six registers and the
 * return address. mxcsr and the x87 control word are the image's, not a fiber's. The jump, in place
 * of a return, is for the branch predictor: a return would be predicted to the wrong caller.
 *
 *     sp -> r15 r14 r13 r12 rbx rbp, where to go on
 */
	.cfi_sections .debug_frame

	.macro	SAVE register
	pushq	\register
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \register, 0
	.endm

	.macro	RESTORE register
	popq	\register
	.cfi_adjust_cfa_offset -8
	.cfi_restore \register
	.endm

	.text
	.globl	fiber_switch
	.hidden	fiber_switch
	.type	fiber_switch, @function
	.balign	16
fiber_switch:
	.cfi_startproc
	SAVE	%rbp
	SAVE	%rbx
	SAVE	%r12
	SAVE	%r13
	SAVE	%r14
	SAVE	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	RESTORE	%r15
	RESTORE	%r14
	RESTORE	%r13
	RESTORE	%r12
	RESTORE	%rbx
	RESTORE	%rbp
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmpq	*%rcx
	.cfi_endproc
	.size	fiber_switch, . - fiber_switch

	.section .note.GNU-stack, "", @progbits
