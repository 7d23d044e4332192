# Replaces musl's src/thread/x86_64/syscall_cp.s. A cancellation point is an ordinary call here
# (nobody else runs who could cancel it), so nothing reaches this but a reference from
# pthread_cancel.c.
.text
.global __cp_begin
.hidden __cp_begin
.global __cp_end
.hidden __cp_end
.global __cp_cancel
.hidden __cp_cancel
.global __syscall_cp_asm
.hidden __syscall_cp_asm
.type __syscall_cp_asm,@function
__syscall_cp_asm:
__cp_begin:
	ud2
__cp_end:
	ud2
__cp_cancel:
	ud2
.size __syscall_cp_asm,.-__syscall_cp_asm
