// SPDX-License-Identifier: GPL-2.0
/*
 * PRIME: buffers that other devices use live in system memory while they do; their VRAM is never
 * handed out. Buffers of one VM only cannot be exported.
 */
#include <linux/dma-buf.h>

#include <drm/drm_prime.h>
#include <drm/ttm/ttm_tt.h>

#include "kite_bo.h"
#include "kite_vm.h"
#include "uapi/kite_drm.h"

/** kite_prime_handle_to_fd() - &drm_driver.prime_handle_to_fd: give away, with the right to */
int kite_prime_handle_to_fd(struct drm_device *drm, struct drm_file *file, u32 handle, u32 flags,
			    int *fd)
{
	const struct kite_file *kfile = file->driver_priv;

	if (!(kite_owner_rights(kfile->owner) & DRM_KITE_RIGHT_EXPORT))
		return -EACCES;
	return drm_gem_prime_handle_to_fd(drm, file, handle, flags, fd);
}

/**
 * kite_prime_fd_to_handle() - &drm_driver.prime_fd_to_handle: take, with the right to
 * @drm: the device
 * @file: who takes
 * @fd: a dma-buf
 * @handle: out: its GEM handle
 *
 * A buffer of the same eGPU only gets another handle. Whose a dma-buf is shows once it has been
 * imported; VM_BIND asks for the right again.
 *
 * Return: 0, -EACCES, or what drm_gem_prime_fd_to_handle() says.
 */
int kite_prime_fd_to_handle(struct drm_device *drm, struct drm_file *file, int fd, u32 *handle)
{
	const struct kite_file *kfile = file->driver_priv;
	struct drm_gem_object *obj;
	bool foreign;
	int ret;

	ret = drm_gem_prime_fd_to_handle(drm, file, fd, handle);
	if (ret || (kite_owner_rights(kfile->owner) & DRM_KITE_RIGHT_IMPORT_READ))
		return ret;
	obj = drm_gem_object_lookup(file, *handle);
	if (!obj)
		return -EACCES;
	foreign = kite_compat_is_imported(obj);
	drm_gem_object_put(obj);
	if (!foreign)
		return 0;
	drm_gem_handle_delete(file, *handle);
	return -EACCES;
}

/** kite_prime_export() - make a dma-buf; refused for buffers of one VM */
struct dma_buf *kite_prime_export(struct drm_gem_object *obj, int flags)
{
	if (to_kite_bo(obj)->exclusive_root)
		return ERR_PTR(-EPERM);
	return drm_gem_prime_export(obj, flags);
}

/** kite_prime_pin() - another device attaches; dma_resv is held */
int kite_prime_pin(struct drm_gem_object *obj)
{
	dma_resv_assert_held(obj->resv);
	return kite_bo_pin_system(to_kite_bo(obj));
}

/** kite_prime_unpin() - another device is done; dma_resv is held */
void kite_prime_unpin(struct drm_gem_object *obj)
{
	dma_resv_assert_held(obj->resv);
	kite_bo_unpin(to_kite_bo(obj));
}

/** kite_prime_get_sg() - the pages of a pinned buffer */
struct sg_table *kite_prime_get_sg(struct drm_gem_object *obj)
{
	struct ttm_tt *tt = to_kite_bo(obj)->ttm.ttm;

	if (!tt || !ttm_tt_is_populated(tt) || !tt->pages)
		return ERR_PTR(-ENXIO);
	return drm_prime_pages_to_sg(obj->dev, tt->pages, tt->num_pages);
}

/** kite_prime_import_sg() - wrap another device's memory */
struct drm_gem_object *kite_prime_import_sg(struct drm_device *drm,
					    struct dma_buf_attachment *attach,
					    struct sg_table *sg)
{
	const struct kite_bo_args args = {
		.size = attach->dmabuf->size,
		.flags = DRM_KITE_BO_SYSTEM,
		.sg = sg,
		.resv = attach->dmabuf->resv,
	};
	struct kite_bo *bo = kite_bo_create(to_kite_device(drm), &args);

	return IS_ERR(bo) ? ERR_CAST(bo) : &bo->ttm.base;
}
