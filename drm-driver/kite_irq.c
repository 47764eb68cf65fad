// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts. Each source has a vector of its own when there are enough, so that handlers need not
 * read registers: clear the source's status, then look at memory. A device that has vanished reads
 * as all ones; nothing here loops on what it reads.
 */
#include <linux/interrupt.h>

#include "kite_device.h"

#define KITE_IRQ_SHARED 1

/* An interrupt can arrive late: what it was about is told again when the device wakes. */
static bool kite_irq_enter(struct kite_device *kdev, int *idx)
{
	return !READ_ONCE(kdev->asleep) && drm_dev_enter(&kdev->drm, idx);
}

static irqreturn_t kite_irq_ring(int irq, void *data)
{
	struct kite_ring *ring = data;
	int idx;

	if (!kite_irq_enter(ring->kdev, &idx))
		return IRQ_NONE;
	kite_write(ring->kdev, KITE_HW_REG_IRQ_STATUS, 1u << ring->index);
	kite_ring_process(ring);
	drm_dev_exit(idx);
	return IRQ_HANDLED;
}

static irqreturn_t kite_irq_fault(int irq, void *data)
{
	struct kite_device *kdev = data;
	int idx;

	if (!kite_irq_enter(kdev, &idx))
		return IRQ_NONE;
	kite_write(kdev, KITE_HW_REG_IRQ_STATUS, 1u << KITE_HW_IRQ_SOURCE_FAULT);
	kite_fault_process(kdev);
	drm_dev_exit(idx);
	return IRQ_HANDLED;
}

static irqreturn_t kite_irq_display(int irq, void *data)
{
	struct kite_device *kdev = data;
	int idx;

	if (!kite_irq_enter(kdev, &idx))
		return IRQ_NONE;
	kite_write(kdev, KITE_HW_REG_IRQ_STATUS, 1u << KITE_HW_IRQ_SOURCE_DISPLAY);
	kite_kms_irq(kdev);
	drm_dev_exit(idx);
	return IRQ_HANDLED;
}

/* One vector for everything: ask who it was. */
static irqreturn_t kite_irq_shared(int irq, void *data)
{
	struct kite_device *kdev = data;
	irqreturn_t ret = IRQ_NONE;
	u32 status, i;
	int idx;

	if (!kite_irq_enter(kdev, &idx))
		return IRQ_NONE;
	status = kite_read(kdev, KITE_HW_REG_IRQ_STATUS);
	if (status && status != ~0u) {
		kite_write(kdev, KITE_HW_REG_IRQ_STATUS, status);
		kite_fault_process(kdev);
		for (i = 0; i < kdev->nr_rings; i++)
			if (status & (1u << i))
				kite_ring_process(&kdev->rings[i]);
		if (status & 1u << KITE_HW_IRQ_SOURCE_DISPLAY)
			kite_kms_irq(kdev);
		ret = IRQ_HANDLED;
	}
	drm_dev_exit(idx);
	return ret;
}

/* The vector's handler, and what it gets: rings first, then faults, then the display. */
static irq_handler_t kite_irq_handler(struct kite_device *kdev, int vector, const char **name,
				      void **data)
{
	*name = "kite-fault";
	*data = kdev;
	if (vector < (int)kdev->nr_rings) {
		*name = kdev->rings[vector].name;
		*data = &kdev->rings[vector];
		return kite_irq_ring;
	}
	if (vector == (int)kdev->nr_rings)
		return kite_irq_fault;
	*name = "kite-display";
	return kite_irq_display;
}

/** kite_irq_init() - get vectors and handlers; sources stay disabled */
int kite_irq_init(struct kite_device *kdev)
{
	int wanted = kdev->nr_rings + 1 + !!kdev->kms.nr_heads;
	const char *name;
	void *data;
	int ret, i;

	ret = pci_alloc_irq_vectors(kdev->pdev, wanted, wanted, PCI_IRQ_MSIX);
	if (ret < 0)
		ret = pci_alloc_irq_vectors(kdev->pdev, 1, 1, PCI_IRQ_MSIX);
	if (ret < 0) {
		drm_err(&kdev->drm, "no MSI-X vectors: %d\n", ret);
		return ret;
	}
	kdev->nr_vectors = ret;
	kdev->irq_mask = (1u << KITE_HW_IRQ_SOURCE_FAULT) | ((1u << kdev->nr_rings) - 1);

	if (kdev->kms.nr_heads)
		kdev->irq_mask |= 1u << KITE_HW_IRQ_SOURCE_DISPLAY;

	if (kdev->nr_vectors == KITE_IRQ_SHARED) {
		ret = request_irq(pci_irq_vector(kdev->pdev, 0), kite_irq_shared, 0, "kite", kdev);
		if (ret)
			pci_free_irq_vectors(kdev->pdev);
		return ret;
	}
	for (i = 0; i < wanted; i++) {
		irq_handler_t handler = kite_irq_handler(kdev, i, &name, &data);

		ret = request_irq(pci_irq_vector(kdev->pdev, i), handler, 0, name, data);
		if (ret)
			goto err;
	}
	return 0;
err:
	while (i--) {
		kite_irq_handler(kdev, i, &name, &data);
		free_irq(pci_irq_vector(kdev->pdev, i), data);
	}
	pci_free_irq_vectors(kdev->pdev);
	return ret;
}

/** kite_irq_enable() - route and enable the sources; after every reset */
void kite_irq_enable(struct kite_device *kdev)
{
	u32 i;

	for (i = 0; i < KITE_HW_REG_IRQ_ROUTE_COUNT; i++) {
		u32 vector = 0;

		if (kdev->nr_vectors != KITE_IRQ_SHARED)
			vector = min(i, kdev->nr_rings);
		if (kdev->nr_vectors > (int)kdev->nr_rings + 1 && i == KITE_HW_IRQ_SOURCE_DISPLAY)
			vector = kdev->nr_rings + 1;
		kite_write(kdev, KITE_HW_REG_IRQ_ROUTE + i * 4, vector);
	}
	kite_write(kdev, KITE_HW_REG_IRQ_ENABLE, kdev->irq_mask);
}

/** kite_irq_disable() - no source interrupts any more */
void kite_irq_disable(struct kite_device *kdev)
{
	kite_write(kdev, KITE_HW_REG_IRQ_ENABLE, 0);
}

/** kite_irq_sync() - wait until handlers that run have finished */
void kite_irq_sync(struct kite_device *kdev)
{
	int i;

	for (i = 0; i < kdev->nr_vectors; i++)
		synchronize_irq(pci_irq_vector(kdev->pdev, i));
}

/** kite_irq_fini() - give handlers and vectors back; handlers have finished when it returns */
void kite_irq_fini(struct kite_device *kdev)
{
	int i;

	if (!kdev->nr_vectors)
		return;
	for (i = 0; i < kdev->nr_vectors; i++) {
		void *data = kdev;

		if (kdev->nr_vectors != KITE_IRQ_SHARED && i < (int)kdev->nr_rings)
			data = &kdev->rings[i];
		free_irq(pci_irq_vector(kdev->pdev, i), data);
	}
	pci_free_irq_vectors(kdev->pdev);
	kdev->nr_vectors = 0;
}
