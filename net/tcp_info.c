/*
 * What can be seen of a connection.
 */
#include "net/tcp_inner.h"

const char *tcp_state_text(enum tcp_state state)
{
	static const char *const texts[] = {
		[TCP_CLOSED] = "CLOSED",
		[TCP_LISTEN] = "LISTEN",
		[TCP_SYN_SENT] = "SYN-SENT",
		[TCP_SYN_RECEIVED] = "SYN-RECEIVED",
		[TCP_ESTABLISHED] = "ESTABLISHED",
		[TCP_FIN_WAIT_1] = "FIN-WAIT-1",
		[TCP_FIN_WAIT_2] = "FIN-WAIT-2",
		[TCP_CLOSE_WAIT] = "CLOSE-WAIT",
		[TCP_CLOSING] = "CLOSING",
		[TCP_LAST_ACK] = "LAST-ACK",
		[TCP_TIME_WAIT] = "TIME-WAIT",
	};

	return (unsigned)state < ARRAY_LEN(texts) ? texts[state] : "?";
}

void tcp_connection_info(const struct tcp_connection *c, struct tcp_info *info)
{
	*info = (struct tcp_info){
		.state = (enum tcp_state)c->flow.ends.state,
		.local = { c->flow.ends.local, c->flow.ends.local_port },
		.remote = { c->flow.ends.remote, c->flow.ends.remote_port },
		.mss = c->congestion.mss,
		.send_scale = c->send_scale,
		.receive_scale = c->receive_scale,
		.has_timestamps = c->has_stamps,
		.has_sack = c->has_sack,
		.has_ecn = c->has_ecn,
		.rtt_us = c->rtt_us,
		.rtt_variation_us = c->rtt_variation_us,
		.rtt_least_us = c->rtt_least_us,
		.rto_us = (uint32_t)(tcp_rto(c) / 1000),
		.congestion_window = c->congestion.window,
		.slow_start_threshold = c->congestion.threshold,
		.congestion_control = c->control->name,
		.peer_window = c->snd_wnd,
		.in_flight = tcp_in_flight(c),
		.send_queued = c->snd_end - c->snd_una,
		.receive_queued = c->received_bytes,
		.reordered_bytes = tcp_reorder_bytes(c),
		.bytes_sent = c->bytes_acknowledged + (c->snd_nxt - c->snd_una),
		.bytes_acknowledged = c->bytes_acknowledged,
		.bytes_received = c->bytes_received,
		.retransmissions = c->retransmissions,
		.timeouts = c->timeouts,
		.recoveries = c->recoveries,
		.spurious = c->spurious,
	};
}
