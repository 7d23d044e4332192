/*
 * A tick interrupts KVM_RUN, and its handler runs when that has returned: the guest's registers are in
 * the shared page then, as they are throughout an exit. So the handler can always take its sample, and
 * the run loop need not know.
 */
#include "host/monitor/watch.h"

#include "host/monitor/crash.h"
#include "host/observe/ring.h"
#include "host/observe/sampler.h"

volatile sig_atomic_t watch_place = WATCH_MONITOR;

static const struct guest *watched;

static const void *find(uint64_t address, uint64_t bytes)
{
	uint64_t physical = layout_physical(&watched->layout, address, bytes);

	return physical != UINT64_MAX ? watched->host + physical : NULL;
}

static void on_tick(int number, siginfo_t *info, void *context)
{
	struct crash_registers registers;

	if (watch_place == WATCH_SLEEP) {
		sampler_count_sleep(info);
		return;
	}
	registers = crash_registers_of(&watched->vcpu.run->s.regs.regs);
	sampler_take(&registers, watch_place == WATCH_GUEST ? SAMPLE_BODY : SAMPLE_MONITOR,
		&watched->boot->memory, watched->boot->call, find);
}

int watch_start(struct guest *guest, const struct run_config *config)
{
	if (config->observer == NULL)
		return 0;
	watched = guest;
	guest->trace = config->observer->monitor;
	if (config->observer->samples == NULL)
		return 0;
	return sampler_start(config->observer, 2, on_tick, 0);
}

void watch_note(const struct guest *guest, enum trace_type type, int64_t start, uint32_t detail)
{
	struct trace_record *record = ring_slot(guest->trace);

	if (record == NULL)
		return;
	*record = (struct trace_record){
		.time_ns = start, .value = sleep_now(guest) - start, .type = type, .fiber = detail
	};
	ring_publish(guest->trace);
}
