// SPDX-License-Identifier: GPL-2.0
/*
 * System sleep, runtime PM and PCI errors.
 */
#include "kite_pm.h"

#include <linux/mm.h>
#include <linux/pm_runtime.h>

#include <drm/drm_modeset_helper.h>
#include <drm/ttm/ttm_resource.h>

#include "kite_device.h"
#include "kite_vm.h"

/* Jobs are let finish before a sleep; one that hangs is killed by its own timeout first. */
#define KITE_IDLE_GRACE_MS 5000

/*
 * Wait until no job is left, neither running nor queued: its mappings would be gone when it woke up.
 * Userspace is frozen, so there will be no new ones.
 */
static int kite_wait_idle(struct kite_device *kdev)
{
	unsigned long end = jiffies +
			    msecs_to_jiffies(kite_job_timeout_ms + KITE_IDLE_GRACE_MS);

	while (atomic_read(&kdev->jobs)) {
		if (time_after(jiffies, end))
			return -EBUSY;
		msleep(20);
	}
	return 0;
}

static void kite_scheds_stop(struct kite_device *kdev, bool stop)
{
	u32 i;

	for (i = 0; i < kdev->nr_rings; i++) {
		if (stop)
			drm_sched_wqueue_stop(&kdev->rings[i].sched);
		else
			drm_sched_wqueue_start(&kdev->rings[i].sched);
	}
}

static int kite_pm_suspend(struct device *dev)
{
	struct kite_device *kdev = pci_get_drvdata(to_pci_dev(dev));
	int ret;

	if (!kdev || kite_device_error(kdev))
		return 0;
	ret = kdev->kms.nr_heads ? drm_mode_config_helper_suspend(&kdev->drm) : 0;
	if (!ret)
		ret = kite_wait_idle(kdev);
	/* Copies out of VRAM are jobs, so schedulers run until it is empty. */
	if (!ret)
		ret = ttm_resource_manager_evict_all(&kdev->ttm, &kdev->vram.man);
	if (!ret)
		ret = kite_wait_idle(kdev);
	if (ret) {
		drm_err(&kdev->drm, "cannot empty VRAM before sleeping: %d\n", ret);
		if (kdev->kms.nr_heads)
			drm_mode_config_helper_resume(&kdev->drm);
		return ret;
	}
	kite_scheds_stop(kdev, true);
	atomic_cmpxchg(&kdev->state, KITE_DEVICE_OK, KITE_DEVICE_SUSPENDED);
	kite_irq_disable(kdev);
	kite_rings_stop(kdev);
	return 0;
}

static int kite_pm_resume(struct device *dev)
{
	struct kite_device *kdev = pci_get_drvdata(to_pci_dev(dev));
	struct kite_vm *vm;
	int ret;

	if (!kdev || kite_device_error(kdev))
		return 0;
	/* Cables are pulled while machines sleep. */
	ret = kite_device_present(kdev) ? kite_device_hw_reset(kdev) : -ENODEV;
	if (!ret)
		ret = kite_device_start(kdev);
	if (ret) {
		drm_err(&kdev->drm, "device did not come back from sleep: %d\n", ret);
		kite_device_lost(kdev, ret == -ENODEV ? KITE_DEVICE_GONE : KITE_DEVICE_DEAD);
		kite_scheds_stop(kdev, false);
		return 0;
	}
	atomic_cmpxchg(&kdev->state, KITE_DEVICE_SUSPENDED, KITE_DEVICE_OK);
	mutex_lock(&kdev->vms_lock);
	list_for_each_entry(vm, &kdev->vms, link) {
		if (!kref_get_unless_zero(&vm->handle.ref))
			continue;
		if (!kite_vm_error(vm) && kite_vm_resume(vm))
			drm_err(&kdev->drm, "context %u did not come back from sleep\n",
				vm->context);
		kite_vm_put(vm);
	}
	mutex_unlock(&kdev->vms_lock);
	kite_scheds_stop(kdev, false);
	if (kdev->kms.nr_heads)
		drm_mode_config_helper_resume(&kdev->drm);
	return 0;
}

/**
 * kite_pm_get() - wake the hardware and keep it awake; may sleep
 * @kdev: the device
 *
 * Return: 0, or -ENODEV after removal, when there is nothing to put.
 */
int kite_pm_get(struct kite_device *kdev)
{
	return pm_runtime_resume_and_get(kdev->drm.dev) < 0 ? -ENODEV : 0;
}

/** kite_pm_hold() - keep the hardware awake that somebody else has woken; any context */
void kite_pm_hold(struct kite_device *kdev)
{
	pm_runtime_get_noresume(kdev->drm.dev);
}

/** kite_pm_put() - undo kite_pm_get() or kite_pm_hold(); any context */
void kite_pm_put(struct kite_device *kdev)
{
	pm_runtime_mark_last_busy(kdev->drm.dev);
	pm_runtime_put_autosuspend(kdev->drm.dev);
}

/** kite_pm_put_now() - undo kite_pm_get() of one who only looked: may sleep again at once */
void kite_pm_put_now(struct kite_device *kdev)
{
	pm_runtime_put_sync_suspend(kdev->drm.dev);
}

/**
 * kite_pm_enter() - wake the hardware, if it is still there, for a look; may sleep
 * @kdev: the device
 * @idx: for kite_pm_exit()
 *
 * Return: true inside a drm_dev_enter() section with the hardware awake.
 */
bool kite_pm_enter(struct kite_device *kdev, int *idx)
{
	if (kite_pm_get(kdev))
		return false;
	if (drm_dev_enter(&kdev->drm, idx))
		return true;
	kite_pm_put(kdev);
	return false;
}

/** kite_pm_exit() - undo kite_pm_enter() */
void kite_pm_exit(struct kite_device *kdev, int idx)
{
	drm_dev_exit(idx);
	kite_pm_put(kdev);
}

/** kite_pm_get_if_awake() - keep the hardware awake if it is; for those who only look */
bool kite_pm_get_if_awake(struct kite_device *kdev)
{
	int ret = pm_runtime_get_if_active(kdev->drm.dev);

	/* Without runtime PM it sleeps only when the whole machine does. */
	if (ret == -EINVAL) {
		pm_runtime_get_noresume(kdev->drm.dev);
		ret = 1;
	}
	return ret > 0;
}

/** kite_pm_put_looked() - undo kite_pm_get_if_awake(); looking is no activity */
void kite_pm_put_looked(struct kite_device *kdev)
{
	/* The usual ways of saying so count as activity in newer kernels. */
	__pm_runtime_suspend(kdev->drm.dev, RPM_GET_PUT | RPM_ASYNC | RPM_AUTO);
}

/* Whether what is in the device survives D3hot: VRAM, registers, contexts. */
static bool kite_pm_keeps_state(struct kite_device *kdev)
{
	u16 control = 0;

	if (!kdev->pdev->pm_cap)
		return false;
	pci_read_config_word(kdev->pdev, kdev->pdev->pm_cap + PCI_PM_CTRL, &control);
	return control & PCI_PM_CTRL_NO_SOFT_RESET;
}

/** kite_pm_start() - the device is registered: from here on it may sleep */
void kite_pm_start(struct kite_device *kdev)
{
	struct device *dev = kdev->drm.dev;

	/* The machine's sleep loses what this one keeps: the device wakes before. */
	dev_pm_set_driver_flags(dev, DPM_FLAG_NO_DIRECT_COMPLETE);
	if (!kite_runtime_pm)
		return;
	if (!kite_pm_keeps_state(kdev)) {
		if (kite_runtime_pm > 0)
			drm_warn(&kdev->drm, "no runtime PM: the device loses its state in D3hot\n");
		return;
	}
	/* VRAM would not survive that. */
	pci_d3cold_disable(kdev->pdev);
	kdev->runtime_pm = true;
	pm_runtime_set_autosuspend_delay(dev, kite_autosuspend_ms);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_allow(dev);
	/* The reference that the PCI core took for probe. */
	kite_pm_put(kdev);
}

/** kite_pm_stop() - the driver lets go of the device, which is awake and stays so */
void kite_pm_stop(struct kite_device *kdev)
{
	struct device *dev = kdev->drm.dev;

	if (!kdev->runtime_pm)
		return;
	kdev->runtime_pm = false;
	pm_runtime_get_noresume(dev);
	pm_runtime_forbid(dev);
	pm_runtime_dont_use_autosuspend(dev);
}

static int kite_pm_runtime_suspend(struct device *dev)
{
	struct kite_device *kdev = pci_get_drvdata(to_pci_dev(dev));
	u32 i;

	if (!kdev || kite_device_error(kdev) || WARN_ON_ONCE(atomic_read(&kdev->jobs)))
		return -EBUSY;
	WRITE_ONCE(kdev->asleep, true);
	kite_irq_disable(kdev);
	kite_irq_sync(kdev);
	for (i = 0; i < kdev->nr_rings; i++)
		cancel_delayed_work_sync(&kdev->rings[i].watchdog);
	unmap_mapping_range(kdev->drm.anon_inode->i_mapping, 0, 0, 1);
	kite_kms_sleep(kdev);
	return 0;
}

static int kite_pm_runtime_resume(struct device *dev)
{
	struct kite_device *kdev = pci_get_drvdata(to_pci_dev(dev));

	if (!kdev)
		return 0;
	WRITE_ONCE(kdev->asleep, false);
	kite_kms_wake(kdev);
	if (kite_device_present(kdev)) {
		kite_irq_enable(kdev);
	} else if (!kite_device_error(kdev)) {
		drm_err(&kdev->drm, "device went away while it slept\n");
		kite_device_lost(kdev, KITE_DEVICE_GONE);
	}
	return 0;
}

const struct dev_pm_ops kite_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(kite_pm_suspend, kite_pm_resume)
	RUNTIME_PM_OPS(kite_pm_runtime_suspend, kite_pm_runtime_resume, NULL)
};

static pci_ers_result_t kite_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct kite_device *kdev = pci_get_drvdata(pdev);

	if (state == pci_channel_io_normal)
		return PCI_ERS_RESULT_CAN_RECOVER;
	/* What was in flight cannot be trusted: everybody starts anew, after a rebind. */
	kite_device_lost(kdev, KITE_DEVICE_GONE);
	return PCI_ERS_RESULT_DISCONNECT;
}

const struct pci_error_handlers kite_pci_errors = {
	.error_detected = kite_error_detected,
};
