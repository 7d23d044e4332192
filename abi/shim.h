/*
 * What the shim is told by whoever boots an image on another hypervisor, and what it says back.
 *
 * The kernel command line is words between blanks. A byte that would not survive (blank, '%', ',' in a
 * value, control characters) is written %XX. An unknown word is refused. So that a hypervisor may
 * append its words at the end, virtio_mmio.device= is understood behind `--` as well: an argument that
 * looks like it has its first letter written %76.
 *
 *     net=NAME[,mac=MAC][,ip=ADDRESS/BITS][,gw=ADDRESS][,mtu=N]    an interface; without mac the first
 *                                                       network device that no other word names
 *     file=NAME,BYTES      the next so many bytes of the initial ramdisk (PVH module), from a page on
 *     wall=NS              wall time at the start, since 1970
 *     spin=NS              boot_info.spin_ns
 *     log=LEVEL            error, warning, info, debug
 *     name=TEXT            what the image is called: argv[0]
 *     virtio_mmio.device=SIZE@ADDRESS:INTERRUPT         a device, as QEMU microvm and Firecracker say it
 *     --                   what follows are the image's arguments; an empty one is written %00
 *
 * Console: COM1, as it is. Its input is for the shim: SHIM_FINISH asks the image to finish.
 *
 * Report: a port that returns its own number when read (QEMU's isa-debugcon) takes what is for people
 * and not the image's output: crash reports, refused devices; and, never part of a text, the marks of
 * enum shim_mark. Without it the texts go to the console, and the marks nowhere.
 *
 * End: a 32-bit write of the exit code (abi/call.h) to SHIM_EXIT_PORT (isa-debug-exit). QEMU's own
 * exit status is then code << 1 | 1, cut to 8 bits: the mark SHIM_ENDS says the code in full. Where no
 * such device is, the machine is powered off, or reset.
 */
#ifndef DIATOM_ABI_SHIM_H
#define DIATOM_ABI_SHIM_H

#define SHIM_COMMAND_LINE_MAX 4096 /* NUL included */

#define SHIM_REPORT_PORT      0xe9
#define SHIM_EXIT_PORT	      0xf4
#define SHIM_CONSOLE_PORT     0x3f8
#define SHIM_FINISH	      0x03 /* ^C */

enum shim_mark {
	SHIM_ENDS = 0,	 /* one byte follows: the exit code */
	SHIM_STARTS = 1, /* the image's first instruction is next */
	SHIM_CRASHED =
		2, /* why and where is in memory (abi/shim_state.h); the text that follows says it, too */
	SHIM_MARK_LAST = SHIM_CRASHED,
};

#endif
