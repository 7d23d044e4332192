/*
 * What a program declares about itself. Each becomes a note of the image's manifest
 * (abi/manifest.h), which the host reads before it starts the image.
 *
 *     DIATOM_IMAGE(.name = "dns", .version = "1.0", .memory_mib = 16);
 *     DIATOM_NET(eth0, .ip = "192.0.2.53/24", .gateway = "192.0.2.1");
 *     DIATOM_FILE(zone, "example.org.zone");    compiled in: read-only bytes in the image
 *     DIATOM_DIR(site, "public");               the same with all files of a folder
 *     DIATOM_BLOB(zone2, .optional = 1);        handed over at start: --file zone2=PATH
 */
#ifndef DIATOM_APP_H
#define DIATOM_APP_H

#include "abi/manifest.h"
#include "diatom/status.h"
#include "diatom/time.h"
#include "diatom/view.h"

#define DIATOM_IMAGE(...)                                                                          \
	MANIFEST_NOTE(diatom_image, MANIFEST_IMAGE, struct manifest_image, __VA_ARGS__)

/*
 * `extern const struct view symbol`: the file's bytes. The path is searched as #include "" is.
 * `diatom build` finds the files itself (host/build/files.c); any other compiler's assembler does.
 */
#if defined(DIATOM_FILE_SCAN)
#define DIATOM_FILE(symbol, path) DIATOM_FILE_IS symbol path
#elif defined(DIATOM_FILE_BY_BUILD)
#define DIATOM_FILE(symbol, path) extern const struct view symbol
#else
#define DIATOM_FILE(symbol, path)                                                                  \
	__asm__(".pushsection .rodata.file." #symbol ",\"a\",@progbits\n"                          \
		".balign 16\n"                                                                     \
		".Ldiatom_file_" #symbol ": .incbin \"" path "\"\n"                                \
		".Ldiatom_file_end_" #symbol ": .byte 0\n" /* text files end in a NUL */           \
		".popsection\n"                                                                    \
		".pushsection .data.rel.ro.file." #symbol ",\"aw\",@progbits\n"                    \
		".balign 8\n"                                                                      \
		".globl " #symbol "\n"                                                             \
		".hidden " #symbol "\n" #symbol ":\n"                                              \
		".quad .Ldiatom_file_" #symbol "\n"                                                \
		".quad .Ldiatom_file_end_" #symbol " - .Ldiatom_file_" #symbol "\n"                \
		".popsection\n");                                                                  \
	extern const struct view symbol
#endif

/* A file of a folder that is compiled in. */
struct folder_file {
	const char *path; /* from the folder: "/css/site.css" */
	const char *type; /* media type, by the path's ending */
	const char *tag;  /* entity tag of the bytes, with its quotes */
	struct view bytes;
	struct view gzip, brotli; /* of path.gz and path.br beside it; data NULL: there is none */
};

/* Sorted by path. */
struct folder {
	const struct folder_file *files;
	size_t count;
};

/*
 * `extern struct folder symbol`, read-only at run time all the same. `diatom build` gathers the files; the
 * path is searched as for DIATOM_FILE. Hidden ones (".git") are left out, but ".well-known".
 */
#if defined(DIATOM_FILE_SCAN)
#define DIATOM_DIR(symbol, path) DIATOM_DIR_IS symbol path
#elif defined(DIATOM_FILE_BY_BUILD)
#define DIATOM_DIR(symbol, path) extern struct folder symbol
#else
#define DIATOM_DIR(symbol, path) extern struct folder symbol /* defined by diatom build alone */
#endif

/* A file that the user hands over at start. Read it with blob_view(&symbol). */
struct blob {
	const struct manifest_blob *manifest;
};

#define DIATOM_BLOB(symbol, ...)                                                                   \
	MANIFEST_NOTE(                                                                             \
		symbol, MANIFEST_BLOB, struct manifest_blob, .name = #symbol, ##__VA_ARGS__);      \
	static const struct blob symbol = { &symbol##_note.desc }

/* The bytes, valid as long as the image runs; length 0 and data NULL if none was handed over. */
struct view blob_view(const struct blob *blob);

/* Fresh entropy from the host while running, mixed into diatom/random.h at its first use and after
 * each 64 KiB. In a VM; a process has what it was started with. */
#define DIATOM_ENTROPY(symbol)                                                                     \
	MANIFEST_NOTE(symbol, MANIFEST_ENTROPY, struct manifest_entropy, .name = #symbol);         \
	__attribute__((used)) static void (*const symbol##_collect)(void) = random_collect

/* The entropy driver. Linked by DIATOM_ENTROPY; core/random.c calls it where it is. */
void random_collect(void);

#endif
