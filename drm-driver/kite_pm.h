/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System sleep and PCI errors. Sleeping loses VRAM: buffers go to system memory before, page tables
 * are written anew after. A device that has gone meanwhile is treated as unplugged.
 */
#ifndef _KITE_PM_H_
#define _KITE_PM_H_

#include <linux/pci.h>
#include <linux/pm.h>

extern const struct dev_pm_ops kite_pm_ops;
extern const struct pci_error_handlers kite_pci_errors;

#endif /* _KITE_PM_H_ */
