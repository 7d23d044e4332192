/*
 * Our addresses: made, tried, chosen among, and given up.
 */
#include "base/hash.h"
#include "diatom/counter.h"
#include "diatom/log.h"
#include "net/ipv6.h"
#include "net/ndp.h"

/*
 * RFC 4862 5.1, DupAddrDetectTransmits: two probes, for the first frames of a new link are often lost. The
 * second is early, as nothing is decided before a RetransTimer has passed since.
 */
#define PROBES	      2
#define PROBE_AGAIN   MILLISECONDS(500)
#define DECIDED_AFTER SECONDS(1)
#define ATTEMPTS      3 /* RFC 7217 5: IDGEN_RETRIES */
#define DEFEND_EVERY  SECONDS(10)

COUNTER(duplicates, "ipv6.duplicates", "addresses of ours that somebody else has");
COUNTER(addresses_refused, "ipv6.addresses_refused", "addresses not taken: there are enough");

static struct ipv6_address *end_of(const struct net_stack *stack)
{
	return stack->ipv6->addresses + stack->ipv6->address_count;
}

struct ipv6_address *ipv6_address_find(const struct net_stack *stack, const struct address *a)
{
	for (struct ipv6_address *own = stack->ipv6->addresses; own < end_of(stack); own++)
		if (address_equal(&own->prefix.address, a))
			return own;
	return NULL;
}

bool ipv6_owns(const struct net_stack *stack, const struct address *a)
{
	return ipv6_address_find(stack, a) != NULL;
}

bool ipv6_listens(const struct net_stack *stack, const struct address *group)
{
	struct address all = ipv6_link_group(1), own_group;

	if (address_equal(group, &all))
		return true;
	for (struct ipv6_address *own = stack->ipv6->addresses; own < end_of(stack); own++) {
		own_group = ipv6_solicited_node(&own->prefix.address);
		if (address_equal(group, &own_group))
			return true;
	}
	return false;
}

struct address ipv6_address_make(
	const struct net_stack *stack, const struct address *prefix, unsigned attempt)
{
	struct hash_key key = { stack->ipv6->secret[0], stack->ipv6->secret[1] };
	struct address made = *prefix, input = *prefix;
	uint64_t id;

	input.bytes[15] = (uint8_t)attempt;
	id = hash_sip(&key, &input, sizeof(input), 2, 4);
	memcpy(made.bytes + 8, &id, sizeof(id));
	/* RFC 5453: no identifier begins like the reserved ones, nor is the subnet routers' 0. */
	if (made.bytes[8] == 0xfd || made.bytes[8] == 2 || made.bytes[8] == 0)
		made.bytes[8] = 0x6d;
	return made;
}

/* Asks whether somebody has it, says that we use it, and then waits. */
static void probe(struct net_stack *stack, struct ipv6_address *own)
{
	bool is_last = ++own->probes == PROBES;

	ndp_probe(stack, &own->prefix.address);
	ndp_announce(stack, &own->prefix.address);
	own->next_at = instant_after(stack->now, is_last ? DECIDED_AFTER : PROBE_AGAIN);
	net_stack_wake_at(stack, own->next_at);
}

enum status ipv6_address_add(struct net_stack *stack, const struct ipv6_address *address)
{
	struct ipv6_host *host = stack->ipv6;
	struct ipv6_address *own = end_of(stack);
	char ip[ADDRESS_TEXT_BYTES];

	if (ipv6_owns(stack, &address->prefix.address))
		return IN_USE;
	if (host->address_count == IPV6_ADDRESSES) {
		count(&addresses_refused);
		return FULL;
	}
	*own = *address;
	own->state = IPV6_OPTIMISTIC;
	own->probes = 0;
	host->address_count++;
	net_stack_forget_destination(stack);
	mld_changed(stack); /* first, so that switches let the answer through */
	probe(stack, own);
	log_info(stack->device->name, "%s/%u", address_text(&own->prefix.address, ip),
		own->prefix.bits);
	return OK;
}

void ipv6_address_remove(struct net_stack *stack, struct ipv6_address *address)
{
	size_t rest = (size_t)(end_of(stack) - address) - 1;

	memmove(address, address + 1, rest * sizeof(*address));
	stack->ipv6->address_count--;
	net_stack_forget_destination(stack);
}

/* Another identifier for the same prefix, if there weren't too many already. */
static void try_another(struct net_stack *stack, struct ipv6_address lost)
{
	if (lost.origin == IPV6_FROM_CONFIGURATION || ++lost.attempts >= ATTEMPTS)
		return;
	lost.prefix.address = ipv6_address_make(stack, &lost.prefix.address, lost.attempts);
	ipv6_address_add(stack, &lost);
}

void ipv6_address_conflict(
	struct net_stack *stack, struct ipv6_address *address, const uint8_t *mac)
{
	char ip[ADDRESS_TEXT_BYTES], text[MAC_TEXT_BYTES] = "somebody";
	struct ipv6_address lost = *address;

	count(&duplicates);
	if (stack->now >= stack->ipv6->defend_again) {
		stack->ipv6->defend_again = instant_after(stack->now, DEFEND_EVERY);
		log_warning(stack->device->name,
			"%s is also used by %s: give one of the two another address",
			address_text(&lost.prefix.address, ip),
			mac != NULL ? mac_text(mac, text) : text);
	}
	if (lost.state == IPV6_PREFERRED)
		return; /* ours for long: whoever came later is wrong */
	ipv6_address_remove(stack, address);
	try_another(stack, lost);
}

void ipv6_address_tick(struct net_stack *stack)
{
	struct ipv6_address *own = stack->ipv6->addresses;

	while (own < end_of(stack)) {
		if (own->valid_until <= stack->now) {
			ipv6_address_remove(stack, own);
			continue;
		}
		if (own->state == IPV6_OPTIMISTIC) {
			if (own->next_at > stack->now)
				net_stack_wake_at(stack, own->next_at);
			else if (own->probes < PROBES)
				probe(stack, own);
			else
				own->state = IPV6_PREFERRED;
		}
		net_stack_wake_at(stack, own->valid_until);
		own++;
	}
}

struct address ipv6_link_local(const struct net_stack *stack)
{
	for (struct ipv6_address *own = stack->ipv6->addresses; own < end_of(stack); own++)
		if (own->origin == IPV6_FROM_LINK && own->state == IPV6_PREFERRED)
			return own->prefix.address;
	return (struct address){ 0 };
}

/* --- choice, RFC 6724 --- */

enum scope { SCOPE_LINK = 2, SCOPE_SITE = 5, SCOPE_GLOBAL = 14 };

/* 3.1 */
static unsigned scope_of(const struct address *a)
{
	if (ipv6_is_multicast(a))
		return a->bytes[1] & 15;
	return ipv6_is_link_local(a) ? SCOPE_LINK : SCOPE_GLOBAL;
}

/* The default policy table's labels that matter between global addresses (2.1): unique local ones go
 * with their kind. */
static unsigned label_of(const struct address *a)
{
	return (a->bytes[0] & 0xfe) == 0xfc ? 13 : 1;
}

static bool is_deprecated(const struct net_stack *stack, const struct ipv6_address *a)
{
	/* RFC 4429 3.1: an optimistic one counts as deprecated. */
	return a->state == IPV6_OPTIMISTIC || a->preferred_until <= stack->now;
}

/* Section 5: is `a` better than `b`? Rules 4, 5.5 and 7 say nothing on one interface without home and
 * temporary addresses. */
static bool is_better(const struct net_stack *stack, const struct ipv6_address *a,
	const struct ipv6_address *b, const struct address *to)
{
	unsigned scope = scope_of(to), scope_a = scope_of(&a->prefix.address);
	unsigned scope_b = scope_of(&b->prefix.address), bits_a, bits_b;
	bool is_alike_a, is_alike_b;

	if (scope_a != scope_b) /* rule 2; rule 1, the same address, is none that we send to */
		return scope_a < scope_b ? scope_a >= scope : scope_b < scope;
	if (is_deprecated(stack, a) != is_deprecated(stack, b)) /* rule 3 */
		return is_deprecated(stack, b);
	is_alike_a = label_of(&a->prefix.address) == label_of(to);
	is_alike_b = label_of(&b->prefix.address) == label_of(to);
	if (is_alike_a != is_alike_b) /* rule 6 */
		return is_alike_a;
	bits_a = ipv6_common_bits(&a->prefix.address, to); /* rule 8 */
	bits_b = ipv6_common_bits(&b->prefix.address, to);
	if (bits_a > a->prefix.bits)
		bits_a = a->prefix.bits;
	if (bits_b > b->prefix.bits)
		bits_b = b->prefix.bits;
	return bits_a > bits_b;
}

bool ipv6_source(const struct net_stack *stack, const struct address *to, struct address *source)
{
	const struct ipv6_address *best = NULL;

	for (struct ipv6_address *own = stack->ipv6->addresses; own < end_of(stack); own++)
		if (best == NULL || is_better(stack, own, best, to))
			best = own;
	/* Nobody answers a link-local address from farther away. */
	if (best == NULL ||
		(scope_of(&best->prefix.address) == SCOPE_LINK && scope_of(to) > SCOPE_LINK))
		return false;
	*source = best->prefix.address;
	return true;
}
