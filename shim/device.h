/*
 * Virtio devices as the body's calls see them (abi/device.h), over whatever transport they sit on.
 *
 * A transport (mmio.c, pci_transport.c) finds devices and calls device_add for each; the rest of the shim reaches
 * them through its eight functions.
 */
#ifndef DIATOM_SHIM_DEVICE_H
#define DIATOM_SHIM_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/device.h"
#include "shim/cmdline.h"
#include "shim/layout.h"
#include "shim/ring.h"

struct device;

struct transport {
	/* 3.1.1 steps 1 to 4: reset, ACKNOWLEDGE, DRIVER; returns the features that it offers. */
	uint64_t (*begin)(struct device *device);
	/* Steps 5 and 6: writes the features, FEATURES_OK; false if the device does not keep it. */
	bool (*accept)(struct device *device, uint64_t features);
	/* Most descriptors of a queue; 0: there is no such queue. */
	uint16_t (*queue_size)(struct device *device, uint16_t queue);
	/* Step 7, for one queue: size and addresses, ready; interrupts as device_add was told. */
	void (*queue_start)(struct device *device, uint16_t queue, const struct ring *ring);
	/* Step 8: DRIVER_OK. */
	void (*finish)(struct device *device);
	void (*notify)(struct device *device, uint16_t queue);
	/* After an interrupt: lets the device raise the next. Must be cheap: every device is asked. */
	void (*acknowledge)(struct device *device);
	/* Copies bytes of the device's configuration. */
	void (*read_config)(struct device *device, unsigned offset, unsigned bytes, uint8_t *to);
};

struct device {
	const struct transport *transport;
	uint32_t id;		      /* enum virtio_device_id */
	uint64_t registers;	      /* the transport's: where it sits */
	uint64_t places[4];	      /* the transport's own */
	const char *name;	      /* as in the manifest; NULL: the image has no use for it */
	struct device_window *window; /* as the shim sees it */
	struct ring rings[DEVICE_QUEUES_MAX];
};

/* A device that was found. False: there are BOOT_DEVICES_MAX already. `device` is copied. */
bool device_add(const struct device *device);

/*
 * Gives devices their names: each that the notes of the manifest ask for is described in boot->devices,
 * in the manifest's order, and becomes the device of that number. Refuses the start where a device is
 * missing.
 */
void devices_name(struct boot_info *boot, const struct cmdline *line, const uint8_t *notes,
	uint64_t notes_bytes);

/* Where the named devices' windows and rings are. */
void devices_place(const struct layout *layout, struct boot_info *boot);

/* The body's calls: `first` and `second` as in abi/call.h. */
void device_begin(uint64_t number, uint64_t wanted);
void device_queue(uint64_t which, uint64_t address, const struct layout *layout);
void device_start(uint64_t number);
void device_submit(uint64_t which, uint64_t index);

/* Passes on from where on the body wants to be woken; true if something is there already. */
bool devices_arm(void);

/* Set by the interrupt of any device. */
extern volatile bool devices_have_interrupted;

/* If there was an interrupt, lets the devices raise the next. Comes before devices_arm: what a device
 * does in between is either seen there or raises a new interrupt. */
void devices_acknowledge(void);

/* Are there buffers that a device has yet to read? */
bool devices_have_output(void);

/* The transports: each adds the devices that it finds. */
void mmio_find(const struct cmdline *line);
void pci_find(void);

#endif
