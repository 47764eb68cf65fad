// SPDX-License-Identifier: GPL-2.0
/*
 * DEV_QUERY and GET_TIME.
 */
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include <drm/drm_gem.h>

#include "kite_bo.h"
#include "kite_telemetry.h"
#include "kite_vm.h"
#include "uapi/kite_drm.h"

#define KITE_MAX_BINDS 1024
#define KITE_MAX_SYNCS 256
#define KITE_TIME_TRIES 3

static void kite_query_gpu(struct kite_device *kdev, struct drm_kite_gpu_info *info)
{
	static const u32 classes[] = {
		[DRM_KITE_QUEUE_GRAPHICS] = KITE_HW_RING_CLASS_GRAPHICS,
		[DRM_KITE_QUEUE_COMPUTE] = KITE_HW_RING_CLASS_COMPUTE,
		[DRM_KITE_QUEUE_COPY] = KITE_HW_RING_CLASS_COPY,
	};
	u32 i;

	info->abi_major = (kdev->abi >> KITE_HW_REG_ABI_MAJOR_SHIFT) & KITE_HW_REG_ABI_MAJOR_MASK;
	info->abi_minor = (kdev->abi >> KITE_HW_REG_ABI_MINOR_SHIFT) & KITE_HW_REG_ABI_MINOR_MASK;
	info->wave_size = kdev->wave_size;
	info->va_start = KITE_VA_START;
	info->va_end = kdev->va_end;
	info->page_size = KITE_PAGE_SIZE;
	info->max_ibs = KITE_MAX_IBS;
	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		const struct kite_ring *ring = kdev->ring_of_class[classes[i]];

		if (!ring)
			continue;
		info->ring_mask |= 1u << i;
		info->max_ibs = min(info->max_ibs, kite_ring_credits(ring));
	}
	info->max_binds = KITE_MAX_BINDS;
	info->max_syncs = KITE_MAX_SYNCS;
	info->job_timeout_ms = kite_job_timeout_ms;
	info->vendor_id = kdev->pdev->vendor;
	info->device_id = kdev->pdev->device;
	memcpy(info->code_uuid, kdev->code_uuid, sizeof(info->code_uuid));
	strscpy(info->description, kdev->description, sizeof(info->description));
}

static void kite_query_memory(struct kite_device *kdev, struct drm_file *file,
			      struct drm_kite_memory_info *info)
{
	const struct kite_file *kfile = file->driver_priv;
	struct drm_gem_object *obj;
	int id;

	mutex_lock(&kdev->vram.lock);
	info->vram_size = kdev->vram.size - KITE_VRAM_CARVEOUT;
	info->vram_visible_size = kdev->vram.visible - KITE_VRAM_CARVEOUT;
	info->vram_used = kite_vram_used(&kdev->vram);
	info->vram_visible_used = kdev->vram.visible_used - KITE_VRAM_CARVEOUT;
	mutex_unlock(&kdev->vram.lock);
	info->system_size = kdev->system_size;
	info->vram_quota_left = kite_owner_left(kfile->owner, DRM_KITE_RESOURCE_VRAM);
	info->system_quota_left = kite_owner_left(kfile->owner, DRM_KITE_RESOURCE_SYSTEM);

	/* A snapshot: buffers move while this counts them. */
	spin_lock(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, id) {
		u32 mem_type = obj ? READ_ONCE(to_kite_bo(obj)->mem_type) : KITE_PL_NONE;

		if (mem_type == TTM_PL_VRAM)
			info->vram_client += obj->size;
		else if (mem_type != KITE_PL_NONE)
			info->system_client += obj->size;
	}
	spin_unlock(&file->table_lock);
}

static u32 kite_link_mts(u32 speed)
{
	static const u32 mts[] = { 0, 2500, 5000, 8000, 16000, 32000, 64000 };

	return mts[min_t(u32, speed, ARRAY_SIZE(mts) - 1)];
}

static void kite_query_link(struct kite_device *kdev, struct drm_kite_link_info *info)
{
	struct pci_dev *pdev = kdev->pdev;
	struct pci_dev *port = pci_upstream_bridge(pdev);
	u32 most = 0;
	u16 status = 0;

	if (pcie_capability_read_word(pdev, PCI_EXP_LNKSTA, &status))
		status = 0;
	if (pcie_capability_read_dword(pdev, PCI_EXP_LNKCAP, &most))
		most = 0;
	info->speed_mts = kite_link_mts(status & PCI_EXP_LNKSTA_CLS);
	info->width = (status & PCI_EXP_LNKSTA_NLW) >> PCI_EXP_LNKSTA_NLW_SHIFT;
	info->max_speed_mts = kite_link_mts(most & PCI_EXP_LNKCAP_SLS);
	info->max_width = (most & PCI_EXP_LNKCAP_MLW) >> PCI_EXP_LNKSTA_NLW_SHIFT;
	info->path_mbps = pcie_bandwidth_available(pdev, NULL, NULL, NULL);
	info->cap_mbps = kdev->link_cap_mbps;
	info->latency_ns = kdev->link_latency_ns;
	if (kdev->link_tunnel)
		info->flags |= DRM_KITE_LINK_TUNNEL;
	info->removable = dev_is_removable(&pdev->dev) || (port && port->is_hotplug_bridge);
	info->pci_domain = pci_domain_nr(pdev->bus);
	info->pci_bus = pdev->bus->number;
	info->pci_device = PCI_SLOT(pdev->devfn);
	info->pci_function = PCI_FUNC(pdev->devfn);
}

/** kite_ioctl_dev_query() - DRM_IOCTL_KITE_DEV_QUERY */
int kite_ioctl_dev_query(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct kite_device *kdev = to_kite_device(drm);
	struct drm_kite_dev_query *args = data;
	union {
		struct drm_kite_gpu_info gpu;
		struct drm_kite_memory_info memory;
		struct drm_kite_link_info link;
		struct drm_kite_telemetry telemetry;
	} info = {};
	u32 size;

	switch (args->type) {
	case DRM_KITE_DEV_QUERY_GPU:
		size = sizeof(info.gpu);
		kite_query_gpu(kdev, &info.gpu);
		break;
	case DRM_KITE_DEV_QUERY_MEMORY:
		size = sizeof(info.memory);
		kite_query_memory(kdev, file, &info.memory);
		break;
	case DRM_KITE_DEV_QUERY_LINK:
		size = sizeof(info.link);
		kite_query_link(kdev, &info.link);
		break;
	case DRM_KITE_DEV_QUERY_TELEMETRY:
		size = sizeof(info.telemetry);
		kite_telemetry_read(kdev, &info.telemetry);
		break;
	default:
		return -EINVAL;
	}
	if (args->pointer &&
	    copy_to_user(u64_to_user_ptr(args->pointer), &info, min(size, args->size)))
		return -EFAULT;
	args->size = size;
	return 0;
}

/** kite_ioctl_get_time() - DRM_IOCTL_KITE_GET_TIME */
int kite_ioctl_get_time(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct kite_device *kdev = to_kite_device(drm);
	struct drm_kite_get_time *args = data;
	u64 best = U64_MAX;
	int i, idx, ret = 0;

	if (args->flags || args->pad)
		return -EINVAL;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	/* The guest can be interrupted between the reads: the closest pair of some. */
	for (i = 0; i < KITE_TIME_TRIES; i++) {
		u64 before = ktime_get_ns();
		u32 lo = kite_read(kdev, KITE_HW_REG_TIMESTAMP_LO);
		u64 after = ktime_get_ns();
		u32 hi = kite_read(kdev, KITE_HW_REG_TIMESTAMP_HI);

		if (lo == ~0u && hi == ~0u && !kite_device_present(kdev)) {
			ret = -ENODEV;
			break;
		}
		if (after - before >= best)
			continue;
		best = after - before;
		args->device_ns = (u64)hi << 32 | lo;
		args->cpu_ns = before + best / 2;
		args->deviation_ns = (best + 1) / 2;
	}
	drm_dev_exit(idx);
	return ret;
}
