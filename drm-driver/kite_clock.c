// SPDX-License-Identifier: GPL-2.0
/*
 * The device's clock against CLOCK_MONOTONIC: what makes its times of vblanks comparable with ours.
 *
 * A look reads the device's clock between two readings of ours, so the true offset lies between two
 * bounds. Bounds of several looks are intersected, and widened by what clocks may drift apart
 * meanwhile: a look that took long, because somebody else had the CPU, does no harm.
 */
#include <linux/ktime.h>

#include <drm/drm_drv.h>

#include "kite_device.h"
#include "kite_pm.h"

#define KITE_CLOCK_LOOKS 5
/* Clocks drift apart by at most one part in 2^12. */
#define KITE_CLOCK_DRIFT_SHIFT 12

static void kite_clock_look(struct kite_device *kdev, s64 *low, s64 *high)
{
	s64 before = ktime_get_ns(), device, after;

	device = kite_read(kdev, KITE_HW_REG_TIMESTAMP_LO);
	after = ktime_get_ns();
	device |= (s64)kite_read(kdev, KITE_HW_REG_TIMESTAMP_HI) << 32;
	*low = max(*low, before - device);
	*high = min(*high, after - device);
}

static void kite_clock_narrow(struct kite_device *kdev)
{
	struct kite_clock *clock = &kdev->kms.clock;
	s64 low = S64_MIN, high = S64_MAX;
	s64 drift, now;
	int i;

	for (i = 0; i < KITE_CLOCK_LOOKS; i++)
		kite_clock_look(kdev, &low, &high);
	now = ktime_get_ns();
	drift = (now - clock->at) >> KITE_CLOCK_DRIFT_SHIFT;
	/* Bounds that do not meet are of a clock that was set anew. */
	if (clock->at && low <= clock->high + drift && clock->low - drift <= high) {
		low = max(low, clock->low - drift);
		high = min(high, clock->high + drift);
	}
	clock->low = low;
	clock->high = high;
	clock->at = now;
	WRITE_ONCE(clock->offset, low + (high - low) / 2);
}

/** kite_clock_calibrate() - compare the device's clock with ours; the device is awake */
void kite_clock_calibrate(struct kite_device *kdev)
{
	int idx;

	mutex_lock(&kdev->kms.clock.lock);
	if (drm_dev_enter(&kdev->drm, &idx)) {
		kite_clock_narrow(kdev);
		drm_dev_exit(idx);
	}
	mutex_unlock(&kdev->kms.clock.lock);
}

static void kite_clock_work(struct work_struct *work)
{
	struct kite_device *kdev = container_of(work, struct kite_device, kms.clock.work);

	if (kite_pm_get(kdev))
		return;
	kite_clock_calibrate(kdev);
	kite_pm_put(kdev);
}

/** kite_clock_init() - before everything else about clocks */
void kite_clock_init(struct kite_device *kdev)
{
	mutex_init(&kdev->kms.clock.lock);
	INIT_WORK(&kdev->kms.clock.work, kite_clock_work);
}
