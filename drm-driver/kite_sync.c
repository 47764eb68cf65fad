// SPDX-License-Identifier: GPL-2.0
/*
 * Sync arrays; and how arrays of structures are read from user memory.
 */
#include "kite_sync.h"

#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/gpu_scheduler.h>

/**
 * kite_copy_array() - read one element of an array in user memory
 * @array: the array
 * @index: which element
 * @to: where to
 * @size: bytes that the driver knows
 * @min_size: bytes of the first version of the structure
 *
 * Elements of a newer userspace are accepted if what the driver does not know is zero.
 *
 * Return: 0, -EINVAL, -EFAULT, -E2BIG turned into -EINVAL.
 */
int kite_copy_array(const struct drm_kite_obj_array *array, u32 index, void *to, size_t size,
		    size_t min_size)
{
	int ret;

	if (array->stride < min_size || array->stride > PAGE_SIZE)
		return -EINVAL;
	ret = copy_struct_from_user(to, size,
				    u64_to_user_ptr(array->array + (u64)index * array->stride),
				    array->stride);
	return ret == -E2BIG ? -EINVAL : ret;
}

static int kite_sync_get_one(struct kite_sync_item *item, struct drm_file *file,
			     const struct drm_kite_sync *sync)
{
	bool timeline = sync->flags & DRM_KITE_SYNC_TIMELINE;
	int ret;

	if (sync->flags & ~(DRM_KITE_SYNC_TIMELINE | DRM_KITE_SYNC_SIGNAL))
		return -EINVAL;
	if (timeline != !!sync->value)
		return -EINVAL;
	item->point = sync->value;
	if (!(sync->flags & DRM_KITE_SYNC_SIGNAL)) {
		ret = drm_syncobj_find_fence(file, sync->handle, sync->value, 0, &item->wait);
		/* On error what it leaves there is not a reference. */
		if (ret)
			item->wait = NULL;
		return ret;
	}

	item->syncobj = drm_syncobj_find(file, sync->handle);
	if (!item->syncobj)
		return -ENOENT;
	if (timeline) {
		item->chain = dma_fence_chain_alloc();
		if (!item->chain)
			return -ENOMEM;
	}
	return 0;
}

/**
 * kite_syncs_get() - resolve an array
 * @syncs: out; kite_syncs_put() it also after an error
 * @file: whose handles
 * @array: array of &struct drm_kite_sync
 */
int kite_syncs_get(struct kite_syncs *syncs, struct drm_file *file,
		   const struct drm_kite_obj_array *array)
{
	struct drm_kite_sync sync;
	u32 i;
	int ret;

	if (array->count > KITE_MAX_SYNCS)
		return -EINVAL;
	if (!array->count)
		return 0;
	syncs->items = kcalloc(array->count, sizeof(*syncs->items), GFP_KERNEL);
	if (!syncs->items)
		return -ENOMEM;
	for (i = 0; i < array->count; i++) {
		ret = kite_copy_array(array, i, &sync, sizeof(sync),
				      offsetofend(struct drm_kite_sync, value));
		if (ret)
			return ret;
		syncs->count = i + 1;
		ret = kite_sync_get_one(&syncs->items[i], file, &sync);
		if (ret)
			return ret;
	}
	return 0;
}

/** kite_syncs_add_dependencies() - the job waits for all waits */
int kite_syncs_add_dependencies(struct kite_syncs *syncs, struct drm_sched_job *job)
{
	u32 i;
	int ret;

	for (i = 0; i < syncs->count; i++) {
		if (!syncs->items[i].wait)
			continue;
		/* Consumes the reference, also on error. */
		ret = drm_sched_job_add_dependency(job, syncs->items[i].wait);
		syncs->items[i].wait = NULL;
		if (ret)
			return ret;
	}
	return 0;
}

/** kite_syncs_signal() - all signals depend on the fence from now on */
void kite_syncs_signal(struct kite_syncs *syncs, struct dma_fence *fence)
{
	u32 i;

	for (i = 0; i < syncs->count; i++) {
		struct kite_sync_item *item = &syncs->items[i];

		if (!item->syncobj)
			continue;
		if (item->chain) {
			drm_syncobj_add_point(item->syncobj, item->chain, fence, item->point);
			item->chain = NULL;
		} else {
			drm_syncobj_replace_fence(item->syncobj, fence);
		}
	}
}

/** kite_syncs_put() - free what is left */
void kite_syncs_put(struct kite_syncs *syncs)
{
	u32 i;

	for (i = 0; i < syncs->count; i++) {
		struct kite_sync_item *item = &syncs->items[i];

		dma_fence_put(item->wait);
		if (item->syncobj)
			drm_syncobj_put(item->syncobj);
		dma_fence_chain_free(item->chain);
	}
	kfree(syncs->items);
	syncs->items = NULL;
	syncs->count = 0;
}
