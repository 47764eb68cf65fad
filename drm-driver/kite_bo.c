// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers: making them, placing them, mapping them for the CPU.
 */
#include "kite_bo.h"

#include <linux/slab.h>

#include <drm/drm_gem_ttm_helper.h>
#include <drm/drm_gpuvm.h>
#include <drm/drm_prime.h>
#include <drm/ttm/ttm_tt.h>

#include "kite_account.h"
#include "kite_pm.h"
#include "uapi/kite_drm.h"

static void kite_gem_free(struct drm_gem_object *obj)
{
	struct kite_device *kdev = to_kite_device(obj->dev);

	down_read(&kdev->release_sem);
	kite_compat_ttm_release(&to_kite_bo(obj)->ttm);
	up_read(&kdev->release_sem);
}

/* What a buffer is charged to: it may be in VRAM for as long as it lives, if anywhere. */
static u32 kite_bo_resource(u32 flags)
{
	return flags & DRM_KITE_BO_VRAM ? DRM_KITE_RESOURCE_VRAM : DRM_KITE_RESOURCE_SYSTEM;
}

static void kite_ttm_destroy(struct ttm_buffer_object *ttm)
{
	struct kite_bo *bo = ttm_to_kite_bo(ttm);

	if (kite_compat_is_imported(&ttm->base))
		drm_prime_gem_destroy(&ttm->base, ttm->sg);
	if (bo->shadow)
		drm_gem_object_put(&bo->shadow->ttm.base);
	drm_gem_object_release(&ttm->base);
	if (bo->exclusive_root)
		drm_gem_object_put(bo->exclusive_root);
	if (bo->owner) {
		kite_owner_uncharge(bo->owner, kite_bo_resource(bo->flags), ttm->base.size);
		kite_owner_put(bo->owner);
	}
	if (bo->counted)
		kite_usage_uncharge(&kite_bo_device(bo)->memory, ttm->base.size);
	kfree(bo);
}

static enum drm_gem_object_status kite_gem_status(struct drm_gem_object *obj)
{
	struct kite_bo *bo = to_kite_bo(obj);
	enum drm_gem_object_status status = 0;

	if (READ_ONCE(bo->mem_type) != KITE_PL_NONE)
		status |= DRM_GEM_OBJECT_RESIDENT;
	if (READ_ONCE(bo->advice) == DRM_KITE_MADVISE_DONTNEED)
		status |= DRM_GEM_OBJECT_PURGEABLE;
	return status;
}

/* A CPU access finds its buffer in VRAM that the CPU cannot see: move it. */
static vm_fault_t kite_bo_fault_place(struct kite_bo *bo)
{
	struct ttm_resource *res = bo->ttm.resource;
	int ret;

	if (!res || res->mem_type != TTM_PL_VRAM || kite_vram_cpu_visible(res))
		return 0;
	ret = kite_bo_validate_visible(bo);
	if (!ret)
		return 0;
	return ret == -ERESTARTSYS || ret == -EINTR || ret == -EBUSY ? VM_FAULT_NOPAGE :
								       VM_FAULT_SIGBUS;
}

static vm_fault_t kite_bo_fault(struct vm_fault *vmf)
{
	struct ttm_buffer_object *ttm = vmf->vma->vm_private_data;
	pgprot_t prot = vmf->vma->vm_page_prot;
	bool awake = false;
	vm_fault_t ret;
	int idx;

	ret = ttm_bo_vm_reserve(ttm, vmf);
	if (ret)
		return ret;

	/* Falling asleep takes mappings of VRAM away, so each touch of a sleeping one comes here. */
	if (ttm->resource && ttm->resource->mem_type == TTM_PL_VRAM)
		awake = !kite_pm_get(to_kite_device(ttm->base.dev));
	if (drm_dev_enter(ttm->base.dev, &idx)) {
		ret = kite_bo_fault_place(ttm_to_kite_bo(ttm));
		if (!ret)
			ret = ttm_bo_vm_fault_reserved(vmf, prot, TTM_BO_VM_NUM_PREFAULT);
		drm_dev_exit(idx);
	} else {
		/* Unplugged: memory without meaning instead of a signal. */
		ret = ttm_bo_vm_dummy_page(vmf, prot);
	}
	if (awake)
		kite_pm_put(to_kite_device(ttm->base.dev));
	if (ret == VM_FAULT_RETRY && !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT))
		return ret;
	dma_resv_unlock(ttm->base.resv);
	return ret;
}

static const struct vm_operations_struct kite_vm_ops = {
	.fault = kite_bo_fault,
	.open = ttm_bo_vm_open,
	.close = ttm_bo_vm_close,
	.access = ttm_bo_vm_access,
};

/*
 * A CPU mapping of VRAM is linear: bring the buffer together where the CPU sees it. It keeps the
 * hardware awake until it is undone.
 */
static int kite_gem_vmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	struct kite_bo *bo = to_kite_bo(obj);
	struct kite_device *kdev = kite_bo_device(bo);
	struct ttm_resource *res = bo->ttm.resource;
	int ret;

	ret = kite_pm_get(kdev);
	if (ret)
		return ret;
	if (res && res->mem_type == TTM_PL_VRAM && !bo->ttm.pin_count &&
	    !(bo->contiguous && kite_vram_cpu_visible(res))) {
		bo->contiguous = true;
		ret = kite_bo_validate_visible(bo);
	}
	if (!ret)
		ret = drm_gem_ttm_vmap(obj, map);
	if (ret)
		kite_pm_put(kdev);
	return ret;
}

static void kite_gem_vunmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	drm_gem_ttm_vunmap(obj, map);
	kite_pm_put(to_kite_device(obj->dev));
}

static const struct drm_gem_object_funcs kite_gem_funcs = {
	.free = kite_gem_free,
	.status = kite_gem_status,
	.export = kite_prime_export,
	.pin = kite_prime_pin,
	.unpin = kite_prime_unpin,
	.get_sg_table = kite_prime_get_sg,
	.vmap = kite_gem_vmap,
	.vunmap = kite_gem_vunmap,
	.mmap = drm_gem_ttm_mmap,
	.print_info = drm_gem_ttm_print_info,
	.vm_ops = &kite_vm_ops,
};

/**
 * kite_bo_placement() - where a buffer may be
 * @bo: the buffer
 * @flags: enum drm_kite_bo_flags to obey; 0 for the driver's own
 * @placement: out
 * @places: room for two
 *
 * Buffers that may live in either memory do not evict others from VRAM: they go to system memory.
 */
void kite_bo_placement(struct kite_bo *bo, u32 flags, struct ttm_placement *placement,
		       struct ttm_place *places)
{
	struct kite_vram *vram = &kite_bo_device(bo)->vram;
	bool both = (flags & DRM_KITE_BO_VRAM) && (flags & DRM_KITE_BO_SYSTEM);
	unsigned int n = 0;

	memset(places, 0, 2 * sizeof(*places));
	if (!flags || (flags & DRM_KITE_BO_VRAM)) {
		places[n].mem_type = TTM_PL_VRAM;
		if (both)
			places[n].flags |= TTM_PL_FLAG_DESIRED;
		if (!flags || bo->contiguous)
			places[n].flags |= TTM_PL_FLAG_CONTIGUOUS;
		if (vram->visible < vram->size) {
			if (!flags || (flags & DRM_KITE_BO_CPU_VISIBLE))
				places[n].lpfn = vram->visible >> PAGE_SHIFT;
			else
				places[n].flags |= TTM_PL_FLAG_TOPDOWN;
		}
		n++;
	}
	if (flags & DRM_KITE_BO_SYSTEM) {
		places[n].mem_type = TTM_PL_TT;
		if (both)
			places[n].flags |= TTM_PL_FLAG_FALLBACK;
		n++;
	}
	placement->placement = places;
	placement->num_placement = n;
}

/** kite_bo_rights() - enum drm_kite_dma_right that mapping a buffer takes */
u32 kite_bo_rights(struct kite_bo *bo, bool read_only)
{
	if (kite_compat_is_imported(&bo->ttm.base))
		return DRM_KITE_RIGHT_IMPORT_READ | (read_only ? 0 : DRM_KITE_RIGHT_IMPORT_WRITE);
	return bo->flags & DRM_KITE_BO_SYSTEM ? DRM_KITE_RIGHT_SYSTEM : 0;
}

static int kite_bo_validate_flags(struct kite_bo *bo, u32 flags, struct ttm_operation_ctx *ctx)
{
	struct ttm_placement placement;
	struct ttm_place places[2];
	int ret;

	kite_bo_placement(bo, flags, &placement, places);
	ret = ttm_bo_validate(&bo->ttm, &placement, ctx);
	/* Older TTMs say so for a full VRAM, too. */
	if (ret == -ENOMEM && !(flags & DRM_KITE_BO_SYSTEM))
		ret = -ENOSPC;
	return ret;
}

/**
 * kite_bo_validate() - bring a buffer where the GPU may use it
 * @bo: the buffer; its dma_resv is held
 * @evict_own: buffers that share its dma_resv may be evicted for it
 *
 * Return: 0, -ENOSPC, -ENOMEM, -ERESTARTSYS.
 */
int kite_bo_validate(struct kite_bo *bo, bool evict_own)
{
	struct ttm_operation_ctx ctx = {
		.interruptible = true,
		.resv = bo->exclusive_root ? bo->ttm.base.resv : NULL,
		.allow_res_evict = evict_own,
	};

	/* Pinned ones are in system memory, where the GPU reaches them, too. */
	if (bo->ttm.pin_count)
		return 0;
	return kite_bo_validate_flags(bo, bo->flags, &ctx);
}

/** kite_bo_validate_visible() - bring a buffer where the CPU can see it; dma_resv is held */
int kite_bo_validate_visible(struct kite_bo *bo)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };

	return kite_bo_validate_flags(bo, bo->flags | DRM_KITE_BO_CPU_VISIBLE | DRM_KITE_BO_SYSTEM,
				      &ctx);
}

/** kite_bo_pin_system() - keep a buffer in system memory, for other devices; dma_resv is held */
int kite_bo_pin_system(struct kite_bo *bo)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	int ret;

	if (!bo->ttm.pin_count) {
		ret = kite_bo_validate_flags(bo, DRM_KITE_BO_SYSTEM, &ctx);
		if (ret)
			return ret;
	}
	ttm_bo_pin(&bo->ttm);
	return 0;
}

/** kite_bo_unpin() - undo kite_bo_pin_system(); dma_resv is held */
void kite_bo_unpin(struct kite_bo *bo)
{
	ttm_bo_unpin(&bo->ttm);
}

/**
 * kite_bo_pin_vram() - keep a buffer in VRAM, in one piece
 * @bo: the buffer
 *
 * Return: 0, -EBUSY while another device holds it in system memory, -ENOSPC, -ENOMEM,
 * -ERESTARTSYS.
 */
int kite_bo_pin_vram(struct kite_bo *bo)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	u32 flags = DRM_KITE_BO_VRAM | (bo->flags & DRM_KITE_BO_CPU_VISIBLE);
	int ret;

	ret = dma_resv_lock_interruptible(bo->ttm.base.resv, NULL);
	if (ret)
		return ret;
	if (bo->ttm.pin_count) {
		if (bo->ttm.resource->mem_type != TTM_PL_VRAM)
			ret = -EBUSY;
	} else {
		bo->contiguous = true;
		ret = kite_bo_validate_flags(bo, flags, &ctx);
	}
	if (!ret)
		ttm_bo_pin(&bo->ttm);
	dma_resv_unlock(bo->ttm.base.resv);
	return ret;
}

/** kite_bo_unpin_vram() - undo kite_bo_pin_vram() */
void kite_bo_unpin_vram(struct kite_bo *bo)
{
	dma_resv_lock(bo->ttm.base.resv, NULL);
	ttm_bo_unpin(&bo->ttm);
	dma_resv_unlock(bo->ttm.base.resv);
}

/*
 * Buffers that were closed with work in flight are charged until that has ended: wait for it once.
 * TTM has no limit of its own, it would swap until the machine is out of memory.
 */
static int kite_bo_count(struct kite_device *kdev, struct kite_bo *bo, u64 size)
{
	if (!kite_usage_charge(&kdev->memory, size)) {
		flush_workqueue(kdev->ttm.wq);
		if (!kite_usage_charge(&kdev->memory, size))
			return bo->flags & DRM_KITE_BO_SYSTEM ? -ENOMEM : -ENOSPC;
	}
	bo->counted = true;
	return 0;
}

static int kite_bo_charge(struct kite_device *kdev, struct kite_bo *bo, struct kite_owner *owner,
			  u64 size)
{
	u32 resource = kite_bo_resource(bo->flags);
	int ret;

	if (!kite_owner_try_charge(owner, resource, size)) {
		flush_workqueue(kdev->ttm.wq);
		ret = kite_owner_charge(owner, resource, size);
		if (ret)
			return ret;
	}
	bo->owner = kite_owner_get(owner);
	return 0;
}

/**
 * kite_bo_create() - make a buffer
 * @kdev: the device
 * @args: what to make
 *
 * The buffer's memory is given (and being cleared) when this returns.
 *
 * Return: the buffer, or -EDQUOT, -ENOSPC, -ENOMEM, -ERESTARTSYS.
 */
struct kite_bo *kite_bo_create(struct kite_device *kdev, const struct kite_bo_args *args)
{
	struct ttm_operation_ctx ctx = {
		.interruptible = args->flags,
		.allow_res_evict = true,
	};
	struct dma_resv *resv = args->resv;
	struct ttm_placement placement;
	struct ttm_place places[2];
	enum ttm_bo_type type = ttm_bo_type_device;
	struct kite_bo *bo;
	int ret;

	bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->flags = args->flags;
	bo->contiguous = args->contiguous;
	bo->mem_type = KITE_PL_NONE;
	bo->ttm.base.funcs = &kite_gem_funcs;
	drm_gem_private_object_init(&kdev->drm, &bo->ttm.base, PAGE_ALIGN(args->size));
	ret = args->sg ? 0 : kite_bo_count(kdev, bo, bo->ttm.base.size);
	if (!ret && args->owner)
		ret = kite_bo_charge(kdev, bo, args->owner, bo->ttm.base.size);
	if (ret) {
		kite_ttm_destroy(&bo->ttm);
		return ERR_PTR(ret);
	}
	if (args->exclusive_root) {
		drm_gem_object_get(args->exclusive_root);
		bo->exclusive_root = args->exclusive_root;
		resv = args->exclusive_root->resv;
		ret = dma_resv_lock_interruptible(resv, NULL);
		if (ret) {
			/* As ttm_bo_init_reserved() would: it destroys what it cannot init. */
			kite_ttm_destroy(&bo->ttm);
			return ERR_PTR(-ERESTARTSYS);
		}
	} else if (resv) {
		dma_resv_lock(resv, NULL);
	}
	if (args->sg)
		type = ttm_bo_type_sg;
	else if (!args->flags)
		type = ttm_bo_type_kernel;

	ctx.resv = resv;
	kite_bo_placement(bo, args->flags, &placement, places);
	ret = ttm_bo_init_reserved(&kdev->ttm, &bo->ttm, type, &placement, 0, &ctx, args->sg, resv,
				   kite_ttm_destroy);
	if (ret) {
		/* @bo has been destroyed; an outer dma_resv remains locked. */
		if (resv)
			dma_resv_unlock(resv);
		if (ret == -ENOMEM && !(args->flags & DRM_KITE_BO_SYSTEM))
			ret = -ENOSPC;
		return ERR_PTR(ret);
	}
	dma_resv_unlock(bo->ttm.base.resv);
	return bo;
}

/** kite_bo_create_pinned() - contiguous, CPU-visible VRAM of the driver's own */
struct kite_bo *kite_bo_create_pinned(struct kite_device *kdev, u64 size)
{
	const struct kite_bo_args args = { .size = size };
	struct kite_bo *bo = kite_bo_create(kdev, &args);

	if (IS_ERR(bo))
		return bo;
	dma_resv_lock(bo->ttm.base.resv, NULL);
	ttm_bo_pin(&bo->ttm);
	/* Until 6.13 only this takes a pinned buffer off the LRU, where a sleep would evict it. */
	ttm_bo_unreserve(&bo->ttm);
	return bo;
}

/** kite_bo_destroy_pinned() - give back what kite_bo_create_pinned() made */
void kite_bo_destroy_pinned(struct kite_bo *bo)
{
	dma_resv_lock(bo->ttm.base.resv, NULL);
	ttm_bo_unpin(&bo->ttm);
	ttm_bo_unreserve(&bo->ttm);
	drm_gem_object_put(&bo->ttm.base);
}

/**
 * kite_bo_address() - where the GPU finds a byte of a buffer
 * @bo: the buffer; it cannot move: its dma_resv or a fence in it is held
 * @at: byte of it, page-aligned
 * @run: out: bytes that follow contiguously, whole pages
 * @system: out: bus address, else VRAM offset
 */
u64 kite_bo_address(struct kite_bo *bo, u64 at, u64 *run, bool *system)
{
	struct ttm_resource *res = bo->ttm.resource;
	struct ttm_tt *tt = bo->ttm.ttm;
	u64 page = at >> PAGE_SHIFT;
	dma_addr_t first;
	u64 n = 1;

	*system = res->mem_type != TTM_PL_VRAM;
	if (!*system)
		return kite_vram_offset(kite_bo_device(bo), res, at, run);
	first = tt->dma_address[page];
	while (page + n < tt->num_pages && tt->dma_address[page + n] == first + n * PAGE_SIZE)
		n++;
	*run = n * PAGE_SIZE;
	return first;
}

/** kite_bo_mark_evicted() - GPU mappings of a buffer are out of date; dma_resv is held */
void kite_bo_mark_evicted(struct kite_bo *bo)
{
	struct drm_gpuvm_bo *vm_bo;

	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->ttm.base)
		drm_gpuvm_bo_evict(vm_bo, true);
}
