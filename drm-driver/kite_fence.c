// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware fences. Users never see them: they wait for the scheduler's fences, which point to these
 * for as long as somebody holds one. That may be after the device is gone, so a fence refers to
 * nothing but itself and static strings, and keeps the module loaded.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "kite_ring.h"

static struct kite_fence *to_kite_fence(struct dma_fence *fence)
{
	return container_of(fence, struct kite_fence, base);
}

static const char *kite_fence_driver_name(struct dma_fence *fence)
{
	return "kite";
}

static const char *kite_fence_timeline_name(struct dma_fence *fence)
{
	return "kite-ring";
}

static void kite_fence_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct kite_fence, rcu));
	/* Module exit waits for this callback with rcu_barrier(). */
	module_put(THIS_MODULE);
}

static void kite_fence_release(struct dma_fence *fence)
{
	call_rcu(&to_kite_fence(fence)->rcu, kite_fence_free_rcu);
}

static const struct dma_fence_ops kite_fence_ops = {
	.get_driver_name = kite_fence_driver_name,
	.get_timeline_name = kite_fence_timeline_name,
	.release = kite_fence_release,
};

/** kite_fence_alloc() - memory for a fence, or NULL */
struct kite_fence *kite_fence_alloc(void)
{
	struct kite_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	if (fence) {
		INIT_LIST_HEAD(&fence->link);
		spin_lock_init(&fence->lock);
	}
	return fence;
}

/** kite_fence_discard() - free a fence that was never initialised; may be NULL */
void kite_fence_discard(struct kite_fence *fence)
{
	kfree(fence);
}

/** kite_fence_init() - bring a fence to life; from here on it is reference-counted */
void kite_fence_init(struct kite_fence *fence, struct kite_ring *ring, u64 seqno)
{
	__module_get(THIS_MODULE);
	dma_fence_init(&fence->base, &kite_fence_ops, &fence->lock, ring->fence_context, seqno);
}
