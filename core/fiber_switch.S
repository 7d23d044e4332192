/*
 * void fiber_switch(void **save, void *load): leaves one stack for another.
 *
 * Only what the calling convention says a call preserves goes on the stack: six registers and the
 * return address. mxcsr and the x87 control word are the image's, not a fiber's. The jump, in place
 * of a return, is for the branch predictor: a return would be predicted to the wrong caller.
 *
 *     sp -> r15 r14 r13 r12 rbx rbp, where to go on
 */
	.text
	.globl	fiber_switch
	.hidden	fiber_switch
	.type	fiber_switch, @function
	.balign	16
fiber_switch:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	popq	%rcx
	jmpq	*%rcx
	.size	fiber_switch, . - fiber_switch

	.section .note.GNU-stack, "", @progbits
