// SPDX-License-Identifier: GPL-2.0
/*
 * ioctls on buffers: BO_CREATE, BO_MMAP_OFFSET, BO_INFO, BO_MADVISE; dumb buffers.
 */
#include <linux/string.h>

#include <drm/drm_gem.h>
#include <drm/drm_mode.h>

#include "kite_bo.h"
#include "kite_vm.h"
#include "uapi/kite_drm.h"

#define KITE_BO_FLAGS (DRM_KITE_BO_VRAM | DRM_KITE_BO_SYSTEM | DRM_KITE_BO_CPU_VISIBLE)

/* Make a buffer and a handle; the handle owns it. The file is charged. */
static int kite_bo_create_handle(struct drm_file *file, struct kite_device *kdev,
				 struct kite_bo_args *args, u32 *handle)
{
	struct kite_file *kfile = file->driver_priv;
	struct kite_bo *bo;
	int ret;

	args->owner = kfile->owner;
	if (!(kite_owner_rights(kfile->owner) & DRM_KITE_RIGHT_SYSTEM)) {
		args->flags &= ~DRM_KITE_BO_SYSTEM;
		if (!(args->flags & DRM_KITE_BO_VRAM))
			return -EACCES;
	}
	bo = kite_bo_create(kdev, args);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	ret = drm_gem_handle_create(file, &bo->ttm.base, handle);
	drm_gem_object_put(&bo->ttm.base);
	return ret;
}

/** kite_ioctl_bo_create() - DRM_IOCTL_KITE_BO_CREATE */
int kite_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct kite_device *kdev = to_kite_device(drm);
	struct drm_kite_bo_create *args = data;
	struct kite_bo_args bo = { .flags = args->flags };
	struct kite_vm *vm = NULL;
	u64 limit;
	int ret;

	if (args->pad || (args->flags & ~KITE_BO_FLAGS) ||
	    !(args->flags & (DRM_KITE_BO_VRAM | DRM_KITE_BO_SYSTEM)) || !args->size ||
	    args->size > U64_MAX - PAGE_SIZE)
		return -EINVAL;
	/* What can never fit is told at once, and by its kind. */
	bo.size = PAGE_ALIGN(args->size);
	limit = kdev->vram.size - KITE_VRAM_CARVEOUT;
	if ((args->flags & DRM_KITE_BO_CPU_VISIBLE) && kdev->vram.visible < kdev->vram.size)
		limit = kdev->vram.visible - KITE_VRAM_CARVEOUT;
	if (!(args->flags & DRM_KITE_BO_SYSTEM) && bo.size > limit)
		return -ENOSPC;
	if ((args->flags & DRM_KITE_BO_SYSTEM) && bo.size > kdev->system_size &&
	    (!(args->flags & DRM_KITE_BO_VRAM) || bo.size > limit))
		return -ENOMEM;

	if (args->exclusive_vm_id) {
		vm = kite_vm_lookup(file, args->exclusive_vm_id);
		if (!vm)
			return -ENOENT;
		bo.exclusive_root = drm_gpuvm_resv_obj(&vm->base);
	}
	ret = kite_bo_create_handle(file, kdev, &bo, &args->handle);
	if (!ret)
		args->size = bo.size;
	if (vm)
		kite_vm_put(vm);
	return ret;
}

/** kite_bo_dumb_create() - DRM_IOCTL_MODE_CREATE_DUMB */
int kite_bo_dumb_create(struct drm_file *file, struct drm_device *drm,
			struct drm_mode_create_dumb *args)
{
	struct kite_bo_args bo = {
		.flags = DRM_KITE_BO_VRAM | DRM_KITE_BO_SYSTEM | DRM_KITE_BO_CPU_VISIBLE,
		.contiguous = true,
	};
	u64 pitch = DIV_ROUND_UP_ULL((u64)args->width * args->bpp, 8);

	if (args->flags)
		return -EINVAL;
	pitch = ALIGN(pitch, 64);
	if (pitch > U32_MAX)
		return -EINVAL;
	bo.size = PAGE_ALIGN(pitch * args->height);
	if (!bo.size)
		return -EINVAL;
	if (bo.size > to_kite_device(drm)->system_size)
		return -ENOMEM;
	args->pitch = (u32)pitch;
	args->size = bo.size;
	return kite_bo_create_handle(file, to_kite_device(drm), &bo, &args->handle);
}

/** kite_ioctl_bo_mmap_offset() - DRM_IOCTL_KITE_BO_MMAP_OFFSET */
int kite_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_kite_bo_mmap_offset *args = data;
	struct drm_gem_object *obj;
	int ret = 0;

	if (args->flags)
		return -EINVAL;
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;
	/* The exporter's own mmap is the way to imported memory. */
	if (kite_compat_is_imported(obj))
		ret = -EINVAL;
	else
		args->offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return ret;
}

/* The buffer of a handle, referenced and locked; kite_bo_unlock_put() ends both. */
static struct kite_bo *kite_bo_lookup_lock(struct drm_file *file, u32 handle)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);
	int ret;

	if (!obj)
		return ERR_PTR(-ENOENT);
	ret = dma_resv_lock_interruptible(obj->resv, NULL);
	if (ret) {
		drm_gem_object_put(obj);
		return ERR_PTR(ret);
	}
	return to_kite_bo(obj);
}

static void kite_bo_unlock_put(struct kite_bo *bo)
{
	struct drm_gem_object *obj = &bo->ttm.base;

	dma_resv_unlock(obj->resv);
	drm_gem_object_put(obj);
}

/** kite_ioctl_bo_info() - DRM_IOCTL_KITE_BO_INFO */
int kite_ioctl_bo_info(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_kite_bo_info *args = data;
	struct kite_bo *bo;

	if (args->flags & ~DRM_KITE_BO_SET_LABEL)
		return -EINVAL;
	if ((args->flags & DRM_KITE_BO_SET_LABEL) &&
	    strnlen(args->label, sizeof(args->label)) == sizeof(args->label))
		return -EINVAL;
	bo = kite_bo_lookup_lock(file, args->handle);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	if (args->flags & DRM_KITE_BO_SET_LABEL) {
		strscpy_pad(bo->label, args->label, sizeof(bo->label));
	} else {
		args->size = bo->ttm.base.size;
		args->create_flags = bo->flags;
		args->placement = 0;
		if (bo->mem_type != KITE_PL_NONE)
			args->placement = bo->mem_type == TTM_PL_VRAM ? DRM_KITE_BO_VRAM :
									DRM_KITE_BO_SYSTEM;
		memcpy(args->label, bo->label, sizeof(args->label));
	}
	kite_bo_unlock_put(bo);
	return 0;
}

/** kite_ioctl_bo_madvise() - DRM_IOCTL_KITE_BO_MADVISE */
int kite_ioctl_bo_madvise(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_kite_bo_madvise *args = data;
	struct kite_bo *bo;
	int ret = 0;

	if (args->pad || args->advice > DRM_KITE_MADVISE_DONTNEED)
		return -EINVAL;
	bo = kite_bo_lookup_lock(file, args->handle);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	/* Memory of other devices is not ours to drop. */
	if (kite_compat_is_imported(&bo->ttm.base)) {
		if (args->advice)
			ret = -EINVAL;
		args->retained = 1;
	} else {
		args->retained = !bo->purged;
		WRITE_ONCE(bo->advice, args->advice);
		if (args->advice == DRM_KITE_MADVISE_WILLNEED)
			bo->purged = false;
	}
	kite_bo_unlock_put(bo);
	return ret;
}
