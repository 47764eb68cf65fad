/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VRAM manager: a TTM resource manager over the buddy allocator, in 4 KiB units. Part of struct
 * kite_device, set up by kite_ttm_init(). The CPU may see only the lower part of VRAM; resources
 * know how much of them lies there.
 */
#ifndef _KITE_VRAM_H_
#define _KITE_VRAM_H_

#include <linux/mutex.h>

#include <drm/ttm/ttm_resource.h>

#include "kite_compat.h"

struct kite_device;

/** struct kite_vram - all VRAM of a device */
struct kite_vram {
	/** @man: TTM's view */
	struct ttm_resource_manager man;
	/** @mm: free and used blocks */
	struct gpu_buddy mm;
	/** @lock: protects @mm and @visible_used */
	struct mutex lock;
	/** @reserved: blocks of the driver's own */
	struct list_head reserved;
	/** @size: bytes in all */
	u64 size;
	/** @visible: bytes that the CPU can see */
	u64 visible;
	/** @visible_used: bytes of them in use */
	u64 visible_used;
	/** @ready: the manager is registered */
	bool ready;
};

/** struct kite_vram_resource - VRAM of one buffer */
struct kite_vram_resource {
	/** @base: TTM's view */
	struct ttm_resource base;
	/** @blocks: the memory, in the order of the buffer */
	struct list_head blocks;
	/** @visible: bytes of it that the CPU can see */
	u64 visible;
};

static inline struct kite_vram_resource *to_kite_vram_resource(struct ttm_resource *res)
{
	return container_of(res, struct kite_vram_resource, base);
}

int kite_vram_init(struct kite_device *kdev);
void kite_vram_fini(struct kite_device *kdev);
u64 kite_vram_offset(struct kite_device *kdev, struct ttm_resource *res, u64 at, u64 *run);
u64 kite_vram_used(struct kite_vram *vram);
bool kite_vram_cpu_visible(struct ttm_resource *res);

#endif /* _KITE_VRAM_H_ */
