// SPDX-License-Identifier: GPL-2.0
/*
 * VM_BIND. All checks, allocations and locks come first; then the drm_gpuvm is changed and the job
 * that changes the page tables is pushed, neither of which can fail. So on error nothing has
 * happened, and mappings and page tables change in the same order.
 */
#include <linux/slab.h>

#include <drm/drm_exec.h>

#include "kite_pm.h"
#include "kite_sync.h"
#include "kite_vm.h"

#define KITE_MAX_BINDS 1024

/** struct kite_bind_op - one operation, checked */
struct kite_bind_op {
	/** @args: as given */
	struct drm_kite_vm_bind_op args;
	/** @bo: its buffer, referenced, or NULL */
	struct kite_bo *bo;
	/** @vm_bo: MAP: the buffer in the VM, referenced */
	struct drm_gpuvm_bo *vm_bo;
	/** @update: index of its update in the job; UNMAP_BO: where its updates begin */
	u32 update;
};

/** struct kite_bind - one ioctl */
struct kite_bind {
	/** @vm: the VM */
	struct kite_vm *vm;
	/** @ops: operations */
	struct kite_bind_op *ops;
	/** @count: their number */
	u32 count;
	/** @job: changes the page tables */
	struct kite_bind_job *job;
	/** @vas: mappings for the steps to use, linked by gem.entry */
	struct list_head vas;
	/** @step: the operation being applied */
	struct kite_bind_op *step;
};

static int kite_bind_check_op(struct kite_bind *bind, struct kite_bind_op *op,
			      struct drm_file *file)
{
	struct drm_kite_vm_bind_op *args = &op->args;
	struct drm_gem_object *obj;
	bool whole_bo = args->op == DRM_KITE_VM_BIND_UNMAP_BO;
	bool wants_bo = whole_bo || args->op == DRM_KITE_VM_BIND_MAP;
	u64 end;

	if (args->pad || args->op > DRM_KITE_VM_BIND_SPARSE ||
	    (args->flags & ~DRM_KITE_VM_BIND_READONLY) ||
	    (args->flags && args->op != DRM_KITE_VM_BIND_MAP))
		return -EINVAL;
	if (whole_bo) {
		if (args->va || args->range || args->bo_offset)
			return -EINVAL;
	} else {
		if (!args->range || !IS_ALIGNED(args->va | args->range | args->bo_offset,
						KITE_PAGE_SIZE))
			return -EINVAL;
		if (check_add_overflow(args->va, args->range, &end) || args->va < KITE_VA_START ||
		    end > bind->vm->kdev->va_end)
			return -EINVAL;
	}
	if (!wants_bo)
		return args->bo_handle || args->bo_offset ? -EINVAL : 0;

	obj = drm_gem_object_lookup(file, args->bo_handle);
	if (!obj)
		return -ENOENT;
	op->bo = to_kite_bo(obj);
	if (whole_bo)
		return 0;
	if (check_add_overflow(args->bo_offset, args->range, &end) || end > obj->size)
		return -EINVAL;
	if (op->bo->exclusive_root && op->bo->exclusive_root != drm_gpuvm_resv_obj(&bind->vm->base))
		return -EINVAL;
	return 0;
}

static int kite_bind_get_ops(struct kite_bind *bind, struct drm_file *file,
			     const struct drm_kite_obj_array *array)
{
	u32 i;
	int ret;

	if (array->count > KITE_MAX_BINDS)
		return -EINVAL;
	bind->ops = kvcalloc(max(array->count, 1u), sizeof(*bind->ops), GFP_KERNEL);
	if (!bind->ops)
		return -ENOMEM;
	for (i = 0; i < array->count; i++) {
		ret = kite_copy_array(array, i, &bind->ops[i].args, sizeof(bind->ops[i].args),
				      offsetofend(struct drm_kite_vm_bind_op, range));
		if (ret)
			return ret;
		bind->count = i + 1;
		ret = kite_bind_check_op(bind, &bind->ops[i], file);
		if (ret)
			return ret;
	}
	return 0;
}

/* Updates the job may need: one an operation, and all mappings of a buffer for UNMAP_BO. */
static u32 kite_bind_count_updates(struct kite_bind *bind)
{
	u32 count = bind->count, i;
	struct drm_gpuva *va;

	for (i = 0; i < bind->count; i++) {
		struct kite_bind_op *op = &bind->ops[i];

		if (op->args.op != DRM_KITE_VM_BIND_UNMAP_BO)
			continue;
		/* Every operation before can have added one and split one. */
		count += 2 * i;
		drm_gpuvm_for_each_va(va, &bind->vm->base)
			if (va->gem.obj == &op->bo->ttm.base)
				count++;
	}
	return count;
}

static int kite_bind_alloc_vas(struct kite_bind *bind)
{
	u32 i, n = 0;

	/* An operation makes at most a mapping and the two remains of what it splits. */
	for (i = 0; i < bind->count; i++)
		n += bind->ops[i].args.op == DRM_KITE_VM_BIND_UNMAP_BO ? 0 : 3;
	while (n--) {
		struct kite_va *va = kzalloc(sizeof(*va), GFP_KERNEL);

		if (!va)
			return -ENOMEM;
		list_add(&va->base.gem.entry, &bind->vas);
	}
	return 0;
}

static u32 kite_va_rights(struct drm_gpuva *va)
{
	return kite_bo_rights(to_kite_bo(va->gem.obj), to_kite_va(va)->read_only);
}

static const enum kite_pt_kind kite_bind_kinds[] = {
	[DRM_KITE_VM_BIND_MAP] = KITE_PT_MAP,
	[DRM_KITE_VM_BIND_UNMAP] = KITE_PT_CLEAR,
	[DRM_KITE_VM_BIND_SPARSE] = KITE_PT_ZERO,
};

/* Whether the VM's owner may map what it maps; vm->lock is held. */
static int kite_bind_check_rights(const struct kite_bind *bind)
{
	u32 rights = kite_owner_rights(bind->vm->owner);
	u32 i;

	for (i = 0; i < bind->count; i++) {
		const struct kite_bind_op *op = &bind->ops[i];
		bool read_only = op->args.flags & DRM_KITE_VM_BIND_READONLY;

		if (op->args.op == DRM_KITE_VM_BIND_MAP &&
		    (kite_bo_rights(op->bo, read_only) & ~rights))
			return -EACCES;
	}
	return 0;
}

/* Everything that allocates and needs no dma_resv; vm->lock is held. */
static int kite_bind_prepare(struct kite_bind *bind)
{
	u32 i;
	int ret;

	bind->job = kite_bind_job_create(bind->vm, kite_bind_count_updates(bind),
					 bind->vm->client);
	if (IS_ERR(bind->job)) {
		ret = PTR_ERR(bind->job);
		bind->job = NULL;
		return ret;
	}
	ret = kite_bind_alloc_vas(bind);
	for (i = 0; i < bind->count && !ret; i++) {
		struct kite_bind_op *op = &bind->ops[i];

		op->update = bind->job->count;
		if (op->args.op == DRM_KITE_VM_BIND_UNMAP_BO)
			continue;
		ret = kite_bind_job_reserve(bind->job, kite_bind_kinds[op->args.op], op->args.va,
					    op->args.range);
	}
	return ret;
}

/* Lock the VM's dma_resv, the new buffers', and those of what is replaced. */
static int kite_bind_lock(struct kite_bind *bind, struct drm_exec *exec)
{
	u32 i;
	int ret;

	drm_exec_until_all_locked(exec) {
		ret = drm_gpuvm_prepare_vm(&bind->vm->base, exec, 1);
		drm_exec_retry_on_contention(exec);
		for (i = 0; i < bind->count && !ret; i++) {
			struct kite_bind_op *op = &bind->ops[i];

			if (op->bo)
				ret = drm_exec_prepare_obj(exec, &op->bo->ttm.base, 1);
			drm_exec_retry_on_contention(exec);
			if (!ret && op->args.range)
				ret = drm_gpuvm_prepare_range(&bind->vm->base, exec, op->args.va,
							      op->args.range, 1);
			drm_exec_retry_on_contention(exec);
		}
		if (ret)
			return ret;
	}
	return 0;
}

/* Bring buffers in, tie them to the VM; may fail, changes no mapping. */
static int kite_bind_buffers(struct kite_bind *bind)
{
	struct drm_sched_job *job = &bind->job->base.base;
	u32 i;
	int ret;

	for (i = 0; i < bind->count; i++) {
		struct kite_bind_op *op = &bind->ops[i];
		struct drm_gem_object *obj;
		struct drm_gpuvm_bo *vm_bo;

		if (op->args.op != DRM_KITE_VM_BIND_MAP)
			continue;
		obj = &op->bo->ttm.base;
		ret = kite_bo_validate(op->bo, false);
		if (ret)
			return ret;
		ret = drm_sched_job_add_resv_dependencies(job, obj->resv, DMA_RESV_USAGE_KERNEL);
		if (ret)
			return ret;
		vm_bo = kite_compat_vm_bo_obtain(&bind->vm->base, obj);
		if (IS_ERR(vm_bo))
			return PTR_ERR(vm_bo);
		op->vm_bo = vm_bo;
		drm_gpuvm_bo_extobj_add(vm_bo);
	}
	return 0;
}

static struct kite_va *kite_bind_take_va(struct kite_bind *bind)
{
	struct kite_va *va = list_first_entry(&bind->vas, struct kite_va, base.gem.entry);

	list_del(&va->base.gem.entry);
	memset(va, 0, sizeof(*va));
	return va;
}

static int kite_bind_step_map(struct drm_gpuva_op *op, void *priv)
{
	struct kite_bind *bind = priv;
	struct kite_va *va = kite_bind_take_va(bind);

	va->read_only = bind->step->args.flags & DRM_KITE_VM_BIND_READONLY;
	if (!op->map.gem.obj)
		va->base.flags = DRM_GPUVA_SPARSE;
	drm_gpuva_map(&bind->vm->base, &va->base, &op->map);
	if (op->map.gem.obj)
		drm_gpuva_link(&va->base, bind->step->vm_bo);
	return 0;
}

static int kite_bind_step_remap(struct drm_gpuva_op *op, void *priv)
{
	struct kite_bind *bind = priv;
	struct kite_va *old = to_kite_va(op->remap.unmap->va);
	struct kite_va *prev = op->remap.prev ? kite_bind_take_va(bind) : NULL;
	struct kite_va *next = op->remap.next ? kite_bind_take_va(bind) : NULL;
	struct drm_gpuvm_bo *vm_bo = old->base.vm_bo;

	drm_gpuva_remap(prev ? &prev->base : NULL, next ? &next->base : NULL, &op->remap);
	if (prev) {
		prev->read_only = old->read_only;
		prev->base.flags = old->base.flags;
		drm_gpuva_link(&prev->base, vm_bo);
	}
	if (next) {
		next->read_only = old->read_only;
		next->base.flags = old->base.flags;
		drm_gpuva_link(&next->base, vm_bo);
	}
	drm_gpuva_unlink(&old->base);
	kfree(old);
	return 0;
}

static int kite_bind_step_unmap(struct drm_gpuva_op *op, void *priv)
{
	struct drm_gpuva *va = op->unmap.va;

	drm_gpuva_unmap(&op->unmap);
	drm_gpuva_unlink(va);
	kfree(to_kite_va(va));
	return 0;
}

static int kite_vm_bo_validate(struct drm_gpuvm_bo *base, struct drm_exec *exec)
{
	struct kite_vm_bo *vm_bo = to_kite_vm_bo(base);
	struct kite_vm *vm = to_kite_vm(base->vm);
	int ret;

	ret = kite_bo_validate(to_kite_bo(base->obj), false);
	if (ret)
		return ret;
	/* From here on the buffer cannot move before the caller's fence is in its dma_resv. */
	drm_gpuvm_bo_evict(base, false);
	if (list_empty(&vm_bo->rebind))
		list_add_tail(&vm_bo->rebind, &vm->rebind);
	return 0;
}

static struct drm_gpuvm_bo *kite_vm_bo_alloc(void)
{
	struct kite_vm_bo *vm_bo = kzalloc(sizeof(*vm_bo), GFP_KERNEL);

	if (!vm_bo)
		return NULL;
	INIT_LIST_HEAD(&vm_bo->rebind);
	return &vm_bo->base;
}

static void kite_vm_bo_free(struct drm_gpuvm_bo *base)
{
	struct kite_vm_bo *vm_bo = to_kite_vm_bo(base);

	list_del(&vm_bo->rebind);
	kfree(vm_bo);
}

static void kite_vm_free(struct drm_gpuvm *base)
{
	kvfree(to_kite_vm(base));
}

const struct drm_gpuvm_ops kite_gpuvm_ops = {
	.vm_free = kite_vm_free,
	.vm_bo_alloc = kite_vm_bo_alloc,
	.vm_bo_free = kite_vm_bo_free,
	.vm_bo_validate = kite_vm_bo_validate,
	.sm_step_map = kite_bind_step_map,
	.sm_step_remap = kite_bind_step_remap,
	.sm_step_unmap = kite_bind_step_unmap,
};

/* The updates go before those of later operations, which move back. */
static void kite_bind_unmap_bo(struct kite_bind *bind, u32 index)
{
	struct kite_bo *bo = bind->ops[index].bo;
	u32 at = bind->ops[index].update, added = 0;
	struct drm_gpuva *va, *next;

	drm_gpuvm_for_each_va_safe(va, next, &bind->vm->base) {
		if (va->gem.obj != &bo->ttm.base)
			continue;
		kite_bind_job_insert(bind->job, at + added++, va->va.addr, va->va.range);
		drm_gpuva_remove(va);
		drm_gpuva_unlink(va);
		kfree(to_kite_va(va));
	}
	while (++index < bind->count)
		bind->ops[index].update += added;
}

/* Change the drm_gpuvm, and complete the updates of the page tables. */
static void kite_bind_apply(struct kite_bind *bind)
{
	struct drm_gpuvm *gpuvm = &bind->vm->base;
	u32 i;
	int ret;

	for (i = 0; i < bind->count; i++) {
		struct kite_bind_op *op = &bind->ops[i];
		struct kite_pt_update *update = &bind->job->updates[op->update];

		bind->step = op;
		ret = 0;
		switch (op->args.op) {
		case DRM_KITE_VM_BIND_MAP:
			update->bo = op->bo;
			update->bo_offset = op->args.bo_offset;
			update->read_only = op->args.flags & DRM_KITE_VM_BIND_READONLY;
			drm_gem_object_get(&op->bo->ttm.base);
			ret = kite_compat_sm_map(gpuvm, bind, op->args.va, op->args.range,
						 &op->bo->ttm.base, op->args.bo_offset);
			break;
		case DRM_KITE_VM_BIND_SPARSE:
			ret = kite_compat_sm_map(gpuvm, bind, op->args.va, op->args.range, NULL, 0);
			break;
		case DRM_KITE_VM_BIND_UNMAP:
			ret = drm_gpuvm_sm_unmap(gpuvm, bind, op->args.va, op->args.range);
			break;
		case DRM_KITE_VM_BIND_UNMAP_BO:
			kite_bind_unmap_bo(bind, i);
			break;
		}
		WARN_ON_ONCE(ret);
	}
}

static int kite_bind_locked(struct kite_bind *bind, struct kite_syncs *syncs,
			    struct dma_fence **fence)
{
	struct drm_exec exec;
	u32 i;
	int ret;

	ret = kite_vm_error(bind->vm) ?: kite_bind_check_rights(bind);
	if (ret)
		return ret;
	ret = kite_bind_prepare(bind);
	if (ret)
		return ret;
	ret = kite_syncs_add_dependencies(syncs, &bind->job->base.base);
	if (ret)
		return ret;

	drm_exec_init(&exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 0);
	ret = kite_bind_lock(bind, &exec);
	if (!ret)
		ret = kite_bind_buffers(bind);
	if (!ret) {
		kite_bind_apply(bind);
		*fence = kite_bind_job_push(bind->job);
		bind->job = NULL;
		drm_gpuvm_resv_add_fence(&bind->vm->base, &exec, *fence,
					 DMA_RESV_USAGE_BOOKKEEP, DMA_RESV_USAGE_BOOKKEEP);
		kite_syncs_signal(syncs, *fence);
	}
	/* Destroying the tie of a buffer to the VM needs the buffer's lock. */
	for (i = 0; i < bind->count; i++)
		if (bind->ops[i].vm_bo)
			drm_gpuvm_bo_put(bind->ops[i].vm_bo);
	drm_exec_fini(&exec);
	/* Eviction met somebody who locks in the other order: start again, as after a signal. */
	return ret == -EDEADLK ? -EAGAIN : ret;
}

static void kite_bind_put(struct kite_bind *bind)
{
	struct kite_va *va, *next;
	u32 i;

	if (bind->job)
		kite_bind_job_destroy(bind->job);
	list_for_each_entry_safe(va, next, &bind->vas, base.gem.entry)
		kfree(va);
	for (i = 0; i < bind->count; i++)
		if (bind->ops[i].bo)
			drm_gem_object_put(&bind->ops[i].bo->ttm.base);
	kvfree(bind->ops);
	kite_vm_put(bind->vm);
}

/* An operation for every mapping that the owner has no right to; vm->lock is held. */
static int kite_bind_get_revoked(struct kite_bind *bind)
{
	u32 rights = kite_owner_rights(bind->vm->owner);
	struct drm_gpuva *va;
	u32 n = 0;

	drm_gpuvm_for_each_va(va, &bind->vm->base)
		n += va->gem.obj && (kite_va_rights(va) & ~rights);
	if (!n)
		return 0;
	bind->ops = kvcalloc(n, sizeof(*bind->ops), GFP_KERNEL);
	if (!bind->ops)
		return -ENOMEM;
	drm_gpuvm_for_each_va(va, &bind->vm->base) {
		if (!va->gem.obj || !(kite_va_rights(va) & ~rights))
			continue;
		bind->ops[bind->count++].args = (struct drm_kite_vm_bind_op){
			.op = DRM_KITE_VM_BIND_UNMAP,
			.va = va->va.addr,
			.range = va->va.range,
		};
	}
	return 0;
}

/**
 * kite_vm_revoke() - remove the mappings that the owner has no right to any more
 * @vm: the VM; the caller's reference is taken over
 *
 * Work that goes on using them faults. When this succeeds the device cannot reach them any more.
 *
 * Return: 0, also if the VM is of no use any more; else why a mapping may be left.
 */
int kite_vm_revoke(struct kite_vm *vm)
{
	struct kite_bind bind = { .vm = vm, .vas = LIST_HEAD_INIT(bind.vas) };
	struct kite_syncs syncs = {};
	struct dma_fence *fence = NULL;
	int ret;

	mutex_lock(&vm->lock);
	ret = kite_bind_get_revoked(&bind);
	if (!ret && bind.count) {
		ret = kite_pm_get(vm->kdev);
		if (!ret) {
			ret = kite_bind_locked(&bind, &syncs, &fence);
			kite_pm_put(vm->kdev);
		}
	}
	/* What is banned or gone reaches nothing. */
	if (kite_vm_error(vm))
		ret = 0;
	mutex_unlock(&vm->lock);
	kite_bind_put(&bind);
	if (fence)
		dma_fence_wait(fence, false);
	dma_fence_put(fence);
	return ret == -EAGAIN ? -ERESTARTSYS : ret;
}

/** kite_ioctl_vm_bind() - DRM_IOCTL_KITE_VM_BIND */
int kite_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_kite_vm_bind *args = data;
	struct kite_bind bind = { .vas = LIST_HEAD_INIT(bind.vas) };
	struct kite_syncs syncs = {};
	struct dma_fence *fence = NULL;
	bool async = args->flags & DRM_KITE_VM_BIND_ASYNC;
	int ret;

	if (args->flags & ~DRM_KITE_VM_BIND_ASYNC)
		return -EINVAL;
	if (!async && args->syncs.count)
		return -EINVAL;
	bind.vm = kite_vm_lookup(file, args->vm_id);
	if (!bind.vm)
		return -ENOENT;
	ret = kite_bind_get_ops(&bind, file, &args->ops);
	if (!ret)
		ret = kite_syncs_get(&syncs, file, &args->syncs);
	if (!ret)
		ret = mutex_lock_interruptible(&bind.vm->lock);
	if (!ret) {
		ret = kite_bind_locked(&bind, &syncs, &fence);
		mutex_unlock(&bind.vm->lock);
	}
	kite_syncs_put(&syncs);
	kite_bind_put(&bind);
	/* Doing the same operations again after a signal ends in the same state. */
	if (!ret && !async) {
		ret = dma_fence_wait(fence, true);
		if (!ret)
			ret = fence->error;
	}
	dma_fence_put(fence);
	return ret;
}
