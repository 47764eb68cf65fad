// SPDX-License-Identifier: GPL-2.0
/*
 * Device core dumps: text, one "key: value" a line, first line "kite device core dump, format 1". The
 * fault record comes decoded and as hexadecimal words, so that the hardware description's own decoder
 * can have another look.
 */
#include <linux/devcoredump.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include "kite_pm.h"
#include "kite_vm.h"

#define KITE_DUMP_BYTES SZ_16K

static void kite_coredump_rings(struct kite_device *kdev, struct drm_printer *p)
{
	u32 i;
	int idx;

	if (!drm_dev_enter(&kdev->drm, &idx))
		return;
	for (i = 0; i < kdev->nr_rings; i++) {
		struct kite_ring *ring = &kdev->rings[i];
		u64 done = kite_ring_done_seqno(ring);

		spin_lock_irq(&ring->lock);
		drm_printf(p, "ring %u: class %s, submitted %llu, done %llu, entries %u, kills %d\n", i,
			   ring->name, ring->seqno, done, ring->wptr,
			   atomic_read(&ring->reset_count));
		spin_unlock_irq(&ring->lock);
	}
	drm_dev_exit(idx);
}

static void kite_coredump_print(struct kite_device *kdev, struct drm_printer *p, const u32 *record)
{
	u32 i;

	drm_printf(p, "kite device core dump, format 1\n");
	drm_printf(p, "kernel: %s\n", init_utsname()->release);
	drm_printf(p, "device: %s\n", pci_name(kdev->pdev));
	drm_printf(p, "abi: %u.%u\n", kdev->abi >> 16, kdev->abi & 0xffff);
	drm_printf(p, "code: %16phN\n", kdev->code_uuid);
	drm_printf(p, "executor: %s\n", kdev->description);
	drm_printf(p, "process: %s\n", kdev->dump.process);
	drm_printf(p, "pid: %d\n", kdev->dump.pid);
	drm_printf(p, "client: %llu\n", kdev->dump.client);
	drm_printf(p, "fault kind: %u\n", record[KITE_HW_FAULT_RECORD_KIND_DW]);
	drm_printf(p, "fault ring: %u\n", record[KITE_HW_FAULT_RECORD_RING_DW]);
	drm_printf(p, "fault context: %u\n", record[KITE_HW_FAULT_RECORD_CONTEXT_DW]);
	drm_printf(p, "fault write: %u\n", record[KITE_HW_FAULT_RECORD_W3_DW] &
					   KITE_HW_FAULT_RECORD_WRITE_MASK);
	drm_printf(p, "fault seqno: %llu\n", record[KITE_HW_FAULT_RECORD_SEQNO_DW] |
		   (u64)record[KITE_HW_FAULT_RECORD_SEQNO_DW + 1] << 32);
	drm_printf(p, "fault address: %#llx\n", record[KITE_HW_FAULT_RECORD_ADDRESS_DW] |
		   (u64)record[KITE_HW_FAULT_RECORD_ADDRESS_DW + 1] << 32);
	drm_printf(p, "fault time: %llu ns\n", record[KITE_HW_FAULT_RECORD_TIMESTAMP_NS_DW] |
		   (u64)record[KITE_HW_FAULT_RECORD_TIMESTAMP_NS_DW + 1] << 32);
	drm_printf(p, "fault text: %.*s\n",
		   (KITE_HW_FAULT_RECORD_DWORDS - KITE_HW_FAULT_RECORD_TEXT_DW) * 4,
		   (const char *)&record[KITE_HW_FAULT_RECORD_TEXT_DW]);
	drm_printf(p, "fault record:");
	for (i = 0; i < KITE_HW_FAULT_RECORD_DWORDS; i++)
		drm_printf(p, " %08x", record[i]);
	drm_printf(p, "\n");
	if (!kite_pm_get(kdev)) {
		kite_coredump_rings(kdev, p);
		kite_pm_put(kdev);
	}
}

static void kite_coredump_work(struct work_struct *work)
{
	struct kite_device *kdev = container_of(work, struct kite_device, dump.work);
	u32 record[KITE_HW_FAULT_RECORD_DWORDS];
	struct drm_print_iterator iter = { .remain = KITE_DUMP_BYTES };
	struct drm_printer p;
	char *data;

	spin_lock_irq(&kdev->dump.lock);
	memcpy(record, kdev->dump.record, sizeof(record));
	spin_unlock_irq(&kdev->dump.lock);
	data = vzalloc(KITE_DUMP_BYTES);
	if (data) {
		iter.data = data;
		p = drm_coredump_printer(&iter);
		kite_coredump_print(kdev, &p, record);
		/* Frees @data, at the latest after five minutes. */
		dev_coredumpv(kdev->drm.dev, data, KITE_DUMP_BYTES - iter.remain, GFP_KERNEL);
	}
	spin_lock_irq(&kdev->dump.lock);
	kdev->dump.pending = false;
	spin_unlock_irq(&kdev->dump.lock);
}

/** kite_coredump_init() - nothing to dump yet */
void kite_coredump_init(struct kite_device *kdev)
{
	spin_lock_init(&kdev->dump.lock);
	INIT_WORK(&kdev->dump.work, kite_coredump_work);
}

/**
 * kite_coredump_record() - a fault to dump
 * @kdev: the device
 * @vm: whose context died
 * @record: FaultRecord
 *
 * Any context. Faults that come while one is being dumped are not.
 */
void kite_coredump_record(struct kite_device *kdev, struct kite_vm *vm, const u32 *record)
{
	unsigned long flags;
	bool start;

	spin_lock_irqsave(&kdev->dump.lock, flags);
	start = !kdev->dump.pending;
	if (start) {
		kdev->dump.pending = true;
		memcpy(kdev->dump.record, record, sizeof(kdev->dump.record));
		kdev->dump.client = vm->client;
		kdev->dump.pid = vm->pid;
		memcpy(kdev->dump.process, vm->process, sizeof(kdev->dump.process));
	}
	spin_unlock_irqrestore(&kdev->dump.lock, flags);
	if (start)
		queue_work(kite_wq, &kdev->dump.work);
}
