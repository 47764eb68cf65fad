// SPDX-License-Identifier: GPL-2.0
/*
 * Resizable BAR: let the CPU see as much of VRAM as device and bridges allow. What is not possible
 * stays as it was: a BAR that shows a part of VRAM is no error, buffers move when the CPU asks.
 */
#include "kite_device.h"

#define KITE_REBAR_UNIT_SHIFT 20

/**
 * kite_rebar() - enlarge the aperture if the device offers that
 * @pdev: the function, enabled; its regions are not requested yet
 */
void kite_rebar(struct pci_dev *pdev)
{
	u64 sizes = pci_rebar_get_possible_sizes(pdev, KITE_BAR_VRAM);
	u64 now = pci_resource_len(pdev, KITE_BAR_VRAM);
	int largest = fls64(sizes) - 1, ret;
	u16 command;

	if (!sizes || 1ull << (largest + KITE_REBAR_UNIT_SHIFT) <= now)
		return;
	/* Addresses do not change while the device listens to them. */
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	pci_write_config_word(pdev, PCI_COMMAND, command & ~PCI_COMMAND_MEMORY);
	ret = kite_compat_resize_bar(pdev, KITE_BAR_VRAM, largest);
	/* Older kernels leave a BAR that did not fit without an address. */
	if (ret)
		pci_assign_unassigned_bus_resources(pdev->bus);
	pci_write_config_word(pdev, PCI_COMMAND, command);
	if (ret)
		dev_info(&pdev->dev, "BAR%d stays at %llu MiB, there is no room for %llu: %d\n",
			 KITE_BAR_VRAM, now >> 20, 1ull << largest, ret);
}
