// SPDX-License-Identifier: GPL-2.0
/*
 * Rings: writing entries, ringing doorbells, turning write-backs into signalled fences.
 */
#include <linux/dma-fence.h>

#include "kite_device.h"
#include "kite_pm.h"
#include "kite_queue.h"
#include "kite_trace.h"
#include "kite_vm.h"

#define KITE_WATCHDOG_MS 250
#define KITE_DIRECT_TIMEOUT_MS 5000
#define KITE_STOP_TIMEOUT_MS 2000

static const char *const kite_ring_names[] = {
	[KITE_HW_RING_CLASS_GRAPHICS] = "graphics",
	[KITE_HW_RING_CLASS_COMPUTE] = "compute",
	[KITE_HW_RING_CLASS_COPY] = "copy",
	[KITE_HW_RING_CLASS_MMU] = "mmu",
};

static u32 kite_ring_reg(const struct kite_ring *ring, u32 reg)
{
	return reg + ring->index * KITE_HW_REG_RING_CONTROL_STRIDE;
}

/** kite_ring_done_seqno() - last seqno the hardware has finished */
u64 kite_ring_done_seqno(struct kite_ring *ring)
{
	return kite_vram_read64(ring->writeback + KITE_HW_RING_WRITEBACK_SEQNO_DW * 4);
}

/**
 * kite_ring_begin() - start a submission
 * @ring: the ring
 * @flags: interrupt state, for kite_ring_commit()
 *
 * Return: 0 with ring->lock held, or the error that submissions end with.
 */
int kite_ring_begin(struct kite_ring *ring, unsigned long *flags)
{
	int error;

	spin_lock_irqsave(&ring->lock, *flags);
	error = ring->error;
	if (error)
		spin_unlock_irqrestore(&ring->lock, *flags);
	return error;
}

/** kite_ring_push() - write an entry that is not the last of its submission */
void kite_ring_push(struct kite_ring *ring, const struct kite_ring_entry *entry)
{
	u32 slot = ring->wptr++ & (ring->size - 1);

	lockdep_assert_held(&ring->lock);
	memcpy_toio(ring->entries + slot * sizeof(*entry), entry, sizeof(*entry));
}

/**
 * kite_ring_commit() - write the last entry of a submission and ring the doorbell
 * @ring: the ring, locked by kite_ring_begin()
 * @last: the entry; gets seqno and interrupt
 * @fence: becomes the submission's completion; the ring takes a reference of its own
 * @flags: from kite_ring_begin()
 */
void kite_ring_commit(struct kite_ring *ring, struct kite_ring_entry *last,
		      struct kite_fence *fence, unsigned long flags)
{
	u64 seqno = ++ring->seqno;
	bool idle = list_empty(&ring->fences);

	last->dw[KITE_HW_RING_ENTRY_W0_DW] |= 1u << KITE_HW_RING_ENTRY_INTERRUPT_SHIFT;
	kite_entry_set64(last, KITE_HW_RING_ENTRY_SEQNO_DW, seqno);
	kite_ring_push(ring, last);

	kite_fence_init(fence, ring, seqno);
	dma_fence_get(&fence->base);
	list_add_tail(&fence->link, &ring->fences);

	/* Entries are write-combined: they must have left before the doorbell. */
	wmb();
	kite_write(ring->kdev, KITE_HW_REG_DOORBELL + ring->index * 4, ring->wptr);
	trace_kite_ring_submit(ring->index, last->dw[KITE_HW_RING_ENTRY_CONTEXT_DW], seqno,
			       ring->wptr);
	spin_unlock_irqrestore(&ring->lock, flags);

	if (idle)
		queue_delayed_work(kite_wq, &ring->watchdog, msecs_to_jiffies(KITE_WATCHDOG_MS));
}

/* Signal fences that were taken off a ring. Callbacks run, so ring->lock is not held. */
static void kite_ring_signal(struct kite_ring *ring, struct list_head *done, int error)
{
	struct kite_fence *fence, *next;

	list_for_each_entry_safe(fence, next, done, link) {
		unsigned long flags;
		int why = error;

		list_del_init(&fence->link);
		if (!why && fence->vm)
			why = kite_vm_fence_error(fence->vm);
		spin_lock_irqsave(&fence->lock, flags);
		if (why && !fence->base.error)
			dma_fence_set_error(&fence->base, why);
		trace_kite_ring_done(ring->index, fence->base.seqno, fence->base.error);
		dma_fence_signal_locked(&fence->base);
		spin_unlock_irqrestore(&fence->lock, flags);
		dma_fence_put(&fence->base);
	}
}

/**
 * kite_ring_process() - signal what the hardware has finished
 * @ring: the ring
 *
 * Any context. Faults are read first: the device writes them before the seqno, so that a fence knows
 * its error when it signals.
 */
void kite_ring_process(struct kite_ring *ring)
{
	struct kite_device *kdev = ring->kdev;
	struct kite_fence *fence, *next;
	unsigned long flags;
	LIST_HEAD(done);
	u64 seqno, busy;
	int idx;

	if (!drm_dev_enter(&kdev->drm, &idx))
		return;

	seqno = kite_ring_done_seqno(ring);
	rmb();
	kite_fault_process(kdev);

	spin_lock_irqsave(&ring->lock, flags);
	busy = kite_vram_read64(ring->writeback + KITE_HW_RING_WRITEBACK_BUSY_NS_DW * 4);
	list_for_each_entry_safe(fence, next, &ring->fences, link) {
		/* A seqno that was never submitted is a dying device's, or a lie. */
		if (fence->base.seqno > seqno || seqno > ring->seqno)
			break;
		if (fence->vm && busy > ring->busy_ns)
			kite_vm_account(fence->vm, ring->ring_class, busy - ring->busy_ns);
		if (busy > ring->busy_ns)
			ring->busy_ns = busy;
		list_move_tail(&fence->link, &done);
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	kite_ring_signal(ring, &done, 0);
	drm_dev_exit(idx);
}

/**
 * kite_ring_blame() - give a submission its error before it completes
 * @ring: the ring
 * @seqno: the submission
 * @vm: whose it must be
 * @error: what its fence will say
 * @queue_id: where to store the id of its queue, unchanged if there is none
 *
 * Return: true if the submission was found.
 */
bool kite_ring_blame(struct kite_ring *ring, u64 seqno, struct kite_vm *vm, int error,
		     u32 *queue_id)
{
	struct kite_fence *fence;
	unsigned long flags;
	bool found = false;

	spin_lock_irqsave(&ring->lock, flags);
	list_for_each_entry(fence, &ring->fences, link) {
		if (fence->base.seqno != seqno || fence->vm != vm)
			continue;
		if (!fence->base.error)
			dma_fence_set_error(&fence->base, error);
		if (fence->queue)
			*queue_id = kite_queue_blame(fence->queue);
		found = true;
		break;
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	return found;
}

/* Interrupts can be lost and devices can vanish without a word; look from time to time. */
static void kite_ring_watchdog(struct work_struct *work)
{
	struct kite_ring *ring = container_of(work, struct kite_ring, watchdog.work);
	struct kite_device *kdev = ring->kdev;
	bool busy, stuck;
	u64 seqno;
	int idx;

	if (!drm_dev_enter(&kdev->drm, &idx))
		return;
	kite_ring_process(ring);
	seqno = kite_ring_done_seqno(ring);
	spin_lock_irq(&ring->lock);
	busy = !list_empty(&ring->fences) && !ring->error;
	stuck = busy && seqno == ring->watchdog_seqno;
	ring->watchdog_seqno = seqno;
	spin_unlock_irq(&ring->lock);
	/* Nothing happened since the last look: make sure that there is still a device. */
	if (stuck && !kite_device_present(kdev)) {
		drm_err(&kdev->drm, "device does not answer any more\n");
		kite_device_lost(kdev, KITE_DEVICE_GONE);
		busy = false;
	}
	if (busy)
		queue_delayed_work(kite_wq, &ring->watchdog, msecs_to_jiffies(KITE_WATCHDOG_MS));
	drm_dev_exit(idx);
}

/**
 * kite_ring_direct() - run one entry of the driver's own and wait for it
 * @ring: the ring
 * @entry: the entry
 *
 * May sleep. For context creation and destruction, which belong to no job.
 *
 * Return: 0, -ETIMEDOUT, or the ring's error.
 */
int kite_ring_direct(struct kite_ring *ring, struct kite_ring_entry *entry)
{
	struct kite_fence *fence = kite_fence_alloc();
	unsigned long flags;
	long left;
	int ret, idx;

	if (!fence)
		return -ENOMEM;
	ret = kite_pm_get(ring->kdev);
	if (ret) {
		kite_fence_discard(fence);
		return ret;
	}
	mutex_lock(&ring->kdev->direct_mutex);
	if (!drm_dev_enter(&ring->kdev->drm, &idx)) {
		ret = -ENODEV;
		goto out;
	}
	ret = kite_ring_begin(ring, &flags);
	if (!ret)
		kite_ring_commit(ring, entry, fence, flags);
	drm_dev_exit(idx);
	if (ret)
		goto out;
	left = dma_fence_wait_timeout(&fence->base, false,
				      msecs_to_jiffies(KITE_DIRECT_TIMEOUT_MS));
	ret = left > 0 ? fence->base.error : -ETIMEDOUT;
	dma_fence_put(&fence->base);
	fence = NULL;
out:
	mutex_unlock(&ring->kdev->direct_mutex);
	kite_pm_put(ring->kdev);
	kite_fence_discard(fence);
	return ret;
}

static int kite_ring_start(struct kite_ring *ring)
{
	struct kite_device *kdev = ring->kdev;
	u32 wb = KITE_VRAM_WRITEBACKS + ring->index * KITE_HW_RING_WRITEBACK_DWORDS * 4;
	u32 base = KITE_VRAM_RINGS +
		   ring->index * KITE_RING_ENTRIES * (u32)sizeof(struct kite_ring_entry);
	unsigned long flags;

	memset_io(ring->writeback, 0, KITE_HW_RING_WRITEBACK_DWORDS * 4);
	wmb();
	kite_write(kdev, kite_ring_reg(ring, KITE_HW_REG_RING_BASE_LO), base);
	kite_write(kdev, kite_ring_reg(ring, KITE_HW_REG_RING_BASE_HI), 0);
	kite_write(kdev, kite_ring_reg(ring, KITE_HW_REG_RING_ENTRIES), ring->size);
	kite_write(kdev, kite_ring_reg(ring, KITE_HW_REG_RING_WRITEBACK_LO), wb);
	kite_write(kdev, kite_ring_reg(ring, KITE_HW_REG_RING_WRITEBACK_HI), 0);
	kite_write(kdev, kite_ring_reg(ring, KITE_HW_REG_RING_CONTROL),
		   1u << KITE_HW_REG_RING_CONTROL_ENABLE_SHIFT);

	spin_lock_irqsave(&ring->lock, flags);
	ring->wptr = 0;
	ring->seqno = 0;
	ring->busy_ns = 0;
	ring->watchdog_seqno = 0;
	ring->error = 0;
	spin_unlock_irqrestore(&ring->lock, flags);
	return 0;
}

/** kite_rings_init() - find the rings; the hardware is not running yet */
int kite_rings_init(struct kite_device *kdev)
{
	u32 i;

	for (i = 0; i < kdev->nr_rings; i++) {
		struct kite_ring *ring = &kdev->rings[i];

		ring->kdev = kdev;
		ring->index = i;
		ring->ring_class = kite_read(kdev, kite_ring_reg(ring, KITE_HW_REG_RING_CLASS));
		if (ring->ring_class >= ARRAY_SIZE(kite_ring_names)) {
			drm_err(&kdev->drm, "ring %u has unknown class %u\n", i, ring->ring_class);
			return -ENODEV;
		}
		ring->name = kite_ring_names[ring->ring_class];
		/* The driver's own submissions rely on the whole ring. */
		ring->size = ring->ring_class == KITE_HW_RING_CLASS_GRAPHICS ||
			     ring->ring_class == KITE_HW_RING_CLASS_COMPUTE ?
			     kite_ring_entries : KITE_RING_ENTRIES;
		ring->entries = kdev->vram_map + KITE_VRAM_RINGS +
				i * KITE_RING_ENTRIES * sizeof(struct kite_ring_entry);
		ring->writeback = kdev->vram_map + KITE_VRAM_WRITEBACKS +
				  i * KITE_HW_RING_WRITEBACK_DWORDS * 4;
		ring->error = -ENODEV;
		ring->fence_context = dma_fence_context_alloc(1);
		spin_lock_init(&ring->lock);
		INIT_LIST_HEAD(&ring->fences);
		INIT_DELAYED_WORK(&ring->watchdog, kite_ring_watchdog);
		if (!kdev->ring_of_class[ring->ring_class])
			kdev->ring_of_class[ring->ring_class] = ring;
	}
	if (!kdev->ring_of_class[KITE_HW_RING_CLASS_COPY] ||
	    !kdev->ring_of_class[KITE_HW_RING_CLASS_MMU]) {
		drm_err(&kdev->drm, "device lacks a copy or an mmu ring\n");
		return -ENODEV;
	}
	return 0;
}

/** kite_rings_start() - let the rings run, empty */
int kite_rings_start(struct kite_device *kdev)
{
	u32 i;
	int ret;

	for (i = 0; i < kdev->nr_rings; i++) {
		ret = kite_ring_start(&kdev->rings[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/** kite_rings_stop() - stop engines, within a bound; open fences stay open */
void kite_rings_stop(struct kite_device *kdev)
{
	unsigned long end = jiffies + msecs_to_jiffies(KITE_STOP_TIMEOUT_MS);
	u32 i, control;

	for (i = 0; i < kdev->nr_rings; i++)
		kite_write(kdev, kite_ring_reg(&kdev->rings[i], KITE_HW_REG_RING_CONTROL), 0);
	for (i = 0; i < kdev->nr_rings; i++) {
		do {
			control = kite_read(kdev, kite_ring_reg(&kdev->rings[i],
								KITE_HW_REG_RING_CONTROL));
			if (control == ~0u || !(control & KITE_HW_REG_RING_CONTROL_ENABLE_MASK))
				break;
			usleep_range(100, 500);
		} while (time_before(jiffies, end));
	}
}

/**
 * kite_rings_fail() - end everything in flight with an error, and refuse what comes
 * @kdev: the device
 * @error: negative errno
 */
void kite_rings_fail(struct kite_device *kdev, int error)
{
	unsigned long flags;
	u32 i;

	for (i = 0; i < kdev->nr_rings; i++) {
		struct kite_ring *ring = &kdev->rings[i];
		LIST_HEAD(open);

		if (!ring->kdev)
			continue;
		spin_lock_irqsave(&ring->lock, flags);
		ring->error = error;
		list_splice_init(&ring->fences, &open);
		spin_unlock_irqrestore(&ring->lock, flags);
		kite_ring_signal(ring, &open, error);
	}
}
