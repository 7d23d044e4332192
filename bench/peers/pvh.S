/*
 * The least that a PVH kernel can do and still be in the shape of ours: what QEMU itself costs.
 *
 *     PVH entry, 32-bit -> long mode, 2 MiB mapped -> ring 3 -> one byte to the serial port -> exit
 *
 * The ports are granted by the TSS bitmap, so that ring 3 needs no ring 0 behind it. A command line
 * that begins with 'i' makes it an idle kernel instead, which halts for good: what an idle guest of
 * QEMU's costs at least.
 */
#define SERIAL	 0x3f8
#define EXIT	 0xf4 /* isa-debug-exit: QEMU ends with (value << 1) | 1 */
#define TSS_SIZE (0x68 + 0x80 + 1)

	.section .note.pvh, "a", @note
	.align 4
	.long 4, 8, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad _start

	.text
	.code32
	.globl _start
_start:	/* ebx: struct hvm_start_info */
	cld
	mov 24(%ebx), %esi /* cmdline_paddr */
	test %esi, %esi
	jz 1f
	cmpb $'i', (%esi)
	je idle
1:
	movl $(table3 + 7), table4
	movl $(table2 + 7), table3
	movl $0x87, table2 /* one page of 2 MiB */
	mov $tss, %eax
	mov %ax, gdt + 0x28 + 2
	shr $16, %eax
	mov %al, gdt + 0x28 + 4
	mov %ah, gdt + 0x28 + 7
	mov $0x20, %eax /* PAE */
	mov %eax, %cr4
	mov $table4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx /* EFER: long mode */
	rdmsr
	or $0x100, %eax
	wrmsr
	mov %cr0, %eax
	or $0x80000001, %eax
	mov %eax, %cr0
	lgdt gdt_pointer
	ljmp $0x08, $wide
idle:
	cli
	hlt
	jmp idle

	.code64
wide:
	mov $0x28, %eax
	ltr %ax
	push $0x1b /* ss */
	push $stack_end
	push $2 /* flags */
	push $0x23 /* cs */
	push $ring3
	iretq
ring3:
	mov $SERIAL, %edx
	mov $'!', %al
	out %al, %dx
	xor %eax, %eax
	out %eax, $EXIT
	ud2

	.data
	.align 8
gdt:
	.quad 0
	.quad 0x00af9b000000ffff /* 08: ring 0 code, 64-bit */
	.quad 0x00cf93000000ffff /* 10: ring 0 data */
	.quad 0x00cff3000000ffff /* 18: ring 3 data */
	.quad 0x00affb000000ffff /* 20: ring 3 code, 64-bit */
	.quad 0x0000890000000000 + TSS_SIZE - 1, 0 /* 28: TSS */
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.quad gdt
	.align 8
tss:
	.fill 0x66
	.word 0x68 /* of the port bitmap: all that it covers is granted */
	.fill 0x80
	.byte 0xff

	.bss
	.align 4096
table4:	.skip 4096
table3:	.skip 4096
table2:	.skip 4096
	.skip 256
stack_end:
	.section .note.GNU-stack, "", @progbits
