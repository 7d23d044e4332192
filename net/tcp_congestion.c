/*
 * The controller of all connections, unless the program names another: see diatom/tcp_congestion.h.
 */
#include "diatom/tcp_congestion.h"

const struct tcp_congestion_ops *const tcp_congestion_default = &tcp_cubic;
