// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery: a job that runs too long is killed on its ring, which ends its context and lets the ring
 * go on; nobody's work is submitted twice. When the ring does not recover the whole device is reset
 * and every VM is lost; when that fails the device is dead. Whatever happens, the fence of the job
 * that timed out has signalled when the handler returns.
 */
#include "kite_sched.h"

#include "kite_device.h"
#include "kite_vm.h"

#define KITE_KILL_TIMEOUT_MS 2000
#define KITE_RESET_TIMEOUT_MS 5000

/** kite_device_present() - whether the device still answers */
bool kite_device_present(struct kite_device *kdev)
{
	return kite_read(kdev, KITE_HW_REG_ID) == KITE_HW_REG_ID_RESET;
}

/**
 * kite_device_hw_reset() - reset the hardware
 * @kdev: the device
 *
 * Return: 0, -ENODEV if it is gone, -EIO if it does not come back in time.
 */
int kite_device_hw_reset(struct kite_device *kdev)
{
	unsigned long end = jiffies + msecs_to_jiffies(KITE_RESET_TIMEOUT_MS);
	u32 status, control;

	kite_write(kdev, KITE_HW_REG_CONTROL, 1u << KITE_HW_REG_CONTROL_RESET_SHIFT);
	do {
		control = kite_read(kdev, KITE_HW_REG_CONTROL);
		status = kite_read(kdev, KITE_HW_REG_STATUS);
		if (control == ~0u && status == ~0u)
			return -ENODEV;
		if (!(control & KITE_HW_REG_CONTROL_RESET_MASK) &&
		    ((status >> KITE_HW_REG_STATUS_READY_SHIFT) & KITE_HW_REG_STATUS_READY_MASK))
			return 0;
		usleep_range(200, 1000);
	} while (time_before(jiffies, end));
	return -EIO;
}

/**
 * kite_device_lost() - the hardware is of no use any more
 * @kdev: the device
 * @state: dead or gone
 *
 * Ends all work and refuses new. Any process or timer context, any number of times.
 */
void kite_device_lost(struct kite_device *kdev, enum kite_device_state state)
{
	int old = atomic_read(&kdev->state);

	do {
		if (old >= (int)state)
			return;
	} while (!atomic_try_cmpxchg(&kdev->state, &old, state));
	kite_vm_all_lost(kdev);
	kite_rings_fail(kdev, kite_device_error(kdev));
	kite_kms_lost(kdev);
	if (state == KITE_DEVICE_DEAD)
		kite_compat_wedged(&kdev->drm);
}

/* Reset everything; every VM is lost, the device works for new ones. */
static void kite_reset_device(struct kite_device *kdev)
{
	int ret;

	drm_err(&kdev->drm, "ring does not recover: resetting the device\n");
	atomic_inc(&kdev->reset_count);
	kite_vm_all_lost(kdev);
	kite_rings_fail(kdev, -ECANCELED);
	ret = kite_device_hw_reset(kdev);
	if (!ret)
		ret = kite_device_start(kdev);
	if (ret) {
		drm_err(&kdev->drm, "reset failed: %d\n", ret);
		kite_device_lost(kdev, ret == -ENODEV ? KITE_DEVICE_GONE : KITE_DEVICE_DEAD);
	}
}

static void kite_ring_kill(struct kite_ring *ring, struct dma_fence *fence)
{
	struct kite_device *kdev = ring->kdev;
	u32 reg = KITE_HW_REG_RING_CONTROL + ring->index * KITE_HW_REG_RING_CONTROL_STRIDE;
	unsigned long end = jiffies + msecs_to_jiffies(KITE_KILL_TIMEOUT_MS);

	drm_warn(&kdev->drm, "%s ring: job %llu runs longer than %d ms: killed\n", ring->name,
		 fence->seqno, kite_job_timeout_ms);
	atomic_inc(&ring->reset_count);
	kite_write(kdev, reg, kite_read(kdev, reg) | 1u << KITE_HW_REG_RING_CONTROL_KILL_SHIFT);
	do {
		kite_ring_process(ring);
		if (dma_fence_is_signaled(fence))
			return;
		usleep_range(500, 1000);
	} while (time_before(jiffies, end));
}

/**
 * kite_reset_timedout() - the scheduler found a job that does not end
 * @sched_job: the job; taken off the scheduler's list, freed when this returns
 */
enum drm_gpu_sched_stat kite_reset_timedout(struct drm_sched_job *sched_job)
{
	struct kite_job *job = container_of(sched_job, struct kite_job, base);
	struct kite_ring *ring = job->ring;
	struct kite_device *kdev = ring->kdev;
	struct dma_fence *hw = sched_job->s_fence->parent;
	int idx;

	if (hw && !dma_fence_is_signaled(hw) && drm_dev_enter(&kdev->drm, &idx)) {
		kite_ring_process(ring);
		if (dma_fence_is_signaled(hw))
			drm_warn(&kdev->drm, "%s ring: an interrupt was lost\n", ring->name);
		else if (!kite_device_present(kdev))
			kite_device_lost(kdev, KITE_DEVICE_GONE);
		if (!dma_fence_is_signaled(hw))
			kite_ring_kill(ring, hw);
		if (!dma_fence_is_signaled(hw))
			kite_reset_device(kdev);
		drm_dev_exit(idx);
	}
	/*
	 * Unplugging ends all fences, so this is bounded. The scheduler took the job off its list
	 * and would forget it: let it be freed as the guilty one, now that it is done.
	 */
	dma_fence_wait(&sched_job->s_fence->finished, false);
	ring->sched.free_guilty = true;
	return KITE_SCHED_STAT_DONE;
}
