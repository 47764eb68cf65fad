// SPDX-License-Identifier: GPL-2.0
/*
 * What planes show: buffers in VRAM, in one piece, pinned for as long as they are shown.
 *
 * Scan-out reads VRAM only. A buffer that came over PRIME lies in somebody else's memory, so it gets
 * a shadow when the first framebuffer is made of it: a buffer in VRAM, charged to whoever made the
 * framebuffer, which each commit that shows it fills again by the copy ring. The shadow lives as
 * long as the imported buffer. A right that is taken back stops the copies; what was shown stays.
 */
#include <drm/drm_framebuffer.h>
#include <drm/drm_print.h>

#include "kite_account.h"
#include "kite_bo.h"
#include "kite_device.h"
#include "kite_kms.h"
#include "kite_vm.h"
#include "uapi/kite_drm.h"

/** kite_scanout_bo() - where the pixels of a framebuffer's object are shown from */
struct kite_bo *kite_scanout_bo(struct drm_gem_object *obj)
{
	struct kite_bo *bo = to_kite_bo(obj);

	return READ_ONCE(bo->shadow) ?: bo;
}

static int kite_scanout_make_shadow(struct kite_bo *bo, struct kite_owner *owner)
{
	const struct kite_bo_args args = {
		.size = bo->ttm.base.size,
		.flags = DRM_KITE_BO_VRAM,
		.contiguous = true,
		.owner = owner,
	};
	struct kite_bo *shadow;

	if (!(kite_owner_rights(owner) & DRM_KITE_RIGHT_IMPORT_READ))
		return -EACCES;
	if (READ_ONCE(bo->shadow))
		return 0;
	shadow = kite_bo_create(kite_bo_device(bo), &args);
	if (IS_ERR(shadow))
		return PTR_ERR(shadow);
	/* Somebody else may have made one meanwhile. */
	if (cmpxchg(&bo->shadow, NULL, shadow))
		drm_gem_object_put(&shadow->ttm.base);
	return 0;
}

/**
 * kite_scanout_attach() - a framebuffer is being made of a buffer
 * @obj: the buffer
 * @file: whose framebuffer it will be
 *
 * Return: 0; -EINVAL for buffers that may not be in VRAM; for imported ones -EACCES without the
 * right to read them, -EDQUOT, -ENOSPC, -ENOMEM, -ERESTARTSYS.
 */
int kite_scanout_attach(struct drm_gem_object *obj, struct drm_file *file)
{
	const struct kite_file *kfile = file->driver_priv;
	struct kite_bo *bo = to_kite_bo(obj);

	if (kite_compat_is_imported(obj))
		return kite_scanout_make_shadow(bo, kfile->owner);
	return bo->flags & DRM_KITE_BO_VRAM ? 0 : -EINVAL;
}

/** kite_scanout_pin() - a plane is going to show a buffer; returns as kite_bo_pin_vram() */
int kite_scanout_pin(struct drm_gem_object *obj)
{
	return kite_bo_pin_vram(kite_scanout_bo(obj));
}

/** kite_scanout_unpin() - undo kite_scanout_pin() */
void kite_scanout_unpin(struct drm_gem_object *obj)
{
	kite_bo_unpin_vram(kite_scanout_bo(obj));
}

static int kite_scanout_copy(struct kite_bo *bo)
{
	struct dma_fence *fence = NULL;
	long done;
	int ret;

	dma_resv_lock(bo->ttm.base.resv, NULL);
	ret = kite_bo_validate(bo, false);
	if (!ret)
		ret = kite_copy_buffer(bo, bo->shadow, &fence);
	/* The pages stay where they are until they have been read. */
	if (!ret) {
		done = dma_fence_wait(fence, false);
		ret = done ?: fence->error;
		dma_fence_put(fence);
	}
	dma_resv_unlock(bo->ttm.base.resv);
	return ret;
}

/**
 * kite_scanout_refresh() - bring the shadows of a framebuffer up to date
 * @fb: the framebuffer, pinned; whoever draws to it has finished
 *
 * Part of a commit, which cannot fail any more: what could not be copied is not shown.
 */
void kite_scanout_refresh(struct drm_framebuffer *fb)
{
	unsigned int i;

	for (i = 0; i < fb->format->num_planes; i++) {
		struct kite_bo *bo = to_kite_bo(fb->obj[i]);
		int ret;

		if (!bo->shadow || (i && fb->obj[i] == fb->obj[0]) ||
		    !(kite_owner_rights(bo->shadow->owner) & DRM_KITE_RIGHT_IMPORT_READ))
			continue;
		ret = kite_scanout_copy(bo);
		if (ret && !kite_device_error(kite_bo_device(bo)))
			drm_err_ratelimited(fb->dev, "an imported picture was not copied: %d\n",
					    ret);
	}
}
