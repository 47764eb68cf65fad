/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Address spaces (VM): a hardware context, a drm_gpuvm that says what is mapped, page tables that say
 * so to the device, and an entity on the mmu ring that brings the second up to the first.
 *
 * Lifetime: referenced by its handle, its queues and its jobs; the last reference starts a work item
 * that takes everything apart. vm->lock serialises binds and submissions and protects the drm_gpuvm;
 * the page tables run behind and are written by bind jobs, in the order in which these were made.
 *
 * The driver's per-file state lives here, too.
 */
#ifndef _KITE_VM_H_
#define _KITE_VM_H_

#include <linux/kref.h>

#include <drm/drm_gpuvm.h>

#include "kite_account.h"
#include "kite_bo.h"
#include "kite_handle.h"
#include "kite_pt.h"
#include "kite_ptpool.h"
#include "kite_sched.h"
#include "uapi/kite_drm.h"

#define KITE_VA_START SZ_64K
#define KITE_PAGE_SIZE KITE_HW_LIMIT_PAGE_BYTES

/** struct kite_file_stats - engine time of a file; outlives it while its jobs run */
struct kite_file_stats {
	/** @ref: references */
	struct kref ref;
	/** @busy_ns: by ring class */
	atomic64_t busy_ns[4];
};

/** struct kite_file - what an open file has */
struct kite_file {
	/** @vms: its VMs, by id */
	struct xarray vms;
	/** @queues: its queues, by id */
	struct xarray queues;
	/** @stats: its engine time */
	struct kite_file_stats *stats;
	/** @owner: whom it charges, and its rights */
	struct kite_owner *owner;
};

/** struct kite_va - a mapping */
struct kite_va {
	/** @base: address range and object */
	struct drm_gpuva base;
	/** @read_only: GPU writes fault */
	bool read_only;
};

/** struct kite_vm_bo - a buffer in a VM */
struct kite_vm_bo {
	/** @base: the list of mappings */
	struct drm_gpuvm_bo base;
	/** @rebind: in &kite_vm.rebind while page tables must be rewritten; under vm->lock */
	struct list_head rebind;
};

/** struct kite_vm - an address space */
struct kite_vm {
	/** @base: what is mapped */
	struct drm_gpuvm base;
	/** @handle: number in its file; referenced by queues, jobs, fault handling, too */
	struct kite_handle handle;
	/** @kdev: the device */
	struct kite_device *kdev;
	/** @context: hardware context id */
	u32 context;
	/** @client: DRM client id */
	u64 client;
	/** @pid: process that made it */
	pid_t pid;
	/** @process: its name */
	char process[TASK_COMM_LEN];
	/** @stats: where engine time goes */
	struct kite_file_stats *stats;
	/** @owner: whom it charges, and whose rights it has */
	struct kite_owner *owner;
	/** @revoked: last revocation that looked at it; under &kite_device.vms_lock */
	u64 revoked;
	/** @lock: binds and submissions, one at a time */
	struct mutex lock;
	/** @rebind: buffers that moved; under @lock */
	struct list_head rebind;
	/** @rebound: completion of the last rebinding, which every submission waits for; under @lock */
	struct dma_fence *rebound;
	/** @entity: bind jobs */
	struct drm_sched_entity entity;
	/** @pt_lock: protects @pt; nothing is allocated or waited for under it */
	struct mutex pt_lock;
	/** @pt: page tables */
	struct kite_pt pt;
	/** @root: their directory */
	struct kite_pt_page root;
	/** @link: in &kite_device.vms */
	struct list_head link;
	/** @release: takes the VM apart */
	struct work_struct release;

	/** @state: whether and why it is of no use */
	struct {
		/** @state.lock: protects the rest */
		spinlock_t lock;
		/** @state.state: enum drm_kite_vm_state */
		u32 state;
		/** @state.queue_id: queue to blame */
		u32 queue_id;
		/** @state.record: the device's FaultRecord, if there is one */
		u32 record[KITE_HW_FAULT_RECORD_DWORDS];
	} state;
};

static inline struct kite_vm *to_kite_vm(struct drm_gpuvm *base)
{
	return container_of(base, struct kite_vm, base);
}

static inline struct kite_va *to_kite_va(struct drm_gpuva *base)
{
	return container_of(base, struct kite_va, base);
}

static inline struct kite_vm_bo *to_kite_vm_bo(struct drm_gpuvm_bo *base)
{
	return container_of(base, struct kite_vm_bo, base);
}

struct kite_file_stats *kite_file_stats_get(struct kite_file_stats *stats);
void kite_file_stats_put(struct kite_file_stats *stats);

struct kite_vm *kite_vm_lookup(struct drm_file *file, u32 id);
struct kite_vm *kite_vm_of_context(struct kite_device *kdev, u32 context);
void kite_vm_put(struct kite_vm *vm);
int kite_vm_error(struct kite_vm *vm);
int kite_vm_fence_error(struct kite_vm *vm);
void kite_vm_account(struct kite_vm *vm, u32 ring_class, u64 ns);
void kite_vm_ban(struct kite_vm *vm, const u32 *record, u32 queue_id);
void kite_vm_all_lost(struct kite_device *kdev);
int kite_vm_resume(struct kite_vm *vm);
int kite_vm_revoke(struct kite_vm *vm);
int kite_vms_revoke(u32 kind, u64 id);
void kite_vm_close_all(struct drm_file *file);

/** struct kite_pt_update - one change of page tables */
struct kite_pt_update {
	/** @kind: what */
	enum kite_pt_kind kind;
	/** @read_only: MAP: GPU writes fault */
	bool read_only;
	/** @va: first address */
	u64 va;
	/** @range: bytes */
	u64 range;
	/** @bo: MAP: the buffer, referenced */
	struct kite_bo *bo;
	/** @bo_offset: MAP: first byte of it */
	u64 bo_offset;
	/** @seq: number from kite_pt_pin() */
	u64 seq;
};

/** struct kite_bind_job - changes of page tables, made together */
struct kite_bind_job {
	/** @base: the job, on the mmu ring */
	struct kite_job base;
	/** @vm: the VM, referenced */
	struct kite_vm *vm;
	/** @work: frees the job */
	struct work_struct work;
	/** @count: updates used */
	u32 count;
	/** @capacity: updates there is room for */
	u32 capacity;
	/** @updates: in order */
	struct kite_pt_update updates[];
};

struct kite_bind_job *kite_bind_job_create(struct kite_vm *vm, u32 capacity, u64 client);
void kite_bind_job_destroy(struct kite_bind_job *job);
int kite_bind_job_reserve(struct kite_bind_job *job, enum kite_pt_kind kind, u64 va, u64 range);
void kite_bind_job_add(struct kite_bind_job *job, enum kite_pt_kind kind, u64 va, u64 range,
		       struct kite_bo *bo, u64 bo_offset, bool read_only);
void kite_bind_job_insert(struct kite_bind_job *job, u32 at, u64 va, u64 range);
struct dma_fence *kite_bind_job_push(struct kite_bind_job *job);
int kite_vm_rebind(struct kite_vm *vm, struct drm_exec *exec, u64 client);

int kite_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file);
int kite_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int kite_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file);
int kite_ioctl_vm_get_state(struct drm_device *drm, void *data, struct drm_file *file);

extern const struct drm_gpuvm_ops kite_gpuvm_ops;

#endif /* _KITE_VM_H_ */
