// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/PID/fdinfo: engine time and memory of a file, as drm-usage-stats.rst says.
 */
#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include "kite_bo.h"
#include "kite_vm.h"

static void kite_fdinfo_memory(struct drm_printer *p, struct drm_file *file)
{
	const enum drm_gem_object_status supported = DRM_GEM_OBJECT_RESIDENT |
						     DRM_GEM_OBJECT_PURGEABLE;
	struct drm_memory_stats vram = {}, system = {};
	struct drm_gem_object *obj;
	int id;

	spin_lock(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, id) {
		struct drm_memory_stats *stats;
		u32 mem_type;

		if (!obj)
			continue;
		mem_type = READ_ONCE(to_kite_bo(obj)->mem_type);
		stats = mem_type == TTM_PL_VRAM ? &vram : &system;
		if (obj->handle_count > 1)
			stats->shared += obj->size;
		else
			stats->private += obj->size;
		if (mem_type != KITE_PL_NONE)
			stats->resident += obj->size;
		if (READ_ONCE(to_kite_bo(obj)->advice) == DRM_KITE_MADVISE_DONTNEED)
			stats->purgeable += obj->size;
	}
	spin_unlock(&file->table_lock);
	drm_print_memory_stats(p, &vram, supported, "vram");
	drm_print_memory_stats(p, &system, supported, "memory");
}

/** kite_fdinfo_show() - &drm_driver.show_fdinfo */
void kite_fdinfo_show(struct drm_printer *p, struct drm_file *file)
{
	struct kite_device *kdev = to_kite_device(file->minor->dev);
	struct kite_file *kfile = file->driver_priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kdev->ring_of_class); i++)
		if (kdev->ring_of_class[i])
			drm_printf(p, "drm-engine-%s:\t%llu ns\n", kdev->ring_of_class[i]->name,
				   (u64)atomic64_read(&kfile->stats->busy_ns[i]));
	kite_fdinfo_memory(p, file);
}
