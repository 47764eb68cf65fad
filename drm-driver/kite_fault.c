// SPDX-License-Identifier: GPL-2.0
/*
 * The fault queue: records of contexts that died. Each bans its VM, blames the submission that did
 * it, and starts a device core dump. Records are read from VRAM; the head register is read only when
 * the next record looks written, because every register access leaves the guest.
 */
#include "kite_device.h"
#include "kite_vm.h"

static void __iomem *kite_fault_record(struct kite_device *kdev, u32 index)
{
	return kdev->vram_map + KITE_VRAM_FAULTS +
	       (index & (KITE_FAULT_RECORDS - 1)) * KITE_HW_FAULT_RECORD_DWORDS * 4;
}

/** kite_fault_init() - software state of the fault queue */
int kite_fault_init(struct kite_device *kdev)
{
	spin_lock_init(&kdev->fault.lock);
	return 0;
}

/** kite_fault_start() - give the device its (empty) fault queue; after every reset */
void kite_fault_start(struct kite_device *kdev)
{
	memset_io(kdev->vram_map + KITE_VRAM_FAULTS, 0,
		  KITE_FAULT_RECORDS * KITE_HW_FAULT_RECORD_DWORDS * 4);
	wmb();
	kite_write(kdev, KITE_HW_REG_FAULT_BASE_LO, KITE_VRAM_FAULTS);
	kite_write(kdev, KITE_HW_REG_FAULT_BASE_HI, 0);
	kite_write(kdev, KITE_HW_REG_FAULT_ENTRIES, KITE_FAULT_RECORDS);
	kite_write(kdev, KITE_HW_REG_FAULT_TAIL, 0);
	kdev->fault.tail = 0;
}

static void kite_fault_handle(struct kite_device *kdev, const u32 *record)
{
	u32 kind = record[KITE_HW_FAULT_RECORD_KIND_DW];
	u32 index = record[KITE_HW_FAULT_RECORD_RING_DW];
	u32 context = record[KITE_HW_FAULT_RECORD_CONTEXT_DW];
	u64 seqno = record[KITE_HW_FAULT_RECORD_SEQNO_DW] |
		    (u64)record[KITE_HW_FAULT_RECORD_SEQNO_DW + 1] << 32;
	struct kite_vm *vm = kite_vm_of_context(kdev, context);
	u32 queue_id = 0;

	drm_err_ratelimited(&kdev->drm, "context %u: fault kind %u on ring %u, seqno %llu: %.*s\n",
			     context, kind, index, seqno,
			     KITE_HW_FAULT_RECORD_DWORDS * 4 - KITE_HW_FAULT_RECORD_TEXT_DW * 4 - 1,
			     (const char *)&record[KITE_HW_FAULT_RECORD_TEXT_DW]);
	if (!vm)
		return;
	/* A fault can belong to an entry in the middle; then nobody is blamed by seqno. */
	if (index < kdev->nr_rings && seqno)
		kite_ring_blame(&kdev->rings[index], seqno, vm,
				kind == KITE_HW_FAULT_KIND_HANG ? -ETIME : -EFAULT, &queue_id);
	kite_vm_ban(vm, record, queue_id);
	kite_coredump_record(kdev, vm, record);
	kite_vm_put(vm);
}

/**
 * kite_fault_process() - read new fault records
 * @kdev: the device, between drm_dev_enter() and drm_dev_exit()
 *
 * Any context.
 */
void kite_fault_process(struct kite_device *kdev)
{
	u32 record[KITE_HW_FAULT_RECORD_DWORDS];
	unsigned long flags;
	u32 head, handled = 0;

	spin_lock_irqsave(&kdev->fault.lock, flags);
	if (!readl(kite_fault_record(kdev, kdev->fault.tail)))
		goto out;
	head = kite_read(kdev, KITE_HW_REG_FAULT_HEAD);
	if (head == ~0u || head - kdev->fault.tail > KITE_FAULT_RECORDS)
		goto out;
	while (kdev->fault.tail != head) {
		void __iomem *at = kite_fault_record(kdev, kdev->fault.tail);

		memcpy_fromio(record, at, sizeof(record));
		writel(0, at);
		kdev->fault.tail++;
		handled++;
		kite_fault_handle(kdev, record);
	}
	if (handled) {
		wmb();
		kite_write(kdev, KITE_HW_REG_FAULT_TAIL, kdev->fault.tail);
	}
out:
	spin_unlock_irqrestore(&kdev->fault.lock, flags);
}
