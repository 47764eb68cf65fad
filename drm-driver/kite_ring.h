/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hardware ring: entries and write-back in VRAM, a doorbell, an interrupt, the fences of what is
 * in flight, and the DRM scheduler that feeds it.
 *
 * Rings are part of struct kite_device. kite_ring_begin() to kite_ring_commit() is one submission
 * and holds ring->lock with interrupts off. Space is never waited for: schedulers hand out at most
 * kite_ring_credits() entries, the rest belongs to the driver's direct commands, one at a time.
 */
#ifndef _KITE_RING_H_
#define _KITE_RING_H_

#include <linux/dma-fence.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>

#include "kite_hw.h"

/* Room for each ring's entries; what queues submit to may use less, see the parameter ring_entries. */
#define KITE_RING_ENTRIES 2048
#define KITE_RING_ENTRIES_MIN 16
#define KITE_MAX_IBS 256

struct kite_device;
struct kite_vm;
struct kite_queue;

/** struct kite_ring_entry - an entry as the hardware reads it */
struct kite_ring_entry {
	/** @dw: see RingEntry of the hardware description */
	u32 dw[KITE_HW_RING_ENTRY_DWORDS];
};

/**
 * struct kite_fence - completion of one submission on a ring
 *
 * Belongs to the scheduler's job; holds a reference of the module until it is freed.
 */
struct kite_fence {
	/** @base: the fence */
	struct dma_fence base;
	/** @lock: of @base; embedded because fences outlive the device */
	spinlock_t lock;
	/** @link: in &kite_ring.fences */
	struct list_head link;
	/** @vm: whose work it is, or NULL; valid until the fence has signalled */
	struct kite_vm *vm;
	/** @queue: whose work it is, or NULL; valid until the fence has signalled */
	struct kite_queue *queue;
	/** @rcu: for freeing */
	struct rcu_head rcu;
};

/** struct kite_ring - one hardware ring */
struct kite_ring {
	/** @kdev: the device */
	struct kite_device *kdev;
	/** @index: number of the ring */
	u32 index;
	/** @ring_class: RingClass of the hardware description */
	u32 ring_class;
	/** @name: for people; static storage */
	const char *name;
	/** @entries: the ring */
	void __iomem *entries;
	/** @size: entries it has room for, a power of two */
	u32 size;
	/** @writeback: RingWriteback */
	void __iomem *writeback;
	/** @lock: protects what follows, up to @sched */
	spinlock_t lock;
	/** @error: 0, or what submissions and open fences end with */
	int error;
	/** @wptr: entries written so far */
	u32 wptr;
	/** @seqno: of the last submission */
	u64 seqno;
	/** @fences: unfinished submissions, oldest first */
	struct list_head fences;
	/** @fence_context: of the fences */
	u64 fence_context;
	/** @busy_ns: engine time accounted so far */
	u64 busy_ns;
	/** @sched: the scheduler that feeds the ring */
	struct drm_gpu_scheduler sched;
	/** @sched_ready: @sched is initialised */
	bool sched_ready;
	/** @watchdog: looks for lost interrupts and a lost device while work is in flight */
	struct delayed_work watchdog;
	/** @watchdog_seqno: what had finished when it last looked */
	u64 watchdog_seqno;
	/** @reset_count: kills and resets so far */
	atomic_t reset_count;
};

struct kite_fence *kite_fence_alloc(void);
void kite_fence_discard(struct kite_fence *fence);
void kite_fence_init(struct kite_fence *fence, struct kite_ring *ring, u64 seqno);

int kite_rings_init(struct kite_device *kdev);
int kite_rings_start(struct kite_device *kdev);
void kite_rings_stop(struct kite_device *kdev);
void kite_rings_fail(struct kite_device *kdev, int error);

int kite_ring_begin(struct kite_ring *ring, unsigned long *flags);
void kite_ring_push(struct kite_ring *ring, const struct kite_ring_entry *entry);
void kite_ring_commit(struct kite_ring *ring, struct kite_ring_entry *last,
		      struct kite_fence *fence, unsigned long flags);
void kite_ring_process(struct kite_ring *ring);
bool kite_ring_blame(struct kite_ring *ring, u64 seqno, struct kite_vm *vm, int error,
		     u32 *queue_id);
int kite_ring_direct(struct kite_ring *ring, struct kite_ring_entry *entry);
u64 kite_ring_done_seqno(struct kite_ring *ring);

/** kite_ring_credits() - entries that the scheduler may have in flight */
static inline u32 kite_ring_credits(const struct kite_ring *ring)
{
	return ring->size - max(ring->size / 32, 2u);
}

/** kite_entry_init() - start an entry of one kind */
static inline void kite_entry_init(struct kite_ring_entry *entry, u32 op, u32 context)
{
	memset(entry, 0, sizeof(*entry));
	entry->dw[KITE_HW_RING_ENTRY_W0_DW] = op;
	entry->dw[KITE_HW_RING_ENTRY_CONTEXT_DW] = context;
}

/** kite_entry_set64() - store a 64-bit field at a dword of an entry */
static inline void kite_entry_set64(struct kite_ring_entry *entry, u32 dw, u64 value)
{
	entry->dw[dw] = lower_32_bits(value);
	entry->dw[dw + 1] = upper_32_bits(value);
}

#endif /* _KITE_RING_H_ */
