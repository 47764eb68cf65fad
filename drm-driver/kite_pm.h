/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System sleep, runtime PM and PCI errors.
 *
 * System sleep loses VRAM: buffers go to system memory before, page tables are written anew after.
 * An idle device sleeps by itself in D3hot, where it keeps VRAM, contexts and rings, so that waking
 * is a matter of interrupts. References keep it awake: of whatever touches the hardware, of jobs
 * until they are freed, of heads that show something, of kernel mappings of buffers. Userspace's
 * mappings of VRAM do not: they are taken away, and the next touch wakes the device.
 * A device that has gone meanwhile is treated as unplugged.
 */
#ifndef _KITE_PM_H_
#define _KITE_PM_H_

#include <linux/pci.h>
#include <linux/pm.h>

struct kite_device;

extern const struct dev_pm_ops kite_pm_ops;
extern const struct pci_error_handlers kite_pci_errors;

int kite_pm_get(struct kite_device *kdev);
void kite_pm_hold(struct kite_device *kdev);
void kite_pm_put(struct kite_device *kdev);
void kite_pm_put_now(struct kite_device *kdev);
bool kite_pm_enter(struct kite_device *kdev, int *idx);
void kite_pm_exit(struct kite_device *kdev, int idx);
bool kite_pm_get_if_awake(struct kite_device *kdev);
void kite_pm_put_looked(struct kite_device *kdev);
void kite_pm_start(struct kite_device *kdev);
void kite_pm_stop(struct kite_device *kdev);

#endif /* _KITE_PM_H_ */
