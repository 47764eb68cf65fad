// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs that write page tables and have the device walk them again. Everything they need is there
 * before they are armed: running allocates nothing and takes no lock that is ever held over an
 * allocation. The buffers they map cannot move: the job's fence is in their dma_resv.
 */
#include <linux/slab.h>

#include <drm/drm_exec.h>

#include "kite_vm.h"

/* More updates than this are told to the device as one range. */
#define KITE_BIND_MAX_ENTRIES 128

static struct kite_bind_job *to_bind_job(struct kite_job *job)
{
	return container_of(job, struct kite_bind_job, base);
}

static void kite_bind_write_map(struct kite_vm *vm, const struct kite_pt_update *update)
{
	u64 done = 0;

	while (done < update->range) {
		u32 flags = update->read_only ? KITE_PT_READ_ONLY : 0;
		bool system;
		u64 run, address;

		address = kite_bo_address(update->bo, update->bo_offset + done, &run, &system);
		run = min(run, update->range - done);
		kite_pt_map(&vm->pt, update->va + done, address, run,
			    flags | (system ? KITE_PT_SYSTEM : 0));
		done += run;
	}
}

static void kite_bind_write(struct kite_vm *vm, const struct kite_pt_update *update)
{
	switch (update->kind) {
	case KITE_PT_MAP:
		kite_bind_write_map(vm, update);
		break;
	case KITE_PT_ZERO:
		kite_pt_zero(&vm->pt, update->va, update->range);
		break;
	case KITE_PT_CLEAR:
		kite_pt_clear(&vm->pt, update->va, update->range);
		break;
	}
}

static void kite_bind_entry(struct kite_bind_job *job, u32 i, u32 entries,
			    struct kite_ring_entry *entry)
{
	u64 va = job->updates[i].va;
	u64 end = va + job->updates[i].range;
	u32 j;

	/* One entry for all: the hull of the updates. */
	if (entries == 1) {
		for (j = 0; j < job->count; j++) {
			va = min(va, job->updates[j].va);
			end = max(end, job->updates[j].va + job->updates[j].range);
		}
	}
	kite_entry_init(entry, KITE_HW_RING_OP_INVALIDATE, job->vm->context);
	kite_entry_set64(entry, KITE_HW_RING_ENTRY_ADDRESS_DW, va);
	kite_entry_set64(entry, KITE_HW_RING_ENTRY_SIZE_DW, end - va);
}

static u32 kite_bind_entries(const struct kite_bind_job *job)
{
	return job->count <= KITE_BIND_MAX_ENTRIES ? max(job->count, 1u) : 1;
}

static int kite_bind_run(struct kite_job *base, struct kite_fence *fence)
{
	struct kite_bind_job *job = to_bind_job(base);
	struct kite_vm *vm = job->vm;
	struct kite_ring_entry entry;
	u32 entries = kite_bind_entries(job);
	unsigned long flags;
	u32 i;
	int ret;

	ret = kite_vm_error(vm);
	if (ret)
		return ret;
	mutex_lock(&vm->pt_lock);
	for (i = 0; i < job->count; i++)
		kite_bind_write(vm, &job->updates[i]);
	mutex_unlock(&vm->pt_lock);

	ret = kite_ring_begin(base->ring, &flags);
	if (ret)
		return ret;
	fence->vm = vm;
	for (i = 0; i < entries; i++) {
		if (job->count)
			kite_bind_entry(job, i, entries, &entry);
		else
			kite_entry_init(&entry, KITE_HW_RING_OP_NOP, 0);
		if (i + 1 < entries)
			kite_ring_push(base->ring, &entry);
	}
	kite_ring_commit(base->ring, &entry, fence, flags);
	return 0;
}

/** kite_bind_job_destroy() - undo kite_bind_job_create() and whatever was added; may sleep */
void kite_bind_job_destroy(struct kite_bind_job *job)
{
	struct kite_vm *vm = job->vm;
	struct kite_pt_spare spare = {};
	u32 i;

	if (job->base.base.s_fence || job->base.fence)
		kite_job_fini(&job->base);
	mutex_lock(&vm->pt_lock);
	for (i = 0; i < job->count; i++)
		kite_pt_unpin(&vm->pt, job->updates[i].va, job->updates[i].range,
			      job->updates[i].seq, &spare);
	mutex_unlock(&vm->pt_lock);
	kite_ptpool_drain(vm->kdev, vm->owner, &spare);
	for (i = 0; i < job->count; i++)
		if (job->updates[i].bo)
			drm_gem_object_put(&job->updates[i].bo->ttm.base);
	kite_vm_put(vm);
	kvfree(job);
}

static void kite_bind_free_work(struct work_struct *work)
{
	kite_bind_job_destroy(container_of(work, struct kite_bind_job, work));
}

/* Dropping buffers can take locks and time, which the scheduler's worker should not. */
static void kite_bind_free(struct kite_job *base)
{
	queue_work(kite_wq, &to_bind_job(base)->work);
}

static const struct kite_job_ops kite_bind_ops = {
	.run = kite_bind_run,
	.free = kite_bind_free,
};

/**
 * kite_bind_job_create() - an empty job
 * @vm: the VM; the job takes a reference
 * @capacity: updates it has room for
 * @client: DRM client id
 */
struct kite_bind_job *kite_bind_job_create(struct kite_vm *vm, u32 capacity, u64 client)
{
	struct kite_bind_job *job;
	int ret;

	job = kvzalloc(struct_size(job, updates, capacity), GFP_KERNEL);
	if (!job)
		return ERR_PTR(-ENOMEM);
	job->capacity = capacity;
	INIT_WORK(&job->work, kite_bind_free_work);
	ret = kite_job_init(&job->base, &kite_bind_ops,
			    vm->kdev->ring_of_class[KITE_HW_RING_CLASS_MMU], &vm->entity,
			    clamp(capacity, 1u, (u32)KITE_BIND_MAX_ENTRIES), vm, client);
	if (ret) {
		kvfree(job);
		return ERR_PTR(ret);
	}
	kref_get(&vm->handle.ref);
	job->vm = vm;
	return job;
}

/**
 * kite_bind_job_reserve() - make sure that the tables of an update exist, and note it
 * @job: the job
 * @kind: the update
 * @va: first address
 * @range: bytes
 *
 * Buffer and offset of a MAP are set later, with kite_bind_job_add() on a job whose updates were
 * all reserved, in the same order. Allocates and may evict: not under a dma_resv.
 *
 * Return: 0, -ENOSPC, -ENOMEM.
 */
int kite_bind_job_reserve(struct kite_bind_job *job, enum kite_pt_kind kind, u64 va, u64 range)
{
	struct kite_vm *vm = job->vm;
	struct kite_pt_update *update = &job->updates[job->count];
	struct kite_pt_spare spare = {};
	int ret = 0, idx;

	if (WARN_ON(job->count >= job->capacity))
		return -EINVAL;
	for (;;) {
		u32 dirs = 0, tables = 0;

		mutex_lock(&vm->pt_lock);
		/* Jobs that finish give tables back meanwhile, so count again each time. */
		kite_pt_need(&vm->pt, va, range, kind, &dirs, &tables);
		if (spare.nr_dirs >= dirs && spare.nr_tables >= tables)
			break;
		mutex_unlock(&vm->pt_lock);
		ret = kite_ptpool_fill(vm->kdev, vm->owner, &spare, dirs, tables);
		if (ret)
			goto out;
	}
	if (drm_dev_enter(&vm->kdev->drm, &idx)) {
		update->kind = kind;
		update->va = va;
		update->range = range;
		update->seq = kite_pt_pin(&vm->pt, va, range, kind, &spare);
		job->count++;
		drm_dev_exit(idx);
	} else {
		ret = -ENODEV;
	}
	mutex_unlock(&vm->pt_lock);
out:
	kite_ptpool_drain(vm->kdev, vm->owner, &spare);
	return ret;
}

/**
 * kite_bind_job_add() - note an update whose tables exist already
 * @job: the job, with room
 * @kind: the update
 * @va: first address
 * @range: bytes
 * @bo: MAP: buffer; the job takes a reference
 * @bo_offset: MAP: first byte of it
 * @read_only: MAP: GPU writes fault
 *
 * For ranges that are mapped already. Cannot fail; a VM that has just been banned may be left as it is.
 */
void kite_bind_job_add(struct kite_bind_job *job, enum kite_pt_kind kind, u64 va, u64 range,
		       struct kite_bo *bo, u64 bo_offset, bool read_only)
{
	struct kite_vm *vm = job->vm;
	struct kite_pt_update *update = &job->updates[job->count];
	struct kite_pt_spare none = {};
	u32 dirs = 0, tables = 0;

	if (WARN_ON(job->count >= job->capacity))
		return;
	mutex_lock(&vm->pt_lock);
	kite_pt_need(&vm->pt, va, range, kind, &dirs, &tables);
	if (dirs || tables) {
		/* Only if the job that mapped it ended without effect. */
		WARN_ON_ONCE(!kite_vm_error(vm));
	} else {
		*update = (struct kite_pt_update){
			.kind = kind, .read_only = read_only, .va = va, .range = range,
			.bo = bo, .bo_offset = bo_offset,
			.seq = kite_pt_pin(&vm->pt, va, range, kind, &none),
		};
		if (bo)
			drm_gem_object_get(&bo->ttm.base);
		job->count++;
	}
	mutex_unlock(&vm->pt_lock);
}

/** kite_bind_job_insert() - clear a range that is mapped, before the update at an index */
void kite_bind_job_insert(struct kite_bind_job *job, u32 at, u64 va, u64 range)
{
	struct kite_pt_update last;
	u32 count = job->count;

	kite_bind_job_add(job, KITE_PT_CLEAR, va, range, NULL, 0, false);
	if (job->count == count || at == count)
		return;
	last = job->updates[count];
	memmove(&job->updates[at + 1], &job->updates[at], (count - at) * sizeof(last));
	job->updates[at] = last;
}

/**
 * kite_bind_job_push() - let the job run after its dependencies
 * @job: the job; no longer the caller's
 *
 * vm->lock is held: page tables are written in the order of this call.
 *
 * Return: reference of its completion.
 */
struct dma_fence *kite_bind_job_push(struct kite_bind_job *job)
{
	struct dma_fence *fence;

	lockdep_assert_held(&job->vm->lock);
	fence = kite_job_arm(&job->base);
	kite_job_push(&job->base);
	return fence;
}

/**
 * kite_vm_rebind() - after eviction: bring buffers back and rewrite their page tables
 * @vm: the VM; vm->lock is held, and @exec has locked all its buffers with a fence slot to spare
 * @exec: the locks
 * @client: DRM client id
 *
 * Submissions on all queues of the VM wait for &kite_vm.rebound from here on.
 *
 * Return: 0, -ENOSPC, -ENOMEM, -ERESTARTSYS, -EDEADLK.
 */
int kite_vm_rebind(struct kite_vm *vm, struct drm_exec *exec, u64 client)
{
	struct dma_fence *fence;
	struct kite_vm_bo *moved, *next;
	struct drm_gpuvm_bo *vm_bo; /* the iterator of mappings wants this name */
	struct kite_bind_job *job;
	struct drm_gpuva *va;
	u32 count = 0;
	int ret;

	ret = drm_gpuvm_validate(&vm->base, exec);
	if (ret)
		return ret;
	list_for_each_entry(moved, &vm->rebind, rebind) {
		vm_bo = &moved->base;
		drm_gpuvm_bo_for_each_va(va, vm_bo)
			count++;
	}
	if (!count)
		return 0;
	job = kite_bind_job_create(vm, count, client);
	if (IS_ERR(job))
		return PTR_ERR(job);
	list_for_each_entry(moved, &vm->rebind, rebind) {
		vm_bo = &moved->base;
		ret = drm_sched_job_add_resv_dependencies(&job->base.base, vm_bo->obj->resv,
							  DMA_RESV_USAGE_KERNEL);
		if (ret) {
			kite_bind_job_destroy(job);
			return ret;
		}
		drm_gpuvm_bo_for_each_va(va, vm_bo)
			kite_bind_job_add(job, KITE_PT_MAP, va->va.addr, va->va.range,
					  to_kite_bo(va->gem.obj), va->gem.offset,
					  to_kite_va(va)->read_only);
	}
	list_for_each_entry_safe(moved, next, &vm->rebind, rebind)
		list_del_init(&moved->rebind);
	fence = kite_bind_job_push(job);
	drm_gpuvm_resv_add_fence(&vm->base, exec, fence, DMA_RESV_USAGE_BOOKKEEP,
				 DMA_RESV_USAGE_BOOKKEEP);
	dma_fence_put(vm->rebound);
	vm->rebound = fence;
	return 0;
}
