/*
 * `diatom build`: C sources to one sealed image file.
 *
 *     main.c, more.c ... --compile--> objects \
 *     DIATOM_FILE's files --assemble--> object  } --link--> IMAGE.debug --check, seal--> IMAGE
 *     libdiatom.a, libc.a --------------------- /
 *
 * IMAGE.debug is the linked file with symbols and debug information; IMAGE is its loadable part. Both
 * carry the same build id. The same sources and seed give the same bytes, wherever they are built.
 */
#ifndef DIATOM_HOST_BUILD_BUILD_H
#define DIATOM_HOST_BUILD_BUILD_H

/* The arguments after the word "build". Returns the process's exit code: 0, EXIT_USAGE, or 1 when
 * the program doesn't build. */
int build_command(int argc, char **argv);

#endif
