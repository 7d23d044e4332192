/*
 * All of the shim's assembly: from PVH's 32-bit entry to C, from exceptions and platform calls to C,
 * and into the body.
 *
 *     shim_entry       32-bit, paging off, ebx = struct hvm_start_info; physical = virtual all the way
 *       tables         one to one, for ring 0 only: the first 16 MiB, where loaders put things, and
 *                      the last 64 MiB below 4 GiB with the APICs; more by world_see. Nothing is
 *                      executable but the first 2 MiB.
 *       long mode
 *       ring 3         unpacks all that isn't in this section: where hypervisors emulate ring 0, that
 *                      takes a thousand times longer there
 *       int3           back in ring 0: shim_start(start info), which does not return
 *
 * What each exception finds on its stack (IST1, always the same place): the CPU's frame, with an error
 * code before it or not, the vector, and then, in the order of struct shim_frame, the registers.
 */
#include "abi/shim_image.h"

#define PRESENT_WRITABLE 3
#define USER		 4    /* the first 2 MiB, while ring 3 unpacks */
#define LARGE_PAGE	 0x83 /* and present, writable */
#define NO_EXECUTE	 0x80000000 /* in the upper half */
#define FIRST_PAGES	 8  /* of 2 MiB */
#define LAST_PAGES	 32
#define EFER		 0xc0000080
#define EFER_WANTED	 0x900 /* NXE LME */
#define CR4_WANTED	 0x620 /* PAE OSFXSR OSXMMEXCPT */
#define CR0_WANTED	 0x80050033 /* PG AM WP NE ET MP PE */
#define CPU_WANTED	 0x20100000 /* CPUID 0x80000001, edx: LM NX */
#define SERIAL_PORT	 0x3f8

	.section .entry, "ax", @progbits
	.code32
	.globl shim_entry
shim_entry:
	jmp begin
	.balign 8
	.globl shim_image
shim_image:
	.long SHIM_MAGIC, shim_memory_bytes
	.skip SHIM_IMAGE_BYTES - 8

begin:
	cli
	cld
	mov $shim_stack_end, %esp
	mov %ebx, %ebp
	mov $0x80000001, %eax
	cpuid
	and $CPU_WANTED, %edx
	cmp $CPU_WANTED, %edx
	jne old_cpu

	movl $(table_pointers + PRESENT_WRITABLE + USER), table_root
	mov $(table_directories + PRESENT_WRITABLE), %eax
	mov $table_pointers, %edi
1:	mov %eax, (%edi)
	add $0x1000, %eax
	add $8, %edi
	cmp $(table_pointers + 32), %edi
	jne 1b
	mov $LARGE_PAGE, %eax
	mov $table_directories, %edi
	mov $FIRST_PAGES, %ecx
	call map_large
	movl $0, table_directories + 4 /* the first is executable */
	orl $USER, table_directories
	orl $USER, table_pointers
	mov $(LARGE_PAGE - (LAST_PAGES << 21)), %eax
	mov $(table_directories + 0x4000 - LAST_PAGES * 8), %edi
	mov $LAST_PAGES, %ecx
	call map_large

	mov $CR4_WANTED, %eax
	mov %eax, %cr4
	mov $table_root, %eax
	mov %eax, %cr3
	mov $EFER, %ecx
	rdmsr
	or $EFER_WANTED, %eax
	wrmsr
	mov $CR0_WANTED, %eax
	mov %eax, %cr0
	lgdt first_gdt_pointer
	ljmp $8, $wide

/* ecx entries at edi, the first of them eax. */
map_large:
	mov %eax, (%edi)
	movl $NO_EXECUTE, 4(%edi)
	add $0x200000, %eax
	add $8, %edi
	loop map_large
	ret

/* No long mode, or no no-execute pages: nothing of ours runs here. */
old_cpu:
	mov $old_cpu_text, %esi
	mov $(old_cpu_text_end - old_cpu_text), %ecx
	mov $SERIAL_PORT, %edx
	rep outsb
5:	hlt
	jmp 5b
old_cpu_text:
	.ascii "diatom: this CPU can't run 64-bit code with no-execute pages: choose another\r\n"
old_cpu_text_end:

	.balign 8
first_gdt: /* selectors as in system.c */
	.quad 0
	.quad 0x00209b0000000000 /* 08: ring 0 code, 64-bit */
	.quad 0x0000930000000000 /* 10: ring 0 data */
	.quad 0
	.quad 0x0000f30000000000 /* 20: ring 3 data */
	.quad 0x0020fb0000000000 /* 28: ring 3 code, 64-bit */
	.quad 0x0000890000000067, 0 /* 30: TSS, without its address */
first_gdt_pointer:
	.word first_gdt_pointer - first_gdt - 1
	.long first_gdt
first_idt_pointer:
	.word 4 * 16 - 1
	.quad first_breakpoint - 3 * 16
first_breakpoint: /* without its address */
	.quad 0x0000ee0100080000, 0

	.code64
wide:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $shim_stack_end, %esp
	movl $shim_stack_end, first_tss + 0x24 /* IST1 */
	mov $first_tss, %eax
	mov %ax, first_gdt + 0x30 + 2
	shr $16, %eax
	mov %al, first_gdt + 0x30 + 4
	mov $unpacked, %eax
	mov %ax, first_breakpoint
	shr $16, %eax
	mov %ax, first_breakpoint + 6
	lidt first_idt_pointer
	mov $0x30, %eax
	ltr %ax
	mov $0x23, %eax
	mov %eax, %ds
	mov %eax, %es
	push $0x23
	push $exception_stack_end
	push $2
	push $0x2b
	push $unpack
	iretq

/* Ring 3. esi: packed, edi: text, dl: bits that are left, ending in a 1; ebx: the last offset. The
 * format is drawn in tools/pack.c. */
unpack:
	mov $shim_packed, %esi
	mov $shim_text, %edi
	mov $0x80, %dl
next:
	cmp $shim_text_end, %edi
	jae targets
	call bit
	jc match
	movsb
	jmp next
match:
	call bit
	jc repeat
	call number
	dec %ecx
	shl $8, %ecx
	movzbl (%rsi), %ebx
	inc %rsi
	lea 1(%rcx, %rbx), %ebx
repeat:
	call number
	inc %ecx
	mov %rsi, %r8
	mov %rdi, %rsi
	sub %rbx, %rsi
	rep movsb
	mov %r8, %rsi
	jmp next

/* Where near calls and jumps lead becomes how far. */
targets:
	mov $shim_text, %edi
1:	mov (%rdi), %al
	inc %edi
	and $0xfe, %al
	cmp $0xe8, %al
	jne 2f
	sub %edi, (%rdi)
	add $4, %edi
2:	cmp $shim_text_end, %edi
	jb 1b
	int3

/* ecx: the next number. */
number:
	mov $1, %ecx
1:	call bit
	jnc 2f
	call bit
	adc %ecx, %ecx
	jmp 1b

/* Carry: the next bit. */
bit:
	add %dl, %dl
	jnz 2f
	mov (%rsi), %dl
	inc %rsi
	adc %dl, %dl
2:	ret

unpacked:
	andl $~USER, table_root
	mov %cr3, %rax
	mov %rax, %cr3
	mov %ebp, %edi
	call shim_start
	ud2

	.text
/* One stub for each exception, 8 bytes apart. */
	.balign 8
	.globl exception_stubs
exception_stubs:
	.set vector, 0
	.rept 32
	.balign 8
	push $vector
	.byte 0xe9 /* jmp, the long form, so that each stub is as long */
	.long exception - (. + 4)
	.set vector, vector + 1
	.endr

exception:
	cld
	push %r15
	push %r14
	push %r13
	push %r12
	push %r11
	push %r10
	push %r9
	push %r8
	push %rbp
	push %rdi
	push %rsi
	push %rdx
	push %rcx
	push %rbx
	push %rax
	mov %rsp, %rdi
	and $-16, %rsp
	call crash_exception
	ud2

/* A platform call (abi/call.h), or a breakpoint of the body's own. Flags that the body may have set
 * end here. What C may change is kept, but for rax. */
	.globl call_stub
call_stub:
	push $2
	popfq
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	lea 64(%rsp), %rcx /* the CPU's frame */
	push %rax
	call calls_enter /* edi, rsi, rdx: the call; NULL, or why it is a crash */
	test %rax, %rax
	pop %rcx
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rdx
	jnz 1f
	pop %rcx
	iretq
1:	mov %rax, shim_state + 40 /* why */
	mov %rcx, %rax
	pop %rcx
	push $3
	jmp exception

/* Interrupts are taken only in calls.c: they end its `hlt`, and say who is to be asked. */
	.globl console_stub
console_stub:
	movb $1, console_has_input
	jmp timer_stub
	.globl wake_stub
wake_stub:
	movb $1, devices_have_interrupted
	.globl timer_stub
timer_stub:
	push %rax
	mov $0xfee000b0, %eax /* end of interrupt */
	movl $0, (%rax)
	pop %rax
	iretq

/* _Noreturn void enter_body(uint64_t rip, uint64_t rsp, uint64_t rdi): ring 3, abi/boot.h. */
	.globl enter_body
enter_body:
	mov $0x23, %eax
	mov %eax, %ds
	mov %eax, %es
	push $0x23
	push %rsi
	push $2
	push $0x2b
	push %rdi
	mov %rdx, %rdi
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
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
	iretq

	.bss
	.balign 4096
	.globl table_root, table_low
table_root:	   .skip 4096
table_pointers:	   .skip 4096
	.globl table_directories
table_directories: .skip 4 * 4096
table_low:	   .skip 4096
first_tss:	   .skip 0x68
	.balign 16
	.globl shim_stack_end
	.skip 8192
shim_stack_end:
	.globl exception_stack_end
	.skip 8192
exception_stack_end:
	.section .note.GNU-stack, "", @progbits
