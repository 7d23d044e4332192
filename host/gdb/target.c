/* See target.h. */
#include "host/gdb/target.h"

enum gdb_signal gdb_signal_of(uint64_t vector)
{
	switch (vector) {
	case 0:
	case 16:
	case 19:
		return GDB_SIGNAL_FPE;
	case 1:
	case 3:
		return GDB_SIGNAL_TRAP;
	case 6:
		return GDB_SIGNAL_ILL;
	case 17:
		return GDB_SIGNAL_BUS;
	default:
		return GDB_SIGNAL_SEGV;
	}
}
