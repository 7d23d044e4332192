/*
 * What is due when. A connection has three deadlines and one timer, which stands at the earliest of
 * them or before: whoever expires looks what it was.
 *
 *     alarm_at   something is out, or held back by the peer's window: enum tcp_alarm
 *     ack_at     an ACK was delayed
 *     idle_at    keep-alive; the end of FIN-WAIT-2 for who has no owner
 */
#include "diatom/counter.h"
#include "net/tcp_inner.h"

COUNTER(timeouts, "tcp.timeouts", "retransmission timeouts");
COUNTER(evicted, "tcp.evicted", "connections reset: memory was short, they took nothing");
COUNTER(keep_probes, "tcp.tx_keep_alives", "keep-alive probes sent");
COUNTER(fin_wait_ends, "tcp.fin_wait_2_ends", "connections ended because the peer never did");

#define PATIENCE_SHORT_MS 30000 /* with who takes nothing while memory is short */

static instant earliest(instant a, instant b)
{
	return a < b ? a : b;
}

void tcp_deadline_sync(struct tcp_connection *c)
{
	instant when = earliest(earliest(c->alarm_at, c->ack_at), c->idle_at);

	if (c->is_pacing && c->flight != NULL)
		when = earliest(when, c->flight->pace_at - MICROSECONDS(500));
	if (when == FOREVER || !c->flow.ends.is_listed)
		return;
	if (tcp_timer_is_set(&c->flow.timer) && c->flow.timer.when <= when)
		return;
	tcp_timer_set(&c->host->wheel, &c->flow.timer, when);
	net_stack_wake_at(c->host->stack, when);
}

void tcp_idle_restart(struct tcp_connection *c)
{
	c->idle_at = FOREVER;
	c->probes = 0;
	if (c->flow.ends.state == TCP_FIN_WAIT_2 && !c->is_owned)
		c->idle_at = tcp_now(c->host) + TCP_FIN_WAIT_2_TIME;
	else if (c->keep_alive_ms > 0 && c->flow.ends.state >= TCP_ESTABLISHED)
		c->idle_at = tcp_now(c->host) + MILLISECONDS(c->keep_alive_ms);
	tcp_deadline_sync(c);
}

/* Ends a connection that has made no progress for too long: true. */
static bool is_given_up(struct tcp_connection *c)
{
	uint32_t stalled = tcp_now_ms(c->host) - c->progress_ms;
	bool is_evicted = tcp_memory_is_short(c->host) && stalled >= PATIENCE_SHORT_MS;

	if (stalled < c->user_timeout_ms && !is_evicted)
		return false;
	if (is_evicted)
		count(&evicted);
	tcp_connection_abort(c);
	c->error = UNREACHABLE;
	return true;
}

/* A SYN or SYN-ACK is unanswered. */
static void syn_timed_out(struct tcp_connection *c)
{
	if (c->backoff >= TCP_SYN_RETRIES) {
		tcp_connection_die(c, UNREACHABLE);
		return;
	}
	c->backoff++;
	tcp_alarm_restart(c);
}

static void timed_out(struct tcp_connection *c)
{
	if (c->flow.ends.state == TCP_SYN_SENT || c->flow.ends.state == TCP_SYN_RECEIVED) {
		syn_timed_out(c);
		return;
	}
	if (is_given_up(c))
		return;
	if (c->backoff < 15)
		c->backoff++;
	if (c->snd_wnd == 0) {
		tcp_window_probe(c);
		return;
	}
	count(&timeouts);
	tcp_alarm_restart(c);
	tcp_recovery_timed_out(c);
}

static void persisted(struct tcp_connection *c)
{
	if (is_given_up(c))
		return;
	if (c->backoff < 15)
		c->backoff++;
	tcp_window_probe(c);
}

static void alarm_expired(struct tcp_connection *c)
{
	enum tcp_alarm alarm = (enum tcp_alarm)c->alarm;

	switch (alarm) {
	case TCP_ALARM_NONE:
		tcp_alarm_restart(c);
		break;
	case TCP_ALARM_RTO:
		timed_out(c);
		break;
	case TCP_ALARM_PROBE:
		tcp_probe_send(c);
		break;
	case TCP_ALARM_REORDER:
		tcp_alarm_restart(c);
		tcp_recovery_reordered(c);
		break;
	case TCP_ALARM_PERSIST:
		persisted(c);
		break;
	}
}

/* RFC 9293 3.8.4: a number that was acknowledged already draws an ACK from a living peer. */
static void keep_alive(struct tcp_connection *c)
{
	uint32_t silence = tcp_now_ms(c->host) - c->heard_ms;
	uint32_t none = 0;

	if (silence < c->keep_alive_ms) {
		c->probes = 0;
		c->idle_at = tcp_now(c->host) + MILLISECONDS(c->keep_alive_ms - silence);
		return;
	}
	if (c->probes >= TCP_KEEP_PROBES) {
		tcp_connection_abort(c);
		c->error = UNREACHABLE;
		return;
	}
	c->idle_at = tcp_now(c->host) + MILLISECONDS(c->keep_interval_ms);
	if (c->snd_una != c->snd_nxt) /* the retransmission timer asks already */
		return;
	c->probes++;
	count(&keep_probes);
	tcp_emit(c, c->snd_una - 1, &none, TCP_ACK);
}

static void idle_expired(struct tcp_connection *c)
{
	c->idle_at = FOREVER;
	if (c->flow.ends.state == TCP_FIN_WAIT_2 && !c->is_owned) {
		count(&fin_wait_ends);
		tcp_connection_die(c, CLOSED);
	} else if (c->keep_alive_ms > 0) {
		keep_alive(c);
	}
}

void tcp_deadline_expired(struct tcp_connection *c)
{
	instant now = tcp_now(c->host);

	/* Whatever happens to it, it stays until the batch ends: see tcp_connection_free. */
	tcp_connection_due(c);
	if (c->ack_at <= now) {
		c->ack_at = FOREVER;
		c->is_ack_now = true;
	}
	if (c->alarm_at <= now)
		alarm_expired(c);
	if (c->flow.ends.state != TCP_CLOSED && c->idle_at <= now)
		idle_expired(c);
}
