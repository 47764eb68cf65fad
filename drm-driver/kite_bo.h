/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Buffers: GEM objects on TTM.
 *
 * Owner and lifetime: reference-counted as GEM objects. All state that eviction may change is
 * protected by the object's dma_resv. A buffer made for one VM shares that VM's dma_resv. Buffers are
 * zero when made and again after they were purged.
 */
#ifndef _KITE_BO_H_
#define _KITE_BO_H_

#include <linux/iosys-map.h>

#include <drm/drm_gem.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_placement.h>

#include "kite_device.h"

#define KITE_BO_LABEL_SIZE 64
#define KITE_PL_NONE U32_MAX

struct drm_exec;
struct kite_owner;
struct drm_mode_create_dumb;

/** struct kite_bo - a buffer */
struct kite_bo {
	/** @ttm: TTM's and GEM's half */
	struct ttm_buffer_object ttm;
	/** @flags: enum drm_kite_bo_flags as created; 0 for the driver's own */
	u32 flags;
	/** @advice: enum drm_kite_madvise; under dma_resv */
	u32 advice;
	/** @purged: contents were dropped since DONTNEED; under dma_resv */
	bool purged;
	/** @mem_type: where it is, TTM_PL_*, or KITE_PL_NONE; a hint for statistics, without a lock */
	u32 mem_type;
	/** @exclusive_root: object whose dma_resv this one shares, or NULL; holds a reference */
	struct drm_gem_object *exclusive_root;
	/** @owner: who is charged for it, or NULL */
	struct kite_owner *owner;
	/** @shadow: of an imported buffer that is shown: its copy in VRAM, or NULL; set once */
	struct kite_bo *shadow;
	/** @counted: it is part of the device's struct kite_usage */
	bool counted;
	/** @contiguous: VRAM is given in one piece, because it is shown; under dma_resv */
	bool contiguous;
	/** @label: text for people; under dma_resv */
	char label[KITE_BO_LABEL_SIZE];
};

static inline struct kite_bo *ttm_to_kite_bo(struct ttm_buffer_object *bo)
{
	return container_of(bo, struct kite_bo, ttm);
}

static inline struct kite_bo *to_kite_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct kite_bo, ttm.base);
}

static inline struct kite_device *kite_bo_device(struct kite_bo *bo)
{
	return to_kite_device(bo->ttm.base.dev);
}

/** struct kite_bo_args - what to make */
struct kite_bo_args {
	/** @size: bytes, rounded up to pages */
	u64 size;
	/** @flags: enum drm_kite_bo_flags; 0 for the driver's own VRAM, contiguous and visible */
	u32 flags;
	/** @exclusive_root: object whose dma_resv to share, or NULL */
	struct drm_gem_object *exclusive_root;
	/** @contiguous: VRAM in one piece */
	bool contiguous;
	/** @owner: whom to charge, or NULL */
	struct kite_owner *owner;
	/** @sg: PRIME import, or NULL */
	struct sg_table *sg;
	/** @resv: of the imported dma-buf, or NULL */
	struct dma_resv *resv;
};

struct kite_bo *kite_bo_create(struct kite_device *kdev, const struct kite_bo_args *args);
struct kite_bo *kite_bo_create_pinned(struct kite_device *kdev, u64 size);
void kite_bo_destroy_pinned(struct kite_bo *bo);
u32 kite_bo_rights(struct kite_bo *bo, bool read_only);
int kite_bo_validate(struct kite_bo *bo, bool evict_own);
int kite_bo_validate_visible(struct kite_bo *bo);
int kite_bo_pin_system(struct kite_bo *bo);
void kite_bo_unpin(struct kite_bo *bo);
int kite_bo_pin_vram(struct kite_bo *bo);
void kite_bo_unpin_vram(struct kite_bo *bo);
void kite_bo_placement(struct kite_bo *bo, u32 flags, struct ttm_placement *placement,
		       struct ttm_place *places);
u64 kite_bo_address(struct kite_bo *bo, u64 at, u64 *run, bool *system);
void kite_bo_mark_evicted(struct kite_bo *bo);

int kite_copy_clear(struct kite_bo *bo, struct ttm_resource *res, struct dma_fence **fence);
int kite_copy_move(struct kite_bo *bo, struct ttm_resource *from, struct ttm_resource *to,
		   struct dma_fence **fence);
int kite_copy_buffer(struct kite_bo *from, struct kite_bo *to, struct dma_fence **fence);

struct drm_gem_object *kite_prime_import_sg(struct drm_device *drm,
					    struct dma_buf_attachment *attach,
					    struct sg_table *sg);
struct dma_buf *kite_prime_export(struct drm_gem_object *obj, int flags);
int kite_prime_pin(struct drm_gem_object *obj);
void kite_prime_unpin(struct drm_gem_object *obj);
struct sg_table *kite_prime_get_sg(struct drm_gem_object *obj);
int kite_prime_handle_to_fd(struct drm_device *drm, struct drm_file *file, u32 handle, u32 flags,
			    int *fd);
int kite_prime_fd_to_handle(struct drm_device *drm, struct drm_file *file, int fd, u32 *handle);

int kite_bo_dumb_create(struct drm_file *file, struct drm_device *drm,
			struct drm_mode_create_dumb *args);
int kite_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file);
int kite_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file);
int kite_ioctl_bo_info(struct drm_device *drm, void *data, struct drm_file *file);
int kite_ioctl_bo_madvise(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _KITE_BO_H_ */
