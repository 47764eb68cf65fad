// SPDX-License-Identifier: GPL-2.0
/*
 * The device as a whole: what it is, starting it, and letting it go.
 */
#include "kite_device.h"

#include <linux/slab.h>

#include <drm/drm_managed.h>

#include "kite_bo.h"
#include "kite_ptpool.h"
#include "kite_sched.h"
#include "kite_telemetry.h"

#define KITE_READY_TIMEOUT_MS 5000
#define KITE_ABI_MAJOR 1

LIST_HEAD(kite_devices);
DEFINE_MUTEX(kite_devices_lock);

static u64 kite_read_pair(struct kite_device *kdev, u32 lo, u32 hi)
{
	return kite_read(kdev, lo) | (u64)kite_read(kdev, hi) << 32;
}

static int kite_device_wait_ready(struct kite_device *kdev)
{
	unsigned long end = jiffies + msecs_to_jiffies(KITE_READY_TIMEOUT_MS);
	u32 status;

	do {
		status = kite_read(kdev, KITE_HW_REG_STATUS);
		if (status == ~0u)
			return -ENODEV;
		if ((status >> KITE_HW_REG_STATUS_READY_SHIFT) & KITE_HW_REG_STATUS_READY_MASK)
			return 0;
		usleep_range(200, 1000);
	} while (time_before(jiffies, end));
	return -ETIMEDOUT;
}

static int kite_device_map(struct kite_device *kdev)
{
	struct pci_dev *pdev = kdev->pdev;
	resource_size_t size = pci_resource_len(pdev, KITE_BAR_REGS);

	if (size <= KITE_HW_REG_DOORBELL || !(pci_resource_flags(pdev, KITE_BAR_REGS) &
					      IORESOURCE_MEM)) {
		drm_err(&kdev->drm, "BAR%d has no address\n", KITE_BAR_REGS);
		return -ENODEV;
	}
	kdev->regs = devm_ioremap(&pdev->dev, pci_resource_start(pdev, KITE_BAR_REGS), size);
	return kdev->regs ? 0 : -ENOMEM;
}

static int kite_device_identify(struct kite_device *kdev)
{
	u32 i, word, bits;

	if (!kite_device_present(kdev)) {
		drm_err(&kdev->drm, "BAR%d is not a kite's: id %#x\n", KITE_BAR_REGS,
			kite_read(kdev, KITE_HW_REG_ID));
		return -ENODEV;
	}
	kdev->abi = kite_read(kdev, KITE_HW_REG_ABI);
	if (((kdev->abi >> KITE_HW_REG_ABI_MAJOR_SHIFT) & KITE_HW_REG_ABI_MAJOR_MASK) !=
	    KITE_ABI_MAJOR) {
		drm_err(&kdev->drm, "hardware interface %u.%u, this driver knows %u\n",
			kdev->abi >> 16, kdev->abi & 0xffff, KITE_ABI_MAJOR);
		return -ENODEV;
	}
	if (kite_device_wait_ready(kdev)) {
		drm_err(&kdev->drm, "device is not ready\n");
		return -ENODEV;
	}
	kdev->features = kite_read(kdev, KITE_HW_REG_FEATURES);
	kdev->wave_size = kite_read(kdev, KITE_HW_REG_WAVE_SIZE);
	bits = kite_read(kdev, KITE_HW_REG_VA_BITS);
	kdev->nr_rings = kite_read(kdev, KITE_HW_REG_RING_COUNT);
	kdev->contexts.count = kite_read(kdev, KITE_HW_REG_CONTEXT_COUNT);
	if (bits != KITE_HW_LIMIT_VA_BITS || !kdev->nr_rings || kdev->nr_rings > KITE_MAX_RINGS ||
	    !kdev->contexts.count || kdev->contexts.count > KITE_MAX_CONTEXTS) {
		drm_err(&kdev->drm, "impossible: %u address bits, %u rings, %u contexts\n", bits,
			kdev->nr_rings, kdev->contexts.count);
		return -ENODEV;
	}
	/* The top page is never mapped. */
	kdev->va_end = (1ull << bits) - KITE_HW_LIMIT_PAGE_BYTES;
	for (i = 0; i < sizeof(kdev->code_uuid) / 4; i++) {
		word = kite_read(kdev, KITE_HW_REG_CODE_UUID + i * 4);
		memcpy(kdev->code_uuid + i * 4, &word, 4);
	}
	for (i = 0; i < sizeof(kdev->description) / 4; i++) {
		word = kite_read(kdev, KITE_HW_REG_DESCRIPTION + i * 4);
		memcpy(kdev->description + i * 4, &word, 4);
	}
	kdev->description[sizeof(kdev->description) - 1] = 0;
	return 0;
}

static int kite_device_map_vram(struct kite_device *kdev)
{
	struct pci_dev *pdev = kdev->pdev;
	u64 bar = pci_resource_len(pdev, KITE_BAR_VRAM);

	kdev->vram.size = kite_read_pair(kdev, KITE_HW_REG_VRAM_SIZE_LO, KITE_HW_REG_VRAM_SIZE_HI);
	kdev->vram.visible = kite_read_pair(kdev, KITE_HW_REG_VRAM_VISIBLE_LO,
					    KITE_HW_REG_VRAM_VISIBLE_HI);
	kdev->vram.visible = min3(kdev->vram.visible, kdev->vram.size, bar);
	if (!bar || !pci_resource_start(pdev, KITE_BAR_VRAM)) {
		drm_err(&kdev->drm, "BAR%d has no address: the port's prefetchable window is too small\n",
			KITE_BAR_VRAM);
		return -ENODEV;
	}
	if (kdev->vram.visible < 4 * KITE_VRAM_CARVEOUT ||
	    !PAGE_ALIGNED(kdev->vram.size | kdev->vram.visible)) {
		drm_err(&kdev->drm, "%llu bytes of VRAM, %llu visible, are of no use\n",
			kdev->vram.size, kdev->vram.visible);
		return -ENODEV;
	}
	kdev->vram_bus = pci_resource_start(pdev, KITE_BAR_VRAM);
	kdev->vram_map = devm_ioremap_wc(&pdev->dev, kdev->vram_bus, kdev->vram.visible);
	return kdev->vram_map ? 0 : -ENOMEM;
}

static void kite_device_release_sched(struct drm_device *drm, void *unused)
{
	kite_sched_fini(to_kite_device(drm));
}

/**
 * kite_device_start() - after a reset: fault queue, rings, interrupts, display
 * @kdev: the device
 */
int kite_device_start(struct kite_device *kdev)
{
	int ret;

	kite_fault_start(kdev);
	ret = kite_rings_start(kdev);
	if (ret)
		return ret;
	kite_irq_enable(kdev);
	kite_kms_start(kdev);
	return kite_device_present(kdev) ? 0 : -ENODEV;
}

/** kite_device_stop() - no work, no interrupts; the registers are still there */
void kite_device_stop(struct kite_device *kdev)
{
	if (!kite_device_present(kdev))
		return;
	kite_irq_disable(kdev);
	kite_rings_stop(kdev);
}

/**
 * kite_device_init() - from a PCI function to a device that works
 * @kdev: zeroed but for its DRM device and @pdev
 *
 * On error kite_device_remove() need not be called.
 */
int kite_device_init(struct kite_device *kdev)
{
	int ret;

	mutex_init(&kdev->direct_mutex);
	mutex_init(&kdev->copy_mutex);
	mutex_init(&kdev->remove_mutex);
	mutex_init(&kdev->vms_lock);
	init_rwsem(&kdev->release_sem);
	INIT_LIST_HEAD(&kdev->vms);
	spin_lock_init(&kdev->contexts.lock);
	kite_coredump_init(kdev);

	ret = kite_device_map(kdev) ?: kite_device_identify(kdev) ?: kite_device_hw_reset(kdev) ?:
	      kite_device_map_vram(kdev);
	if (ret)
		return ret;
	kite_telemetry_init(kdev);
	kdev->contexts.vm = drmm_kcalloc(&kdev->drm, kdev->contexts.count,
					 sizeof(*kdev->contexts.vm), GFP_KERNEL);
	if (!kdev->contexts.vm)
		return -ENOMEM;
	ret = kite_fault_init(kdev) ?: kite_rings_init(kdev) ?: kite_ttm_init(kdev) ?:
	      kite_ptpool_init(kdev) ?: kite_sched_init(kdev);
	if (ret)
		return ret;
	ret = drmm_add_action_or_reset(&kdev->drm, kite_device_release_sched, NULL);
	if (ret)
		return ret;
	ret = kite_kms_init(kdev);
	if (ret)
		return ret;
	ret = kite_irq_init(kdev);
	if (ret)
		return ret;
	ret = kite_device_start(kdev);
	if (ret) {
		kite_irq_fini(kdev);
		return ret;
	}
	mutex_lock(&kite_devices_lock);
	list_add_tail(&kdev->link, &kite_devices);
	mutex_unlock(&kite_devices_lock);
	return 0;
}

/**
 * kite_device_remove() - the device is unplugged or the driver unbound
 * @kdev: the device
 *
 * Afterwards nothing of the driver touches the hardware. Files, VMs, buffers and jobs may live on;
 * fences have signalled, CPU mappings lead to dummy pages.
 */
void kite_device_remove(struct kite_device *kdev)
{
	u32 i;

	mutex_lock(&kdev->remove_mutex);
	if (kdev->removed) {
		mutex_unlock(&kdev->remove_mutex);
		return;
	}
	kdev->removed = true;
	mutex_unlock(&kdev->remove_mutex);
	mutex_lock(&kite_devices_lock);
	list_del(&kdev->link);
	mutex_unlock(&kite_devices_lock);

	/* Sections that wait for work must not wait for long: end it first. */
	kite_device_lost(kdev, KITE_DEVICE_GONE);
	drm_dev_unplug(&kdev->drm);
	/* A submission may have slipped in before the state was seen. */
	kite_rings_fail(kdev, -ENODEV);
	kite_device_stop(kdev);
	kite_irq_fini(kdev);
	for (i = 0; i < kdev->nr_rings; i++)
		cancel_delayed_work_sync(&kdev->rings[i].watchdog);
	cancel_work_sync(&kdev->dump.work);
	kite_kms_remove(kdev);

	unmap_mapping_range(kdev->drm.anon_inode->i_mapping, 0, 0, 1);
	down_write(&kdev->release_sem);
	ttm_device_clear_dma_mappings(&kdev->ttm);
	up_write(&kdev->release_sem);
}
