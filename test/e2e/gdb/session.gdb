# The ten operations that an engineer uses most, as test/e2e/gdb.py replays them. What gdb says is in
# session.expected.
set pagination off
set confirm off
set width 0
set print thread-events off
echo == 1. break at a function, 3. continue\n
break add
continue
echo == 4. next, step, finish\n
next
next
finish
step
echo == 2. break at a line, on a condition\n
delete
break debugged.c:32 if number == 3
continue
echo == 5. backtrace\n
backtrace
echo == 6. print locals, globals, expressions\n
info locals
print total
print number * 10 + twice
print origin
print *origin.name@6
up
print i
down
echo == 7. examine memory, set variables and registers\n
x/2dw &origin
x/s origin.name
x/2i $pc
set var total = 1000
print total
print $rax = 0x1122334455667788
print/x $eax
info registers eflags
print $xmm0.v4_int32 = {1, 2, 3, 4}
print $xmm0.v4_int32
echo == 8. watchpoint\n
delete
watch total
continue
continue
delete
echo == 9. interrupt what runs\n
python import os, signal, threading
python threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT)).start()
continue
print is_spinning
set var is_spinning = 0
echo == 10. fibers\n
break wake_all
continue
info threads
thread 2
frame function wait_for_news
print argument
thread 1
monitor counters
echo == detach, and a clean end\n
detach
