/*
 * Where the parts of an image come from: the build tree in which this diatom was built, or the prefix
 * to which it was installed.
 *
 *     build tree   ROOT/build/diatom    BUILD/body-clang/libdiatom.a  ROOT/build/sysroot-clang/...
 *                                       BUILD/shim.bin
 *     installed    PREFIX/bin/diatom    PREFIX/lib/diatom/clang/{libdiatom.a,libc.a,libgcc.a,include}
 *                                       PREFIX/lib/diatom/shim.bin
 *                                       PREFIX/share/diatom/{body-clang.cflags,body.ldflags,include}
 */
#ifndef DIATOM_HOST_BUILD_TOOLCHAIN_H
#define DIATOM_HOST_BUILD_TOOLCHAIN_H

#include <limits.h>
#include <stdbool.h>

#include "host/build/command.h"

struct toolchain {
	const char *compiler;  /* "clang" or "gcc" */
	char cflags[PATH_MAX]; /* response files */
	char ldflags[PATH_MAX];
	char includes[2][PATH_MAX]; /* of Diatom; the second may be empty */
	char libc_include[PATH_MAX];
	char compiler_include[PATH_MAX]; /* the compiler's own headers; gcc only */
	char libraries[3][PATH_MAX];	 /* libdiatom.a, libc.a, libgcc.a */
	char shim[PATH_MAX];		 /* shim.bin: abi/shim_image.h */
	char cache[PATH_MAX];		 /* ThinLTO's; empty: none */
};

/* Finds them all. False after an error was printed. */
bool toolchain_find(struct toolchain *toolchain, const char *compiler);

/* The compiler and its flags, up to but without a source. `root` is the folder whose path must not
 * show in what is made. */
void toolchain_compile(
	const struct toolchain *toolchain, const char *root, struct command *command);

/* The file name of each library without its folders. */
extern const char *const toolchain_library_names[3];

#endif
