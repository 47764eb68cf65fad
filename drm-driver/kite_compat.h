/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the kernels that kite.ko is built for, papered over in one place. Each is
 * decided by a compile probe (conftest.sh), never by the kernel's version. Code elsewhere uses the
 * names below and never asks KITE_HAVE_* itself, apart from structure fields that come and go.
 */
#ifndef _KITE_COMPAT_H_
#define _KITE_COMPAT_H_

#include "kite_conftest.h"

#if KITE_HAVE_CLIENT_SETUP
#include <drm/clients/drm_client_setup.h>
#elif KITE_HAVE_CLIENT_SETUP_TOP
#include <drm/drm_client_setup.h>
#endif
#include <linux/pci.h>

#include <drm/drm_drv.h>
#include <drm/drm_fbdev_ttm.h>
#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_device.h>

#if KITE_HAVE_GPU_BUDDY
#include <linux/gpu_buddy.h>
#else
#include <drm/drm_buddy.h>
#define gpu_buddy drm_buddy
#define gpu_buddy_block drm_buddy_block
#define gpu_buddy_init drm_buddy_init
#define gpu_buddy_fini drm_buddy_fini
#define gpu_buddy_alloc_blocks drm_buddy_alloc_blocks
#define gpu_buddy_free_list drm_buddy_free_list
#define gpu_buddy_block_offset drm_buddy_block_offset
#define gpu_buddy_block_size drm_buddy_block_size
#define GPU_BUDDY_RANGE_ALLOCATION DRM_BUDDY_RANGE_ALLOCATION
#define GPU_BUDDY_TOPDOWN_ALLOCATION DRM_BUDDY_TOPDOWN_ALLOCATION
#define GPU_BUDDY_CONTIGUOUS_ALLOCATION DRM_BUDDY_CONTIGUOUS_ALLOCATION
#endif

#if KITE_HAVE_DRIVER_GEM_GPUVA
#define KITE_DRIVER_GEM_GPUVA DRIVER_GEM_GPUVA
#else
#define KITE_DRIVER_GEM_GPUVA 0
#endif

#if KITE_HAVE_SCHED_STAT_RESET
#define KITE_SCHED_STAT_DONE DRM_GPU_SCHED_STAT_RESET
#else
#define KITE_SCHED_STAT_DONE DRM_GPU_SCHED_STAT_NOMINAL
#endif

/** kite_compat_sched_init() - drm_sched_init() for one hardware ring */
static inline int kite_compat_sched_init(struct drm_gpu_scheduler *sched,
					 const struct drm_sched_backend_ops *ops,
					 struct workqueue_struct *timeout_wq, u32 credits,
					 long timeout, const char *name, struct device *dev)
{
#if KITE_HAVE_SCHED_INIT_ARGS
	const struct drm_sched_init_args args = {
		.ops = ops,
		.timeout_wq = timeout_wq,
		.num_rqs = DRM_SCHED_PRIORITY_COUNT,
		.credit_limit = credits,
		.timeout = timeout,
		.name = name,
		.dev = dev,
	};

	return drm_sched_init(sched, &args);
#else
	return drm_sched_init(sched, ops, NULL, DRM_SCHED_PRIORITY_COUNT, credits, 0, timeout,
			      timeout_wq, NULL, name, dev);
#endif
}

/** kite_compat_job_init() - drm_sched_job_init(), which may want to know the client */
static inline int kite_compat_job_init(struct drm_sched_job *job, struct drm_sched_entity *entity,
				       u32 credits, void *owner, u64 client)
{
#if KITE_HAVE_SCHED_JOB_CLIENT
	return drm_sched_job_init(job, entity, credits, owner, client);
#else
	return drm_sched_job_init(job, entity, credits, owner);
#endif
}

/** kite_compat_sm_map() - drm_gpuvm_sm_map() */
static inline int kite_compat_sm_map(struct drm_gpuvm *gpuvm, void *priv, u64 va, u64 range,
				     struct drm_gem_object *obj, u64 offset)
{
#if KITE_HAVE_GPUVM_MAP_REQ
	const struct drm_gpuvm_map_req req = {
		.map.va.addr = va,
		.map.va.range = range,
		.map.gem.obj = obj,
		.map.gem.offset = offset,
	};

	return drm_gpuvm_sm_map(gpuvm, priv, &req);
#else
	return drm_gpuvm_sm_map(gpuvm, priv, va, range, obj, offset);
#endif
}

/** kite_compat_vm_bo_obtain() - the drm_gpuvm_bo of a VM and a locked object */
static inline struct drm_gpuvm_bo *kite_compat_vm_bo_obtain(struct drm_gpuvm *gpuvm,
							    struct drm_gem_object *obj)
{
#if KITE_HAVE_GPUVM_BO_OBTAIN_LOCKED
	return drm_gpuvm_bo_obtain_locked(gpuvm, obj);
#else
	return drm_gpuvm_bo_obtain(gpuvm, obj);
#endif
}

/** kite_compat_ttm_release() - give up a GEM object's TTM half */
static inline void kite_compat_ttm_release(struct ttm_buffer_object *bo)
{
#if KITE_HAVE_TTM_BO_FINI
	ttm_bo_fini(bo);
#else
	ttm_bo_put(bo);
#endif
}

/** kite_compat_ttm_device_init() - ttm_device_init() without coherent or 32-bit pools */
static inline int kite_compat_ttm_device_init(struct ttm_device *bdev,
					      const struct ttm_device_funcs *funcs,
					      struct device *dev, struct address_space *mapping,
					      struct drm_vma_offset_manager *vma_manager)
{
#if KITE_HAVE_TTM_ALLOC_FLAGS
	return ttm_device_init(bdev, funcs, dev, mapping, vma_manager,
			       TTM_ALLOCATION_PROPAGATE_ENOSPC);
#else
	return ttm_device_init(bdev, funcs, dev, mapping, vma_manager, false, false);
#endif
}

/** kite_compat_is_imported() - whether the object came over PRIME */
static inline bool kite_compat_is_imported(const struct drm_gem_object *obj)
{
#if KITE_HAVE_GEM_IS_IMPORTED
	return drm_gem_is_imported(obj);
#else
	return !!obj->import_attach;
#endif
}

/** kite_compat_wedged() - tell userspace that the device is lost, where the kernel has a way */
static inline void kite_compat_wedged(struct drm_device *drm)
{
#if KITE_HAVE_WEDGED_EVENT_INFO
	drm_dev_wedged_event(drm, DRM_WEDGE_RECOVERY_REBIND, NULL);
#elif KITE_HAVE_WEDGED_EVENT
	drm_dev_wedged_event(drm, DRM_WEDGE_RECOVERY_REBIND);
#endif
}

/** kite_compat_resize_bar() - pci_resize_resource() of a BAR that nobody has mapped */
static inline int kite_compat_resize_bar(struct pci_dev *pdev, int bar, int size)
{
#if KITE_HAVE_RESIZE_EXCLUDE
	return pci_resize_resource(pdev, bar, size, 0);
#else
	pci_release_resource(pdev, bar);
	return pci_resize_resource(pdev, bar, size);
#endif
}

/* The state of an atomic commit has lost its old name to what it is. */
#if KITE_HAVE_ATOMIC_COMMIT_STRUCT
#define kite_atomic_state drm_atomic_commit
#else
#define kite_atomic_state drm_atomic_state
#endif

#if KITE_HAVE_FB_CREATE_INFO
#define KITE_FB_CREATE_ARGS                                          \
	struct drm_device *drm, struct drm_file *file,               \
		const struct drm_format_info *info,                  \
		const struct drm_mode_fb_cmd2 *cmd
#define KITE_FB_CREATE_PASS drm, file, info, cmd
#else
#define KITE_FB_CREATE_ARGS                            \
	struct drm_device *drm, struct drm_file *file, \
		const struct drm_mode_fb_cmd2 *cmd
#define KITE_FB_CREATE_PASS drm, file, cmd
#endif

/** kite_compat_console() - let the kernel's own clients use the display */
static inline void kite_compat_console(struct drm_device *drm)
{
#if KITE_HAVE_CLIENT_SETUP || KITE_HAVE_CLIENT_SETUP_TOP
	drm_client_setup(drm, NULL);
#else
	drm_fbdev_ttm_setup(drm, 32);
#endif
}

#endif /* _KITE_COMPAT_H_ */
