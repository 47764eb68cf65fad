// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's own copies and fills, on the copy ring before anybody else's work. Contiguous runs
 * become one entry each; long lists become several jobs, whose order the scheduler keeps.
 */
#include <linux/slab.h>

#include <drm/ttm/ttm_tt.h>

#include "kite_bo.h"
#include "kite_pm.h"
#include "kite_sched.h"

#define KITE_COPY_ENTRIES 256

/** struct kite_copy_job - some copies or fills */
struct kite_copy_job {
	/** @base: the job */
	struct kite_job base;
	/** @count: entries used */
	u32 count;
	/** @entries: as they go into the ring */
	struct kite_ring_entry entries[];
};

/** struct kite_copy - copies being put together */
struct kite_copy {
	/** @kdev: the device */
	struct kite_device *kdev;
	/** @job: being filled, or NULL */
	struct kite_copy_job *job;
	/** @fence: completion of the last job pushed, or NULL */
	struct dma_fence *fence;
};

static struct kite_copy_job *to_copy_job(struct kite_job *job)
{
	return container_of(job, struct kite_copy_job, base);
}

static int kite_copy_run(struct kite_job *base, struct kite_fence *fence)
{
	struct kite_copy_job *job = to_copy_job(base);
	unsigned long flags;
	u32 i;
	int ret;

	ret = kite_ring_begin(base->ring, &flags);
	if (ret)
		return ret;
	for (i = 0; i + 1 < job->count; i++)
		kite_ring_push(base->ring, &job->entries[i]);
	kite_ring_commit(base->ring, &job->entries[i], fence, flags);
	return 0;
}

static void kite_copy_free(struct kite_job *base)
{
	kite_job_fini(base);
	kvfree(to_copy_job(base));
}

static const struct kite_job_ops kite_copy_ops = {
	.run = kite_copy_run,
	.free = kite_copy_free,
};

/* Hand the collected entries to the scheduler. */
static int kite_copy_flush(struct kite_copy *copy)
{
	struct kite_device *kdev = copy->kdev;
	struct kite_copy_job *job = copy->job;
	bool awake;
	int ret;

	if (!job)
		return 0;
	copy->job = NULL;
	ret = kite_job_init(&job->base, &kite_copy_ops,
			    kdev->ring_of_class[KITE_HW_RING_CLASS_COPY], &kdev->copy_entity,
			    job->count, kdev, 0);
	if (ret) {
		kvfree(job);
		return ret;
	}
	dma_fence_put(copy->fence);
	/* Evictions come from anywhere. A device that does not wake is gone, which the job finds out. */
	awake = !kite_pm_get(kdev);
	mutex_lock(&kdev->copy_mutex);
	copy->fence = kite_job_arm(&job->base);
	kite_job_push(&job->base);
	mutex_unlock(&kdev->copy_mutex);
	if (awake)
		kite_pm_put(kdev);
	return 0;
}

static int kite_copy_add(struct kite_copy *copy, u32 w0, u64 address, u64 argument, u64 size)
{
	struct kite_ring_entry *entry;
	int ret;

	if (!copy->job) {
		copy->job = kvzalloc(struct_size(copy->job, entries, KITE_COPY_ENTRIES),
				     GFP_KERNEL);
		if (!copy->job)
			return -ENOMEM;
	}
	entry = &copy->job->entries[copy->job->count++];
	kite_entry_init(entry, w0, 0);
	kite_entry_set64(entry, KITE_HW_RING_ENTRY_ADDRESS_DW, address);
	kite_entry_set64(entry, KITE_HW_RING_ENTRY_ARGUMENT_DW, argument);
	kite_entry_set64(entry, KITE_HW_RING_ENTRY_SIZE_DW, size);
	if (copy->job->count < KITE_COPY_ENTRIES)
		return 0;
	ret = kite_copy_flush(copy);
	return ret;
}

/* Finish; on error nothing of ours is under way any more. */
static int kite_copy_end(struct kite_copy *copy, int ret, struct dma_fence **fence)
{
	if (!ret)
		ret = kite_copy_flush(copy);
	if (ret) {
		kvfree(copy->job);
		if (copy->fence)
			dma_fence_wait(copy->fence, false);
		dma_fence_put(copy->fence);
		return ret;
	}
	*fence = copy->fence;
	return 0;
}

/**
 * kite_copy_clear() - fill VRAM with zeros
 * @bo: whose it will be
 * @res: the memory
 * @fence: out: reference of the completion
 */
int kite_copy_clear(struct kite_bo *bo, struct ttm_resource *res, struct dma_fence **fence)
{
	struct kite_copy copy = { .kdev = kite_bo_device(bo) };
	u64 at = 0, run;
	int ret = 0;

	while (at < res->size && !ret) {
		u64 offset = kite_vram_offset(copy.kdev, res, at, &run);

		run = min(run, (u64)res->size - at);
		ret = kite_copy_add(&copy, KITE_HW_RING_OP_FILL, 0, offset, run);
		at += run;
	}
	return kite_copy_end(&copy, ret, fence);
}

/* Where a byte of a resource is, VRAM or the buffer's pages. */
static u64 kite_copy_locate(struct kite_bo *bo, struct ttm_resource *res, u64 at, u64 *run)
{
	struct ttm_tt *tt = bo->ttm.ttm;
	u64 page = at >> PAGE_SHIFT, n = 1;

	if (res->mem_type == TTM_PL_VRAM)
		return kite_vram_offset(kite_bo_device(bo), res, at, run);
	while (page + n < tt->num_pages &&
	       tt->dma_address[page + n] == tt->dma_address[page] + n * PAGE_SIZE)
		n++;
	*run = n * PAGE_SIZE;
	return tt->dma_address[page];
}

/* Copy the start of one place to another; buffers' pages are there where it is system memory. */
static int kite_copy_between(struct kite_bo *from_bo, struct ttm_resource *from,
			     struct kite_bo *to_bo, struct ttm_resource *to, u64 size,
			     struct dma_fence **fence)
{
	struct kite_copy copy = { .kdev = kite_bo_device(to_bo) };
	u64 at = 0, from_run, to_run;
	u32 w0 = KITE_HW_RING_OP_COPY;
	int ret = 0;

	if (from->mem_type != TTM_PL_VRAM)
		w0 |= 1u << KITE_HW_RING_ENTRY_SOURCE_SYSTEM_SHIFT;
	if (to->mem_type != TTM_PL_VRAM)
		w0 |= 1u << KITE_HW_RING_ENTRY_TARGET_SYSTEM_SHIFT;
	while (at < size && !ret) {
		u64 source = kite_copy_locate(from_bo, from, at, &from_run);
		u64 target = kite_copy_locate(to_bo, to, at, &to_run);
		u64 run = min3(from_run, to_run, size - at);

		ret = kite_copy_add(&copy, w0, source, target, run);
		at += run;
	}
	return kite_copy_end(&copy, ret, fence);
}

/**
 * kite_copy_move() - copy a buffer's contents to where it moves
 * @bo: the buffer, idle; its pages are there if one side is system memory
 * @from: where they are
 * @to: where they go
 * @fence: out: reference of the completion
 */
int kite_copy_move(struct kite_bo *bo, struct ttm_resource *from, struct ttm_resource *to,
		   struct dma_fence **fence)
{
	return kite_copy_between(bo, from, bo, to, bo->ttm.base.size, fence);
}

/**
 * kite_copy_buffer() - copy one buffer's contents to another of at least its size
 * @from: source; its dma_resv is held, its pages are there
 * @to: target; pinned
 * @fence: out: reference of the completion
 */
int kite_copy_buffer(struct kite_bo *from, struct kite_bo *to, struct dma_fence **fence)
{
	return kite_copy_between(from, from->ttm.resource, to, to->ttm.resource,
				 from->ttm.base.size, fence);
}
