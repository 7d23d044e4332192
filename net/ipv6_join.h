/*
 * Where IPv6 is joined to the stack: what is called of it from outside, by weak references. NULL in an
 * image without it; there struct net_stack's `ipv6` is always NULL, and who has asked that may call.
 */
#ifndef DIATOM_NET_IPV6_JOIN_H
#define DIATOM_NET_IPV6_JOIN_H

#include "net/icmpv6.h"
#include "net/ipv6.h"
#include "net/ndp.h"

#define JOINED __attribute__((weak, visibility("hidden")))

JOINED __typeof__(ipv6_input) ipv6_input;
JOINED __typeof__(ipv6_tick) ipv6_tick;
JOINED __typeof__(ipv6_output) ipv6_output;
JOINED __typeof__(ipv6_output_whole) ipv6_output_whole;
JOINED __typeof__(ipv6_source) ipv6_source;
JOINED __typeof__(ipv6_owns) ipv6_owns;
JOINED __typeof__(ipv6_path_mtu) ipv6_path_mtu;
JOINED __typeof__(ipv6_deliver_joined) ipv6_deliver_joined;
JOINED __typeof__(icmpv6_send_error) icmpv6_send_error;
JOINED __typeof__(icmpv6_report) icmpv6_report;
JOINED __typeof__(ndp_solicit) ndp_solicit;
JOINED __typeof__(ndp_router_demote) ndp_router_demote;
JOINED __typeof__(ndp_reachable_time) ndp_reachable_time;

#undef JOINED

#endif
