// SPDX-License-Identifier: GPL-2.0
/*
 * VRAM manager.
 */
#include "kite_vram.h"

#include <linux/slab.h>

#include <drm/drm_managed.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_placement.h>

#include "kite_device.h"

static struct kite_vram *to_kite_vram(struct ttm_resource_manager *man)
{
	return container_of(man, struct kite_vram, man);
}

static u64 kite_vram_blocks_visible(struct kite_vram *vram, struct list_head *blocks)
{
	struct gpu_buddy_block *block;
	u64 visible = 0;

	list_for_each_entry(block, blocks, link) {
		u64 start = gpu_buddy_block_offset(block);
		u64 end = start + gpu_buddy_block_size(&vram->mm, block);

		if (start < vram->visible)
			visible += min(end, vram->visible) - start;
	}
	return visible;
}

static int kite_vram_alloc(struct ttm_resource_manager *man, struct ttm_buffer_object *bo,
			   const struct ttm_place *place, struct ttm_resource **out)
{
	struct kite_vram *vram = to_kite_vram(man);
	struct kite_vram_resource *res;
	u64 first = (u64)place->fpfn << PAGE_SHIFT;
	u64 last = place->lpfn ? (u64)place->lpfn << PAGE_SHIFT : vram->size;
	unsigned long flags = 0;
	u64 size;
	int ret;

	last = min(last, vram->size);
	if (bo->base.size > last - min(first, last))
		return -E2BIG; /* evicting others would not help */

	res = kzalloc(sizeof(*res), GFP_KERNEL);
	if (!res)
		return -ENOMEM;
	INIT_LIST_HEAD(&res->blocks);
	ttm_resource_init(bo, place, &res->base);
	size = res->base.size;

	if (place->flags & TTM_PL_FLAG_TOPDOWN)
		flags |= GPU_BUDDY_TOPDOWN_ALLOCATION;
	if (place->flags & TTM_PL_FLAG_CONTIGUOUS)
		flags |= GPU_BUDDY_CONTIGUOUS_ALLOCATION;
	if (first || last != vram->size)
		flags |= GPU_BUDDY_RANGE_ALLOCATION;

	mutex_lock(&vram->lock);
	/* The usual case of a full VRAM, without bothering the allocator. */
	if (size > vram->mm.avail)
		ret = -ENOSPC;
	else
		ret = gpu_buddy_alloc_blocks(&vram->mm, first, last, size, PAGE_SIZE, &res->blocks,
					     flags);
	if (!ret) {
		res->visible = kite_vram_blocks_visible(vram, &res->blocks);
		vram->visible_used += res->visible;
	}
	mutex_unlock(&vram->lock);
	if (ret) {
		ttm_resource_fini(man, &res->base);
		kfree(res);
		return ret;
	}
	res->base.start = gpu_buddy_block_offset(list_first_entry(&res->blocks,
								  struct gpu_buddy_block,
								  link)) >> PAGE_SHIFT;
	*out = &res->base;
	return 0;
}

static void kite_vram_free(struct ttm_resource_manager *man, struct ttm_resource *base)
{
	struct kite_vram_resource *res = to_kite_vram_resource(base);
	struct kite_vram *vram = to_kite_vram(man);

	mutex_lock(&vram->lock);
	gpu_buddy_free_list(&vram->mm, &res->blocks, 0);
	vram->visible_used -= res->visible;
	mutex_unlock(&vram->lock);
	ttm_resource_fini(man, base);
	kfree(res);
}

static bool kite_vram_overlaps(struct kite_vram *vram, struct kite_vram_resource *res, u64 first,
			       u64 last, bool whole)
{
	struct gpu_buddy_block *block;

	list_for_each_entry(block, &res->blocks, link) {
		u64 start = gpu_buddy_block_offset(block);
		u64 end = start + gpu_buddy_block_size(&vram->mm, block);

		if (whole && (start < first || end > last))
			return false;
		if (!whole && start < last && end > first)
			return true;
	}
	return whole;
}

/* Whether a resource lies in a place: all of it, or any part of it */
static bool kite_vram_in_place(struct ttm_resource_manager *man, struct ttm_resource *base,
			       const struct ttm_place *place, bool whole)
{
	struct kite_vram *vram = to_kite_vram(man);

	if (!place->fpfn && !place->lpfn)
		return true;
	return kite_vram_overlaps(vram, to_kite_vram_resource(base),
				  (u64)place->fpfn << PAGE_SHIFT,
				  place->lpfn ? (u64)place->lpfn << PAGE_SHIFT : vram->size, whole);
}

static bool kite_vram_intersects(struct ttm_resource_manager *man, struct ttm_resource *base,
				 const struct ttm_place *place, size_t size)
{
	return kite_vram_in_place(man, base, place, false);
}

static bool kite_vram_compatible(struct ttm_resource_manager *man, struct ttm_resource *base,
				 const struct ttm_place *place, size_t size)
{
	return kite_vram_in_place(man, base, place, true);
}

static void kite_vram_debug(struct ttm_resource_manager *man, struct drm_printer *p)
{
	struct kite_vram *vram = to_kite_vram(man);

	mutex_lock(&vram->lock);
	drm_printf(p, "size: %llu\nvisible: %llu\nvisible used: %llu\nfree: %llu\n", vram->size,
		   vram->visible, vram->visible_used, vram->mm.avail);
	mutex_unlock(&vram->lock);
}

static const struct ttm_resource_manager_func kite_vram_funcs = {
	.alloc = kite_vram_alloc,
	.free = kite_vram_free,
	.intersects = kite_vram_intersects,
	.compatible = kite_vram_compatible,
	.debug = kite_vram_debug,
};

/**
 * kite_vram_offset() - where a byte of a resource lies
 * @kdev: the device
 * @res: VRAM resource
 * @at: byte of it
 * @run: out: bytes that follow contiguously, from @at
 *
 * Return: offset in VRAM.
 */
u64 kite_vram_offset(struct kite_device *kdev, struct ttm_resource *res, u64 at, u64 *run)
{
	struct gpu_buddy_block *block;

	list_for_each_entry(block, &to_kite_vram_resource(res)->blocks, link) {
		u64 size = gpu_buddy_block_size(&kdev->vram.mm, block);

		if (at < size) {
			*run = size - at;
			return gpu_buddy_block_offset(block) + at;
		}
		at -= size;
	}
	WARN_ON_ONCE(1);
	*run = PAGE_SIZE;
	return 0;
}

/** kite_vram_used() - bytes in use by buffers; @vram's lock is held */
u64 kite_vram_used(struct kite_vram *vram)
{
	lockdep_assert_held(&vram->lock);
	return vram->size - vram->mm.avail - KITE_VRAM_CARVEOUT;
}

/** kite_vram_cpu_visible() - whether the CPU sees all of a VRAM resource */
bool kite_vram_cpu_visible(struct ttm_resource *res)
{
	return to_kite_vram_resource(res)->visible >= res->size;
}

/** kite_vram_init() - start managing VRAM; the driver's own part is taken out */
int kite_vram_init(struct kite_device *kdev)
{
	struct kite_vram *vram = &kdev->vram;
	int ret;

	mutex_init(&vram->lock);
	INIT_LIST_HEAD(&vram->reserved);
	ret = gpu_buddy_init(&vram->mm, vram->size, PAGE_SIZE);
	if (ret)
		return ret;
	ret = gpu_buddy_alloc_blocks(&vram->mm, 0, KITE_VRAM_CARVEOUT, KITE_VRAM_CARVEOUT,
				     PAGE_SIZE, &vram->reserved, GPU_BUDDY_RANGE_ALLOCATION);
	if (ret) {
		gpu_buddy_fini(&vram->mm);
		return ret;
	}
	vram->visible_used = KITE_VRAM_CARVEOUT;
	vram->man.func = &kite_vram_funcs;
	ttm_resource_manager_init(&vram->man, &kdev->ttm, vram->size);
	ttm_set_driver_manager(&kdev->ttm, TTM_PL_VRAM, &vram->man);
	ttm_resource_manager_set_used(&vram->man, true);
	vram->ready = true;
	return 0;
}

/** kite_vram_fini() - give up VRAM; all buffers are gone */
void kite_vram_fini(struct kite_device *kdev)
{
	struct kite_vram *vram = &kdev->vram;

	if (!vram->ready)
		return;
	vram->ready = false;
	ttm_resource_manager_set_used(&vram->man, false);
	ttm_resource_manager_evict_all(&kdev->ttm, &vram->man);
	ttm_resource_manager_cleanup(&vram->man);
	ttm_set_driver_manager(&kdev->ttm, TTM_PL_VRAM, NULL);
	gpu_buddy_free_list(&vram->mm, &vram->reserved, 0);
	gpu_buddy_fini(&vram->mm);
}
