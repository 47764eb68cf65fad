// SPDX-License-Identifier: GPL-2.0
/*
 * Sensors and counters of the device.
 */
#include "kite_telemetry.h"

#include "kite_device.h"
#include "kite_pm.h"

static bool kite_has(struct kite_device *kdev, u32 shift)
{
	return kdev->features & (1u << shift);
}

/* The low half latches the high one; readers take turns. */
static u64 kite_telemetry_pair(struct kite_device *kdev, u32 lo)
{
	u32 low = kite_read(kdev, lo);

	lockdep_assert_held(&kdev->telemetry_lock);
	return low | (u64)kite_read(kdev, lo + 4) << 32;
}

static void kite_telemetry_sensors(struct kite_device *kdev, struct drm_kite_telemetry *out)
{
	u32 throttle = kite_read(kdev, KITE_HW_REG_THROTTLE);

	out->flags |= DRM_KITE_TELEMETRY_SENSORS;
	if (throttle & KITE_HW_REG_THROTTLE_ACTIVE_MASK)
		out->flags |= DRM_KITE_TELEMETRY_THROTTLED;
	out->speed_percent = (throttle >> KITE_HW_REG_THROTTLE_SPEED_SHIFT) &
			     KITE_HW_REG_THROTTLE_SPEED_MASK;
	out->temperature_mc = kite_read(kdev, KITE_HW_REG_TEMPERATURE);
	out->temperature_limit_mc = kite_read(kdev, KITE_HW_REG_TEMPERATURE_LIMIT);
	out->temperature_critical_mc = kite_read(kdev, KITE_HW_REG_TEMPERATURE_CRITICAL);
	out->power_uw = kite_read(kdev, KITE_HW_REG_POWER);
	out->fan_rpm = kite_read(kdev, KITE_HW_REG_FAN_SPEED);
	out->throttle_count = kite_read(kdev, KITE_HW_REG_THROTTLE_COUNT);
	out->throttle_ns = kite_telemetry_pair(kdev, KITE_HW_REG_THROTTLE_NS_LO);
	out->energy_uj = kite_telemetry_pair(kdev, KITE_HW_REG_ENERGY_LO);
}

static void kite_telemetry_link(struct kite_device *kdev, struct drm_kite_telemetry *out)
{
	out->flags |= DRM_KITE_TELEMETRY_LINK;
	out->link_in = kite_telemetry_pair(kdev, KITE_HW_REG_LINK_IN_LO);
	out->link_out = kite_telemetry_pair(kdev, KITE_HW_REG_LINK_OUT_LO);
	out->link_busy_ns = kite_telemetry_pair(kdev, KITE_HW_REG_LINK_BUSY_LO);
}

/* The driver's own: what fdinfo hands out to clients, and what nobody is charged for. */
static void kite_telemetry_engines(struct kite_device *kdev, struct drm_kite_telemetry *out)
{
	unsigned long flags;
	u32 i;

	for (i = 0; i < kdev->nr_rings; i++) {
		struct kite_ring *ring = &kdev->rings[i];

		spin_lock_irqsave(&ring->lock, flags);
		out->engine_busy_ns[ring->ring_class] += ring->busy_ns;
		spin_unlock_irqrestore(&ring->lock, flags);
	}
}

/**
 * kite_telemetry_read() - look at everything
 * @kdev: the device
 * @out: what was seen; what could not be is 0
 */
void kite_telemetry_read(struct kite_device *kdev, struct drm_kite_telemetry *out)
{
	int idx;

	memset(out, 0, sizeof(*out));
	kite_telemetry_engines(kdev, out);
	if (!kite_pm_get_if_awake(kdev)) {
		out->flags |= DRM_KITE_TELEMETRY_ASLEEP;
		return;
	}
	if (drm_dev_enter(&kdev->drm, &idx)) {
		mutex_lock(&kdev->telemetry_lock);
		if (kite_has(kdev, KITE_HW_REG_FEATURES_TELEMETRY_SHIFT))
			kite_telemetry_sensors(kdev, out);
		if (kite_has(kdev, KITE_HW_REG_FEATURES_LINK_METER_SHIFT))
			kite_telemetry_link(kdev, out);
		/* One that vanished meanwhile has read as ones. */
		if (!kite_device_present(kdev)) {
			memset(out, 0, offsetof(struct drm_kite_telemetry, engine_busy_ns));
			kite_telemetry_engines(kdev, out);
		}
		mutex_unlock(&kdev->telemetry_lock);
		drm_dev_exit(idx);
	}
	kite_pm_put_looked(kdev);
}

/** kite_telemetry_init() - before anybody looks; reads what does not change */
void kite_telemetry_init(struct kite_device *kdev)
{
	mutex_init(&kdev->telemetry_lock);
	if (!kite_has(kdev, KITE_HW_REG_FEATURES_LINK_METER_SHIFT))
		return;
	kdev->link_cap_mbps = kite_read(kdev, KITE_HW_REG_LINK_BANDWIDTH);
	kdev->link_latency_ns = kite_read(kdev, KITE_HW_REG_LINK_LATENCY);
	kdev->link_tunnel = kite_read(kdev, KITE_HW_REG_LINK_KIND) &
			    KITE_HW_REG_LINK_KIND_TUNNEL_MASK;
}
