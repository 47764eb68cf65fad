/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device's sensors and counters: for hwmon, DEV_QUERY and /proc/swarm/gpu/stats.
 *
 * Whoever looks does not wake a sleeping device: then there is nothing to see but the driver's own
 * counters. Callers may sleep; any number at a time.
 */
#ifndef _KITE_TELEMETRY_H_
#define _KITE_TELEMETRY_H_

#include "uapi/kite_drm.h"

struct kite_device;

void kite_telemetry_read(struct kite_device *kdev, struct drm_kite_telemetry *out);
void kite_telemetry_init(struct kite_device *kdev);
void kite_hwmon_register(struct kite_device *kdev);

#endif /* _KITE_TELEMETRY_H_ */
