/* SPDX-License-Identifier: GPL-2.0 */
/*
 * struct kite_device: the eGPU as the driver sees it; owns every block.
 *
 * Lifetime: allocated with the DRM device in probe, freed when the last file, VM and buffer is gone,
 * which may be long after the hardware was unplugged. Whatever touches registers or VRAM does so
 * between drm_dev_enter() and drm_dev_exit(); nothing inside such a section waits for the hardware
 * without a bound.
 *
 * The hardware sleeps when nobody needs it (runtime PM): whatever touches it or arms a job does so
 * between kite_pm_get() and kite_pm_put(), or for a job, which holds a reference until it is freed.
 * kite_pm_get() may be called below any lock but spinlocks, outside of drm_dev_enter() sections.
 *
 * Lock order: vm->lock > dma_resv (ww) > vm->pt.lock > vram.lock; ring->lock, contexts.lock and
 * vm->state.lock are innermost and taken with interrupts off.
 */
#ifndef _KITE_DEVICE_H_
#define _KITE_DEVICE_H_

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/workqueue.h>

#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>
#include <drm/ttm/ttm_device.h>

#include "kite_account.h"
#include "kite_compat.h"
#include "kite_hw.h"
#include "kite_kms.h"
#include "kite_ring.h"
#include "kite_vram.h"

/* VRAM kept for the driver itself, from offset 0: fault queue, write-backs, rings, display heads */
#define KITE_FAULT_RECORDS 256
#define KITE_VRAM_FAULTS 0
#define KITE_VRAM_WRITEBACKS (KITE_FAULT_RECORDS * KITE_HW_FAULT_RECORD_DWORDS * 4)
#define KITE_VRAM_RINGS (KITE_VRAM_WRITEBACKS + 4096)
#define KITE_VRAM_HEADS (3u << 19)
#define KITE_VRAM_CARVEOUT (2u << 20)

#define KITE_BAR_REGS 0
#define KITE_BAR_VRAM 2

#define KITE_MAX_RINGS 8
#define KITE_MAX_CONTEXTS 4096

struct kite_vm;

/** struct kite_device - one eGPU */
struct kite_device {
	/** @drm: the DRM device */
	struct drm_device drm;
	/** @link: in &kite_devices, until it is unplugged */
	struct list_head link;
	/** @pdev: the PCI function */
	struct pci_dev *pdev;
	/** @regs: BAR0 */
	void __iomem *regs;
	/** @vram_map: the CPU-visible part of VRAM in BAR2, write-combined */
	void __iomem *vram_map;
	/** @vram_bus: bus address of BAR2 */
	resource_size_t vram_bus;
	/** @vram: the VRAM manager */
	struct kite_vram vram;
	/** @ttm: memory manager */
	struct ttm_device ttm;
	/**
	 * @release_sem: read while a buffer is released, written while DMA mappings are cleared: TTM's
	 * ttm_device_clear_dma_mappings() spins for ever on a buffer that is just being released
	 */
	struct rw_semaphore release_sem;
	/** @system_size: bytes of system memory that buffers may use */
	u64 system_size;
	/**
	 * @memory: bytes of all buffers but imported ones, wherever they are; limited to VRAM and
	 * @system_size together, because what VRAM cannot hold goes to system memory
	 */
	struct kite_usage memory;

	/** @abi: version register */
	u32 abi;
	/** @features: additions that the hardware has */
	u32 features;
	/** @link_cap_mbps: what copies over the link get, megabits per second; 0 = not known */
	u32 link_cap_mbps;
	/** @link_latency_ns: what the cable adds to a read */
	u32 link_latency_ns;
	/** @link_tunnel: PCIe is tunnelled through another protocol */
	bool link_tunnel;
	/** @telemetry_lock: one reader of register pairs at a time */
	struct mutex telemetry_lock;
	/** @wave_size: lanes of a wave */
	u32 wave_size;
	/** @va_end: one past the last GPU virtual address */
	u64 va_end;
	/** @code_uuid: identity of the executor */
	u8 code_uuid[16];
	/** @description: text about the executor */
	char description[128];

	/** @nr_rings: rings that exist */
	u32 nr_rings;
	/** @rings: the rings */
	struct kite_ring rings[KITE_MAX_RINGS];
	/** @ring_of_class: first ring of each class, or NULL */
	struct kite_ring *ring_of_class[4];

	/** @contexts: which VM owns which hardware context */
	struct {
		/** @contexts.lock: protects @contexts.vm */
		spinlock_t lock;
		/** @contexts.vm: by context id; holds no reference */
		struct kite_vm **vm;
		/** @contexts.count: contexts that the hardware has */
		u32 count;
	} contexts;
	/** @direct_mutex: one direct command (outside a scheduler) at a time */
	struct mutex direct_mutex;

	/** @fault: the fault queue */
	struct {
		/** @fault.lock: one reader at a time */
		spinlock_t lock;
		/** @fault.tail: records read so far */
		u32 tail;
	} fault;

	/** @nr_vectors: MSI-X vectors in use; 1 means that all sources share one */
	int nr_vectors;
	/** @irq_mask: sources enabled */
	u32 irq_mask;
	/** @asleep: in a low power state: BARs read as all ones, nothing may look at them */
	bool asleep;
	/** @runtime_pm: sleeps by itself when idle; probe's runtime PM reference was given up */
	bool runtime_pm;

	/** @kms: the display */
	struct {
		/** @kms.heads: display heads */
		struct kite_head heads[KITE_MAX_HEADS];
		/** @kms.nr_heads: those that exist and have been set up */
		u32 nr_heads;
		/** @kms.clock: what makes times of vblanks comparable */
		struct kite_clock clock;
		/** @kms.hotplug: looks at the connectors */
		struct work_struct hotplug;
		/** @kms.poll: wakes a sleeping device to hear about monitors */
		struct delayed_work poll;
	} kms;

	/** @reset_wq: runs timeout handlers, one at a time */
	struct workqueue_struct *reset_wq;
	/** @state: see &enum kite_device_state */
	atomic_t state;
	/** @reset_count: full resets so far */
	atomic_t reset_count;
	/** @remove_mutex: removal happens once */
	struct mutex remove_mutex;
	/** @removed: removal has been done */
	bool removed;

	/** @jobs: armed and not yet freed */
	atomic_t jobs;
	/** @copy_entity: schedules the driver's own copies and fills */
	struct drm_sched_entity copy_entity;
	/** @copy_ready: @copy_entity may be used */
	bool copy_ready;
	/** @copy_mutex: arming and pushing jobs of @copy_entity happens in one order */
	struct mutex copy_mutex;

	/** @ptpool: VRAM for page tables */
	struct {
		/** @ptpool.lock: protects @ptpool.chunks */
		struct mutex lock;
		/** @ptpool.chunks: pinned buffers, those with room in front */
		struct list_head chunks;
	} ptpool;

	/** @vms: all VMs, for suspend and debugfs */
	struct list_head vms;
	/** @vms_lock: protects @vms */
	struct mutex vms_lock;

	/** @dump: what the next device core dump tells */
	struct {
		/** @dump.work: makes the dump */
		struct work_struct work;
		/** @dump.lock: protects what follows */
		spinlock_t lock;
		/** @dump.pending: @dump.record is waiting to be dumped */
		bool pending;
		/** @dump.record: the FaultRecord */
		u32 record[KITE_HW_FAULT_RECORD_DWORDS];
		/** @dump.client: id of the DRM client whose VM died */
		u64 client;
		/** @dump.process: name of its process */
		char process[TASK_COMM_LEN];
		/** @dump.pid: its process */
		pid_t pid;
	} dump;
};

/** enum kite_device_state - what can be expected from the hardware */
enum kite_device_state {
	/** @KITE_DEVICE_OK: it works */
	KITE_DEVICE_OK = 0,
	/** @KITE_DEVICE_SUSPENDED: it sleeps; no command may be given */
	KITE_DEVICE_SUSPENDED,
	/** @KITE_DEVICE_DEAD: it could not be reset; fences end with EIO */
	KITE_DEVICE_DEAD,
	/** @KITE_DEVICE_GONE: it was unplugged; fences end with ENODEV */
	KITE_DEVICE_GONE,
};

static inline struct kite_device *to_kite_device(struct drm_device *drm)
{
	return container_of(drm, struct kite_device, drm);
}

static inline struct kite_device *ttm_to_kite_device(struct ttm_device *bdev)
{
	return container_of(bdev, struct kite_device, ttm);
}

/** kite_read() - read a register; all ones when the device is gone */
static inline u32 kite_read(struct kite_device *kdev, u32 reg)
{
	return readl(kdev->regs + reg);
}

/** kite_write() - write a register */
static inline void kite_write(struct kite_device *kdev, u32 reg, u32 value)
{
	writel(value, kdev->regs + reg);
}

/** kite_vram_read64() - read 64 bits of VRAM as two halves whose order does not matter */
static inline u64 kite_vram_read64(const void __iomem *at)
{
	return readq(at);
}

/** kite_device_error() - 0, or why commands cannot be given: -EIO, -ENODEV */
static inline int kite_device_error(struct kite_device *kdev)
{
	switch (atomic_read(&kdev->state)) {
	case KITE_DEVICE_DEAD:
		return -EIO;
	case KITE_DEVICE_GONE:
		return -ENODEV;
	default:
		return 0;
	}
}

extern int kite_autosuspend_ms;
extern int kite_job_timeout_ms;
extern int kite_ring_entries;
extern int kite_runtime_pm;
extern struct workqueue_struct *kite_wq;
/* All eGPUs that are plugged; the lock is taken before &kite_device.vms_lock. */
extern struct list_head kite_devices;
extern struct mutex kite_devices_lock;

bool kite_device_present(struct kite_device *kdev);
int kite_device_init(struct kite_device *kdev);
int kite_device_start(struct kite_device *kdev);
void kite_device_stop(struct kite_device *kdev);
int kite_device_hw_reset(struct kite_device *kdev);
void kite_device_lost(struct kite_device *kdev, enum kite_device_state state);
void kite_device_remove(struct kite_device *kdev);

void kite_rebar(struct pci_dev *pdev);

int kite_irq_init(struct kite_device *kdev);
void kite_irq_enable(struct kite_device *kdev);
void kite_irq_disable(struct kite_device *kdev);
void kite_irq_sync(struct kite_device *kdev);
void kite_irq_fini(struct kite_device *kdev);

int kite_fault_init(struct kite_device *kdev);
void kite_fault_start(struct kite_device *kdev);
void kite_fault_process(struct kite_device *kdev);

int kite_ttm_init(struct kite_device *kdev);

void kite_coredump_init(struct kite_device *kdev);
void kite_coredump_record(struct kite_device *kdev, struct kite_vm *vm, const u32 *record);

void kite_debugfs_init(struct drm_minor *minor);
void kite_fdinfo_show(struct drm_printer *p, struct drm_file *file);

int kite_ioctl_dev_query(struct drm_device *drm, void *data, struct drm_file *file);
int kite_ioctl_get_time(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _KITE_DEVICE_H_ */
