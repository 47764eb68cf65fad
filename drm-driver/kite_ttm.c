// SPDX-License-Identifier: GPL-2.0
/*
 * TTM hooks: page vectors, eviction, moves.
 *
 * Moves wait until the buffer is idle and then until it is copied: page tables that were written
 * from an address stay right until their fence has signalled, and no ghost objects are needed. Fresh
 * VRAM is cleared in the background; the clear's fence is a KERNEL fence, which CPU faults and binds
 * wait for.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include <drm/drm_managed.h>
#include <drm/drm_prime.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_placement.h>
#include <drm/ttm/ttm_range_manager.h>
#include <drm/ttm/ttm_tt.h>

#include "kite_bo.h"
#include "kite_pm.h"
#include "uapi/kite_drm.h"

static struct ttm_tt *kite_tt_create(struct ttm_buffer_object *bo, u32 flags)
{
	struct ttm_tt *tt = kzalloc(sizeof(*tt), GFP_KERNEL);
	int ret;

	if (!tt)
		return NULL;
	/* Even when TTM thinks that a copy will fill it: nobody else's bytes, ever. */
	ret = ttm_sg_tt_init(tt, bo, flags | (bo->sg ? 0 : TTM_TT_FLAG_ZERO_ALLOC), ttm_cached);
	if (ret) {
		kfree(tt);
		return NULL;
	}
	return tt;
}

static int kite_tt_populate(struct ttm_device *bdev, struct ttm_tt *tt,
			    struct ttm_operation_ctx *ctx)
{
	if (tt->page_flags & TTM_TT_FLAG_EXTERNAL)
		return tt->sg ? drm_prime_sg_to_dma_addr_array(tt->sg, tt->dma_address,
							       tt->num_pages) : 0;
	return ttm_pool_alloc(&bdev->pool, tt, ctx);
}

static void kite_tt_unpopulate(struct ttm_device *bdev, struct ttm_tt *tt)
{
	if (tt->page_flags & TTM_TT_FLAG_EXTERNAL)
		return;
	ttm_pool_free(&bdev->pool, tt);
}

static void kite_tt_destroy(struct ttm_device *bdev, struct ttm_tt *tt)
{
	ttm_tt_fini(tt);
	kfree(tt);
}

static const struct ttm_place kite_evict_tt = { .mem_type = TTM_PL_TT };
static const struct ttm_place kite_evict_system = { .mem_type = TTM_PL_SYSTEM };

/* Contents in VRAM that nobody needs are not copied out; those in system memory are swapped. */
static bool kite_bo_droppable(struct kite_bo *bo)
{
	return bo->advice == DRM_KITE_MADVISE_DONTNEED && !bo->ttm.pin_count;
}

static void kite_evict_flags(struct ttm_buffer_object *ttm, struct ttm_placement *placement)
{
	struct kite_bo *bo = ttm_to_kite_bo(ttm);

	placement->num_placement = 1;
	placement->placement = &kite_evict_system;
	if (ttm->resource && ttm->resource->mem_type == TTM_PL_VRAM && !kite_bo_droppable(bo))
		placement->placement = &kite_evict_tt;
}

/* Give the buffer its first VRAM, cleared. */
static int kite_move_fresh(struct kite_bo *bo, struct ttm_resource *to)
{
	struct dma_fence *fence = NULL;
	int ret = 0;

	/* The driver's own is cleared by the CPU. */
	if (to->mem_type == TTM_PL_VRAM && bo->flags)
		ret = kite_copy_clear(bo, to, &fence);
	if (ret)
		return ret;
	ttm_bo_move_null(&bo->ttm, to);
	if (fence) {
		dma_resv_add_fence(bo->ttm.base.resv, fence, DMA_RESV_USAGE_KERNEL);
		dma_fence_put(fence);
	}
	return 0;
}

static int kite_bo_move_contents(struct ttm_buffer_object *ttm, bool evict,
				 struct ttm_operation_ctx *ctx, struct ttm_resource *to,
				 struct ttm_place *hop)
{
	struct kite_bo *bo = ttm_to_kite_bo(ttm);
	struct ttm_resource *from = ttm->resource;
	struct dma_fence *fence = NULL;
	long done;
	int ret;

	if (!from || (from->mem_type == TTM_PL_SYSTEM && !ttm->ttm))
		return kite_move_fresh(bo, to);

	if (evict && from->mem_type == TTM_PL_VRAM && to->mem_type == TTM_PL_SYSTEM &&
	    kite_bo_droppable(bo)) {
		ret = ttm_bo_wait_ctx(ttm, ctx);
		if (ret)
			return ret;
		kite_bo_mark_evicted(bo);
		/* The page vector that comes with system memory has no pages yet: zeros. */
		ttm_bo_move_null(ttm, to);
		bo->purged = true;
		return 0;
	}

	/* VRAM and swappable memory meet in GPU-reachable system memory. */
	if ((from->mem_type == TTM_PL_VRAM && to->mem_type == TTM_PL_SYSTEM) ||
	    (from->mem_type == TTM_PL_SYSTEM && to->mem_type == TTM_PL_VRAM)) {
		memset(hop, 0, sizeof(*hop));
		hop->mem_type = TTM_PL_TT;
		return -EMULTIHOP;
	}

	ret = ttm_bo_wait_ctx(ttm, ctx);
	if (ret)
		return ret;
	kite_bo_mark_evicted(bo);

	if (from->mem_type != TTM_PL_VRAM && to->mem_type != TTM_PL_VRAM) {
		ttm_bo_move_null(ttm, to);
		return 0;
	}

	ret = kite_copy_move(bo, from, to, &fence);
	if (ret)
		return ret;
	done = dma_fence_wait(fence, false);
	ret = done ?: fence->error;
	dma_fence_put(fence);
	/* Contents are lost with a lost device; the buffer moves nevertheless. */
	if (ret && !kite_device_error(kite_bo_device(bo)))
		return ret;
	ttm_bo_move_sync_cleanup(ttm, to);
	return 0;
}

static int kite_bo_move(struct ttm_buffer_object *ttm, bool evict, struct ttm_operation_ctx *ctx,
			struct ttm_resource *to, struct ttm_place *hop)
{
	struct kite_bo *bo = ttm_to_kite_bo(ttm);
	u32 mem_type = to->mem_type;
	int ret = kite_bo_move_contents(ttm, evict, ctx, to, hop);

	if (!ret && bo->purged && mem_type == TTM_PL_SYSTEM)
		mem_type = KITE_PL_NONE;
	if (!ret)
		WRITE_ONCE(bo->mem_type, mem_type);
	return ret;
}

static int kite_io_mem_reserve(struct ttm_device *bdev, struct ttm_resource *res)
{
	struct kite_device *kdev = ttm_to_kite_device(bdev);

	if (res->mem_type != TTM_PL_VRAM)
		return 0;
	if (!kite_vram_cpu_visible(res))
		return -EINVAL;
	/* Blocks may be scattered: io_mem_pfn() finds them. A linear map needs one block. */
	res->bus.offset = kdev->vram_bus + ((u64)res->start << PAGE_SHIFT);
	res->bus.is_iomem = true;
	res->bus.caching = ttm_write_combined;
	if (res->placement & TTM_PL_FLAG_CONTIGUOUS)
		res->bus.addr = (void __force *)kdev->vram_map + ((u64)res->start << PAGE_SHIFT);
	return 0;
}

static unsigned long kite_io_mem_pfn(struct ttm_buffer_object *bo, unsigned long page)
{
	struct kite_device *kdev = ttm_to_kite_device(bo->bdev);
	u64 run;

	return (kdev->vram_bus + kite_vram_offset(kdev, bo->resource, (u64)page << PAGE_SHIFT,
						  &run)) >> PAGE_SHIFT;
}

/* ptrace and the like: VRAM a piece at a time. */
static int kite_access_memory(struct ttm_buffer_object *bo, unsigned long offset, void *buf,
			      int len, int write)
{
	struct kite_device *kdev = ttm_to_kite_device(bo->bdev);
	int done = 0, idx;

	if (!bo->resource || bo->resource->mem_type != TTM_PL_VRAM ||
	    !kite_vram_cpu_visible(bo->resource))
		return -EIO;
	if (!kite_pm_enter(kdev, &idx))
		return -ENODEV;
	while (done < len) {
		u64 run, at = kite_vram_offset(kdev, bo->resource, offset + done, &run);
		size_t n = min_t(u64, run, len - done);

		if (write)
			memcpy_toio(kdev->vram_map + at, buf + done, n);
		else
			memcpy_fromio(buf + done, kdev->vram_map + at, n);
		done += n;
	}
	kite_pm_exit(kdev, idx);
	return len;
}

static const struct ttm_device_funcs kite_ttm_funcs = {
	.ttm_tt_create = kite_tt_create,
	.ttm_tt_populate = kite_tt_populate,
	.ttm_tt_unpopulate = kite_tt_unpopulate,
	.ttm_tt_destroy = kite_tt_destroy,
	.eviction_valuable = ttm_bo_eviction_valuable,
	.evict_flags = kite_evict_flags,
	.move = kite_bo_move,
	.io_mem_reserve = kite_io_mem_reserve,
	.io_mem_pfn = kite_io_mem_pfn,
	.access_memory = kite_access_memory,
};

static void kite_ttm_fini(struct drm_device *drm, void *unused)
{
	struct kite_device *kdev = to_kite_device(drm);

	kite_vram_fini(kdev);
	ttm_range_man_fini(&kdev->ttm, TTM_PL_TT);
	ttm_device_fini(&kdev->ttm);
}

/** kite_ttm_init() - start the memory manager; ends with the DRM device */
int kite_ttm_init(struct kite_device *kdev)
{
	struct sysinfo info;
	int ret;

	si_meminfo(&info);
	/* Above half of the memory TTM swaps, which without swap space only takes more of it. */
	kdev->system_size = (((u64)info.totalram * info.mem_unit) / 2) & PAGE_MASK;

	ret = kite_compat_ttm_device_init(&kdev->ttm, &kite_ttm_funcs, kdev->drm.dev,
					  kdev->drm.anon_inode->i_mapping,
					  kdev->drm.vma_offset_manager);
	if (ret)
		return ret;
	ret = ttm_range_man_init(&kdev->ttm, TTM_PL_TT, true, kdev->system_size >> PAGE_SHIFT);
	if (ret)
		goto err_ttm;
	ret = kite_vram_init(kdev);
	if (ret)
		goto err_tt;
	kdev->memory.limit = kdev->vram.size + kdev->system_size;
	return drmm_add_action_or_reset(&kdev->drm, kite_ttm_fini, NULL);
err_tt:
	ttm_range_man_fini(&kdev->ttm, TTM_PL_TT);
err_ttm:
	ttm_device_fini(&kdev->ttm);
	return ret;
}
