/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sync arrays of ioctls: what to wait for, what to signal.
 *
 * kite_syncs_get() resolves everything and allocates what signalling needs, so that signalling cannot
 * fail; kite_syncs_put() frees it in any case.
 */
#ifndef _KITE_SYNC_H_
#define _KITE_SYNC_H_

#include <linux/dma-fence.h>
#include <linux/dma-fence-chain.h>

#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>

#include "uapi/kite_drm.h"

#define KITE_MAX_SYNCS 256

struct drm_sched_job;

/** struct kite_sync_item - one wait or signal */
struct kite_sync_item {
	/** @wait: fence to wait for, or NULL */
	struct dma_fence *wait;
	/** @syncobj: to signal, or NULL */
	struct drm_syncobj *syncobj;
	/** @chain: memory for the timeline point, or NULL for a binary syncobj */
	struct dma_fence_chain *chain;
	/** @point: of the timeline */
	u64 point;
};

/** struct kite_syncs - a resolved array */
struct kite_syncs {
	/** @count: items */
	u32 count;
	/** @items: the items */
	struct kite_sync_item *items;
};

int kite_copy_array(const struct drm_kite_obj_array *array, u32 index, void *to, size_t size,
		    size_t min_size);
int kite_syncs_get(struct kite_syncs *syncs, struct drm_file *file,
		   const struct drm_kite_obj_array *array);
int kite_syncs_add_dependencies(struct kite_syncs *syncs, struct drm_sched_job *job);
void kite_syncs_signal(struct kite_syncs *syncs, struct dma_fence *fence);
void kite_syncs_put(struct kite_syncs *syncs);

#endif /* _KITE_SYNC_H_ */
