/*
 * SHA-1 (FIPS 180-4), for protocols that demand it where nothing rests on its strength: WebSocket's
 * handshake. Not for signatures or passwords: collisions can be made.
 */
#ifndef DIATOM_BASE_SHA1_H
#define DIATOM_BASE_SHA1_H

#include "diatom/view.h"

#define SHA1_BYTES 20

/* The digest of all the bytes. */
void sha1(struct view bytes, uint8_t digest[SHA1_BYTES]);

#endif
