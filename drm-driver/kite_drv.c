// SPDX-License-Identifier: GPL-2.0
/*
 * kite.ko: the module, its PCI driver and its DRM driver.
 */
#include <linux/aperture.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_prime.h>

#include "kite_account.h"
#include "kite_bo.h"
#include "kite_device.h"
#include "kite_pm.h"
#include "kite_queue.h"
#include "kite_telemetry.h"
#include "kite_vm.h"
#include "uapi/kite_drm.h"

#define KITE_PCI_VENDOR 0x1af4
#define KITE_PCI_DEVICE 0x10f0

#define KITE_MAJOR 1
#define KITE_MINOR 2

int kite_job_timeout_ms = 10000;
module_param_named(job_timeout_ms, kite_job_timeout_ms, int, 0444);
MODULE_PARM_DESC(job_timeout_ms,
		 "Milliseconds a submission may run before it is killed and its VM banned, 100 to 600000 (default 10000)");

int kite_ring_entries = KITE_RING_ENTRIES;
module_param_named(ring_entries, kite_ring_entries, int, 0444);
MODULE_PARM_DESC(ring_entries,
		 "Entries of the rings that graphics and compute queues submit to, a power of two from 16 to 2048 (default 2048); few make them wrap often, for tests");

int kite_runtime_pm = -1;
module_param_named(runtime_pm, kite_runtime_pm, int, 0444);
MODULE_PARM_DESC(runtime_pm,
		 "Let the device sleep in D3hot when it is idle: 0 never, 1 yes, -1 if it keeps its state there (default); 1 complains where it does not");

int kite_autosuspend_ms = 5000;
module_param_named(autosuspend_ms, kite_autosuspend_ms, int, 0444);
MODULE_PARM_DESC(autosuspend_ms,
		 "Milliseconds of idleness before the device sleeps, 0 to 600000 (default 5000); power/autosuspend_delay_ms in sysfs changes it later");

/* Runs what ends with files and jobs; not a device's, because a device can end in one of its items. */
struct workqueue_struct *kite_wq;

static int kite_open(struct drm_device *drm, struct drm_file *file)
{
	struct kite_file *kfile;
	int ret = kite_device_error(to_kite_device(drm));

	if (ret)
		return ret == -ENODEV ? -ENXIO : ret;
	kfile = kzalloc(sizeof(*kfile), GFP_KERNEL);
	if (!kfile)
		return -ENOMEM;
	kfile->stats = kzalloc(sizeof(*kfile->stats), GFP_KERNEL);
	if (!kfile->stats) {
		kfree(kfile);
		return -ENOMEM;
	}
	kfile->owner = kite_owner_create(file);
	if (!kfile->owner) {
		kfree(kfile->stats);
		kfree(kfile);
		return -ENOMEM;
	}
	kref_init(&kfile->stats->ref);
	xa_init_flags(&kfile->vms, XA_FLAGS_ALLOC1);
	xa_init_flags(&kfile->queues, XA_FLAGS_ALLOC1);
	file->driver_priv = kfile;
	return 0;
}

static void kite_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct kite_file *kfile = file->driver_priv;

	kite_queue_close_all(file);
	kite_vm_close_all(file);
	kite_file_stats_put(kfile->stats);
	kite_owner_close(kfile->owner);
	kfree(kfile);
}

/* A device that vanished without the slot noticing is as good as unplugged. */
static long kite_unlocked_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct drm_file *file = filp->private_data;

	if (kite_device_error(to_kite_device(file->minor->dev)) == -ENODEV)
		return -ENODEV;
	return drm_ioctl(filp, cmd, arg);
}

/* These touch the hardware or arm jobs; what others may lead to wakes it by itself. */
#define KITE_AWAKE(func)                                                                     \
	static int func##_awake(struct drm_device *drm, void *data, struct drm_file *file) \
	{                                                                                    \
		int ret = kite_pm_get(to_kite_device(drm));                                  \
                                                                                             \
		if (ret)                                                                     \
			return ret;                                                          \
		ret = func(drm, data, file);                                                 \
		kite_pm_put(to_kite_device(drm));                                            \
		return ret;                                                                  \
	}

KITE_AWAKE(kite_ioctl_get_time)
KITE_AWAKE(kite_ioctl_vm_create)
KITE_AWAKE(kite_ioctl_vm_bind)
KITE_AWAKE(kite_ioctl_queue_submit)

#define KITE_IOCTL(name, func) DRM_IOCTL_DEF_DRV(KITE_##name, func, DRM_RENDER_ALLOW)

static const struct drm_ioctl_desc kite_ioctls[] = {
	KITE_IOCTL(DEV_QUERY, kite_ioctl_dev_query),
	KITE_IOCTL(GET_TIME, kite_ioctl_get_time_awake),
	KITE_IOCTL(VM_CREATE, kite_ioctl_vm_create_awake),
	KITE_IOCTL(VM_DESTROY, kite_ioctl_vm_destroy),
	KITE_IOCTL(VM_BIND, kite_ioctl_vm_bind_awake),
	KITE_IOCTL(VM_GET_STATE, kite_ioctl_vm_get_state),
	KITE_IOCTL(BO_CREATE, kite_ioctl_bo_create),
	KITE_IOCTL(BO_MMAP_OFFSET, kite_ioctl_bo_mmap_offset),
	KITE_IOCTL(BO_INFO, kite_ioctl_bo_info),
	KITE_IOCTL(BO_MADVISE, kite_ioctl_bo_madvise),
	KITE_IOCTL(QUEUE_CREATE, kite_ioctl_queue_create),
	KITE_IOCTL(QUEUE_DESTROY, kite_ioctl_queue_destroy),
	KITE_IOCTL(QUEUE_SUBMIT, kite_ioctl_queue_submit_awake),
	KITE_IOCTL(QUEUE_GET_STATE, kite_ioctl_queue_get_state),
	KITE_IOCTL(ACCOUNT, kite_ioctl_account),
	KITE_IOCTL(DMA_RIGHTS, kite_ioctl_dma_rights),
};

static const struct file_operations kite_fops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.release = drm_release,
	.unlocked_ioctl = kite_unlocked_ioctl,
	.compat_ioctl = drm_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = drm_gem_mmap,
	.show_fdinfo = drm_show_fdinfo,
	.fop_flags = FOP_UNSIGNED_OFFSET,
};

static const struct drm_driver kite_driver = {
	.driver_features = DRIVER_GEM | DRIVER_RENDER | DRIVER_SYNCOBJ | DRIVER_SYNCOBJ_TIMELINE |
			   DRIVER_MODESET | DRIVER_ATOMIC | KITE_DRIVER_GEM_GPUVA,
	.name = "kite",
	.desc = "Kite eGPU",
#if KITE_HAVE_DRIVER_DATE
	.date = "20261121",
#endif
	.major = KITE_MAJOR,
	.minor = KITE_MINOR,
	.open = kite_open,
	.postclose = kite_postclose,
	.ioctls = kite_ioctls,
	.num_ioctls = ARRAY_SIZE(kite_ioctls),
	.fops = &kite_fops,
	.show_fdinfo = kite_fdinfo_show,
	.gem_prime_import_sg_table = kite_prime_import_sg,
	.prime_handle_to_fd = kite_prime_handle_to_fd,
	.prime_fd_to_handle = kite_prime_fd_to_handle,
	.dumb_create = kite_bo_dumb_create,
	DRM_FBDEV_TTM_DRIVER_OPS,
#ifdef CONFIG_DEBUG_FS
	.debugfs_init = kite_debugfs_init,
#endif
};

static int kite_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct kite_device *kdev;
	int ret;

	kdev = devm_drm_dev_alloc(&pdev->dev, &kite_driver, struct kite_device, drm);
	if (IS_ERR(kdev))
		return PTR_ERR(kdev);
	kdev->pdev = pdev;
	pci_set_drvdata(pdev, kdev);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	kite_rebar(pdev);
	ret = pcim_request_all_regions(pdev, "kite");
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	pci_set_master(pdev);

	ret = kite_device_init(kdev);
	if (ret)
		return ret;
	ret = drm_dev_register(&kdev->drm, 0);
	if (ret) {
		kite_device_remove(kdev);
		return ret;
	}
	kite_kms_register(kdev);
	drm_info(&kdev->drm, "%llu MiB VRAM (%llu MiB visible), %u rings, %u contexts, %u heads, %s\n",
		 kdev->vram.size >> 20, kdev->vram.visible >> 20, kdev->nr_rings,
		 kdev->contexts.count, kdev->kms.nr_heads, kdev->description);
	pcie_print_link_status(pdev);
	kite_hwmon_register(kdev);
	kite_pm_start(kdev);
	return 0;
}

static void kite_remove(struct pci_dev *pdev)
{
	struct kite_device *kdev = pci_get_drvdata(pdev);

	kite_pm_stop(kdev);
	kite_device_remove(kdev);
	pci_clear_master(pdev);
}

static void kite_shutdown(struct pci_dev *pdev)
{
	kite_device_remove(pci_get_drvdata(pdev));
}

static const struct pci_device_id kite_pci_ids[] = {
	{ PCI_DEVICE(KITE_PCI_VENDOR, KITE_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, kite_pci_ids);

static struct pci_driver kite_pci_driver = {
	.name = "kite",
	.id_table = kite_pci_ids,
	.probe = kite_probe,
	.remove = kite_remove,
	.shutdown = kite_shutdown,
	.err_handler = &kite_pci_errors,
	.driver.pm = pm_ptr(&kite_pm_ops),
};

static int __init kite_init(void)
{
	int ret;

	kite_job_timeout_ms = clamp(kite_job_timeout_ms, 100, 600000);
	kite_ring_entries = rounddown_pow_of_two(clamp(kite_ring_entries, KITE_RING_ENTRIES_MIN,
						       KITE_RING_ENTRIES));
	kite_autosuspend_ms = clamp(kite_autosuspend_ms, 0, 600000);
	kite_wq = alloc_workqueue("kite", WQ_UNBOUND, 0);
	if (!kite_wq)
		return -ENOMEM;
	ret = kite_proc_init();
	if (ret)
		goto err_wq;
	ret = pci_register_driver(&kite_pci_driver);
	if (ret)
		goto err_proc;
	return 0;
err_proc:
	kite_proc_fini();
err_wq:
	destroy_workqueue(kite_wq);
	return ret;
}

static void __exit kite_exit(void)
{
	kite_proc_fini();
	pci_unregister_driver(&kite_pci_driver);
	destroy_workqueue(kite_wq);
	kite_accounts_fini();
	/* Fences are freed by RCU callbacks in this module. */
	rcu_barrier();
}

module_init(kite_init);
module_exit(kite_exit);

MODULE_DESCRIPTION("DRM driver of the Kite eGPU");
MODULE_AUTHOR("The Kite project");
MODULE_LICENSE("GPL");
