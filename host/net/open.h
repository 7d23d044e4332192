/*
 * Opening a body's network interfaces, each by its kind: host/net/user.h, tap.h, packet.h,
 * descriptor.h.
 */
#ifndef DIATOM_HOST_NET_OPEN_H
#define DIATOM_HOST_NET_OPEN_H

#include "host/options.h"
#include "host/run.h"

struct image;

/*
 * Completes the options by what the image says: a --net without a name is for the image's only
 * interface, and an image whose only interface nobody provides gets user networking. 0, or the exit
 * code after having said what is wrong.
 */
int net_choose(struct options *options, const struct image *image, const char *name);

/* Opens all that were chosen; what nobody wants of the image's interfaces stays away. The same codes. */
int net_open(struct run_config *config, const struct options *options, const struct image *image);

#endif
