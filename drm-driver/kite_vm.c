// SPDX-License-Identifier: GPL-2.0
/*
 * Address spaces: life, death and state. Binding is in kite_bind.c, page-table jobs in kite_bindjob.c.
 */
#include "kite_vm.h"

#include <linux/sched.h>
#include <linux/slab.h>

#include "kite_device.h"

static void kite_pt_write_vram(void *priv, u64 offset, u64 entry)
{
	struct kite_device *kdev = priv;

	writeq(entry, kdev->vram_map + offset);
}

static void kite_file_stats_free(struct kref *ref)
{
	kfree(container_of(ref, struct kite_file_stats, ref));
}

/** kite_file_stats_get() - another reference */
struct kite_file_stats *kite_file_stats_get(struct kite_file_stats *stats)
{
	kref_get(&stats->ref);
	return stats;
}

/** kite_file_stats_put() - one reference less */
void kite_file_stats_put(struct kite_file_stats *stats)
{
	kref_put(&stats->ref, kite_file_stats_free);
}

/* The hardware forgets the context; afterwards it does not use the VM's memory any more. */
static void kite_vm_destroy_context(struct kite_vm *vm)
{
	struct kite_device *kdev = vm->kdev;
	struct kite_ring_entry entry;
	bool lost;

	spin_lock_irq(&vm->state.lock);
	lost = vm->state.state == DRM_KITE_VM_LOST;
	spin_unlock_irq(&vm->state.lock);
	if (lost)
		return;
	kite_entry_init(&entry, KITE_HW_RING_OP_CONTEXT_DESTROY, vm->context);
	/* Memory of a context that may still run cannot be given to anybody. */
	if (kite_ring_direct(kdev->ring_of_class[KITE_HW_RING_CLASS_MMU], &entry) == -ETIMEDOUT) {
		drm_err(&kdev->drm, "mmu ring does not answer\n");
		kite_device_lost(kdev, KITE_DEVICE_DEAD);
	}
}

static int kite_vm_create_context(struct kite_vm *vm)
{
	struct kite_device *kdev = vm->kdev;
	struct kite_ring_entry entry;

	kite_entry_init(&entry, KITE_HW_RING_OP_CONTEXT_CREATE, vm->context);
	kite_entry_set64(&entry, KITE_HW_RING_ENTRY_ARGUMENT_DW, vm->root.offset);
	return kite_ring_direct(kdev->ring_of_class[KITE_HW_RING_CLASS_MMU], &entry);
}

static int kite_context_alloc(struct kite_device *kdev, struct kite_vm *vm)
{
	int ret = -EDQUOT;
	u32 i;

	spin_lock_irq(&kdev->contexts.lock);
	for (i = 0; i < kdev->contexts.count && ret; i++) {
		if (kdev->contexts.vm[i])
			continue;
		kdev->contexts.vm[i] = vm;
		vm->context = i;
		ret = 0;
	}
	spin_unlock_irq(&kdev->contexts.lock);
	return ret;
}

static void kite_context_free(struct kite_device *kdev, struct kite_vm *vm)
{
	spin_lock_irq(&kdev->contexts.lock);
	kdev->contexts.vm[vm->context] = NULL;
	spin_unlock_irq(&kdev->contexts.lock);
}

/* Forget all mappings; nothing uses the VM any more. */
static void kite_vm_unmap_all(struct kite_vm *vm)
{
	struct drm_gpuva *va, *next;

	mutex_lock(&vm->lock);
	drm_gpuvm_for_each_va_safe(va, next, &vm->base) {
		struct drm_gem_object *obj = va->gem.obj;

		if (obj) {
			drm_gem_object_get(obj);
			dma_resv_lock(obj->resv, NULL);
		}
		drm_gpuva_remove(va);
		drm_gpuva_unlink(va);
		if (obj) {
			dma_resv_unlock(obj->resv);
			drm_gem_object_put(obj);
		}
		kfree(to_kite_va(va));
	}
	mutex_unlock(&vm->lock);
}

static void kite_vm_free_tables(struct kite_vm *vm)
{
	struct kite_pt_spare spare = {};

	kite_pt_take_all(&vm->pt, &spare);
	kite_ptpool_drain(vm->kdev, vm->owner, &spare);
	kite_ptpool_put_root(vm->kdev, vm->owner, &vm->root);
}

static void kite_vm_release_work(struct work_struct *work)
{
	struct kite_vm *vm = container_of(work, struct kite_vm, release);
	struct kite_device *kdev = vm->kdev;

	mutex_lock(&kdev->vms_lock);
	list_del(&vm->link);
	mutex_unlock(&kdev->vms_lock);
	drm_sched_entity_destroy(&vm->entity);
	kite_vm_destroy_context(vm);
	kite_context_free(kdev, vm);
	kite_vm_unmap_all(vm);
	kite_vm_free_tables(vm);
	dma_fence_put(vm->rebound);
	kite_file_stats_put(vm->stats);
	kite_owner_uncharge(vm->owner, DRM_KITE_RESOURCE_VMS, 1);
	kite_owner_put(vm->owner);
	/* Frees @vm, and the device if it was the last of a device that was unplugged. */
	drm_gpuvm_put(&vm->base);
}

static void kite_vm_release(struct kref *ref)
{
	struct kite_vm *vm = container_of(ref, struct kite_vm, handle.ref);

	queue_work(kite_wq, &vm->release);
}

/** kite_vm_put() - one reference less; any context */
void kite_vm_put(struct kite_vm *vm)
{
	kref_put(&vm->handle.ref, kite_vm_release);
}

/** kite_vm_lookup() - the VM of an id, referenced, or NULL */
struct kite_vm *kite_vm_lookup(struct drm_file *file, u32 id)
{
	struct kite_file *kfile = file->driver_priv;
	struct kite_handle *handle = kite_handle_lookup(&kfile->vms, id);

	return handle ? container_of(handle, struct kite_vm, handle) : NULL;
}

/** kite_vm_of_context() - the VM of a hardware context, referenced, or NULL; any context */
struct kite_vm *kite_vm_of_context(struct kite_device *kdev, u32 context)
{
	struct kite_vm *vm = NULL;
	unsigned long flags;

	if (context >= kdev->contexts.count)
		return NULL;
	spin_lock_irqsave(&kdev->contexts.lock, flags);
	vm = kdev->contexts.vm[context];
	if (vm && !kref_get_unless_zero(&vm->handle.ref))
		vm = NULL;
	spin_unlock_irqrestore(&kdev->contexts.lock, flags);
	return vm;
}

/** kite_vm_fence_error() - 0, or what fences of the VM end with */
int kite_vm_fence_error(struct kite_vm *vm)
{
	return READ_ONCE(vm->state.state) == DRM_KITE_VM_USABLE ? 0 : -ECANCELED;
}

/** kite_vm_error() - 0, or why nothing can be done with the VM */
int kite_vm_error(struct kite_vm *vm)
{
	return kite_device_error(vm->kdev) ?: kite_vm_fence_error(vm);
}

/** kite_vm_account() - engine time was spent for the VM; any context */
void kite_vm_account(struct kite_vm *vm, u32 ring_class, u64 ns)
{
	atomic64_add(ns, &vm->stats->busy_ns[ring_class]);
}

/**
 * kite_vm_ban() - the VM's context died
 * @vm: the VM
 * @record: FaultRecord
 * @queue_id: queue to blame, or 0
 *
 * Any context. The first fault counts.
 */
void kite_vm_ban(struct kite_vm *vm, const u32 *record, u32 queue_id)
{
	unsigned long flags;

	spin_lock_irqsave(&vm->state.lock, flags);
	if (vm->state.state == DRM_KITE_VM_USABLE) {
		memcpy(vm->state.record, record, sizeof(vm->state.record));
		vm->state.queue_id = queue_id;
		WRITE_ONCE(vm->state.state, DRM_KITE_VM_BANNED);
	}
	spin_unlock_irqrestore(&vm->state.lock, flags);
}

/** kite_vm_all_lost() - the hardware forgot all contexts; any context */
void kite_vm_all_lost(struct kite_device *kdev)
{
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&kdev->contexts.lock, flags);
	for (i = 0; i < kdev->contexts.count; i++) {
		struct kite_vm *vm = kdev->contexts.vm[i];

		if (!vm)
			continue;
		spin_lock(&vm->state.lock);
		if (vm->state.state == DRM_KITE_VM_USABLE)
			WRITE_ONCE(vm->state.state, DRM_KITE_VM_LOST);
		spin_unlock(&vm->state.lock);
	}
	spin_unlock_irqrestore(&kdev->contexts.lock, flags);
}

/**
 * kite_vm_resume() - give the hardware a context again after a sleep that lost VRAM
 * @vm: the VM; its buffers are in system memory; the next submission maps them anew
 */
int kite_vm_resume(struct kite_vm *vm)
{
	struct drm_gpuva *va;

	mutex_lock(&vm->lock);
	drm_gpuvm_for_each_va(va, &vm->base) {
		struct drm_gem_object *obj = va->gem.obj;

		if (!obj)
			continue;
		dma_resv_lock(obj->resv, NULL);
		drm_gpuvm_bo_evict(va->vm_bo, true);
		dma_resv_unlock(obj->resv);
	}
	mutex_lock(&vm->pt_lock);
	kite_pt_forget(&vm->pt);
	drm_gpuvm_for_each_va(va, &vm->base)
		if (!va->gem.obj)
			kite_pt_zero(&vm->pt, va->va.addr, va->va.range);
	mutex_unlock(&vm->pt_lock);
	mutex_unlock(&vm->lock);
	return kite_vm_create_context(vm);
}

static struct kite_vm *kite_vm_create(struct kite_device *kdev, struct drm_file *file)
{
	struct kite_file *kfile = file->driver_priv;
	struct kite_ring *mmu = kdev->ring_of_class[KITE_HW_RING_CLASS_MMU];
	struct drm_gpu_scheduler *sched = &mmu->sched;
	struct drm_gem_object *root;
	struct kite_vm *vm;
	int ret, idx;

	vm = kvzalloc(sizeof(*vm), GFP_KERNEL);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	vm->kdev = kdev;
	kref_init(&vm->handle.ref);
	mutex_init(&vm->lock);
	mutex_init(&vm->pt_lock);
	spin_lock_init(&vm->state.lock);
	INIT_LIST_HEAD(&vm->rebind);
	INIT_WORK(&vm->release, kite_vm_release_work);
	vm->client = file->client_id;
	vm->pid = task_tgid_nr(current);
	get_task_comm(vm->process, current->group_leader);

	vm->owner = kite_owner_get(kfile->owner);
	ret = kite_owner_charge(vm->owner, DRM_KITE_RESOURCE_VMS, 1);
	if (ret)
		goto err_free;
	ret = kite_ptpool_get_root(kdev, vm->owner, &vm->root);
	if (ret)
		goto err_charge;
	if (!drm_dev_enter(&kdev->drm, &idx)) {
		ret = -ENODEV;
		goto err_root;
	}
	kite_pt_init(&vm->pt, vm->root.offset, kite_pt_write_vram, kdev);
	drm_dev_exit(idx);
	ret = drm_sched_entity_init(&vm->entity, DRM_SCHED_PRIORITY_NORMAL, &sched, 1, NULL);
	if (ret)
		goto err_root;
	ret = kite_context_alloc(kdev, vm);
	if (ret)
		goto err_entity;
	ret = kite_vm_create_context(vm);
	if (ret)
		goto err_context;
	root = drm_gpuvm_resv_object_alloc(&kdev->drm);
	if (!root) {
		ret = -ENOMEM;
		kite_vm_destroy_context(vm);
		goto err_context;
	}
	vm->stats = kite_file_stats_get(kfile->stats);
	drm_gpuvm_init(&vm->base, "kite", 0, &kdev->drm, root, 0, kdev->va_end + KITE_PAGE_SIZE, 0,
		       0, &kite_gpuvm_ops);
	drm_gem_object_put(root);
	mutex_lock(&kdev->vms_lock);
	list_add_tail(&vm->link, &kdev->vms);
	mutex_unlock(&kdev->vms_lock);
	return vm;
err_context:
	kite_context_free(kdev, vm);
err_entity:
	drm_sched_entity_destroy(&vm->entity);
err_root:
	kite_ptpool_put_root(kdev, vm->owner, &vm->root);
err_charge:
	kite_owner_uncharge(vm->owner, DRM_KITE_RESOURCE_VMS, 1);
err_free:
	kite_owner_put(vm->owner);
	kvfree(vm);
	return ERR_PTR(ret);
}

/* A VM that has this account and that revocation @number has not looked at, referenced, or NULL. */
static struct kite_vm *kite_vm_next_revoked(u32 kind, u64 id, u64 number)
{
	struct kite_vm *vm, *found = NULL;
	struct kite_device *kdev;

	mutex_lock(&kite_devices_lock);
	list_for_each_entry(kdev, &kite_devices, link) {
		mutex_lock(&kdev->vms_lock);
		list_for_each_entry(vm, &kdev->vms, link) {
			if (vm->revoked >= number || !kite_owner_has(vm->owner, kind, id) ||
			    !kref_get_unless_zero(&vm->handle.ref))
				continue;
			vm->revoked = number;
			found = vm;
			break;
		}
		mutex_unlock(&kdev->vms_lock);
		if (found)
			break;
	}
	mutex_unlock(&kite_devices_lock);
	return found;
}

/**
 * kite_vms_revoke() - an account has lost rights: remove what is mapped without them
 * @kind: enum drm_kite_account_kind
 * @id: whose
 *
 * Binds that start after the loss see it; so a VM that was looked at stays clean.
 *
 * Return: 0, -ENOMEM, -ERESTARTSYS.
 */
int kite_vms_revoke(u32 kind, u64 id)
{
	static atomic64_t last;
	u64 number = atomic64_inc_return(&last);
	struct kite_vm *vm;
	int ret = 0;

	while (!ret && (vm = kite_vm_next_revoked(kind, id, number)))
		ret = kite_vm_revoke(vm);
	return ret;
}

/** kite_ioctl_vm_create() - DRM_IOCTL_KITE_VM_CREATE */
int kite_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct kite_file *kfile = file->driver_priv;
	struct drm_kite_vm_create *args = data;
	struct kite_vm *vm;
	int ret;

	if (args->flags)
		return -EINVAL;
	vm = kite_vm_create(to_kite_device(drm), file);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	ret = kite_handle_publish(&kfile->vms, &vm->handle, &args->id);
	if (ret)
		kite_vm_put(vm);
	return ret;
}

/** kite_ioctl_vm_destroy() - DRM_IOCTL_KITE_VM_DESTROY */
int kite_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct kite_file *kfile = file->driver_priv;
	struct drm_kite_vm_destroy *args = data;
	struct kite_handle *handle;

	if (args->pad)
		return -EINVAL;
	handle = xa_erase(&kfile->vms, args->id);
	if (!handle)
		return -ENOENT;
	kite_vm_put(container_of(handle, struct kite_vm, handle));
	return 0;
}

/** kite_ioctl_vm_get_state() - DRM_IOCTL_KITE_VM_GET_STATE */
int kite_ioctl_vm_get_state(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_kite_vm_get_state *args = data;
	struct kite_vm *vm;
	const u32 *record;

	if (args->pad)
		return -EINVAL;
	vm = kite_vm_lookup(file, args->vm_id);
	if (!vm)
		return -ENOENT;
	record = vm->state.record;
	spin_lock_irq(&vm->state.lock);
	args->state = vm->state.state;
	args->queue_id = vm->state.queue_id;
	args->cause = record[KITE_HW_FAULT_RECORD_KIND_DW];
	args->access = (record[KITE_HW_FAULT_RECORD_W3_DW] >> KITE_HW_FAULT_RECORD_WRITE_SHIFT) &
		       KITE_HW_FAULT_RECORD_WRITE_MASK;
	args->address = record[KITE_HW_FAULT_RECORD_ADDRESS_DW] |
			(u64)record[KITE_HW_FAULT_RECORD_ADDRESS_DW + 1] << 32;
	memcpy(args->text, &record[KITE_HW_FAULT_RECORD_TEXT_DW], sizeof(args->text));
	spin_unlock_irq(&vm->state.lock);
	args->text[sizeof(args->text) - 1] = 0;
	kite_vm_put(vm);
	return 0;
}

/** kite_vm_close_all() - a file is closed */
void kite_vm_close_all(struct drm_file *file)
{
	struct kite_file *kfile = file->driver_priv;
	struct kite_handle *handle;
	unsigned long id;

	xa_for_each(&kfile->vms, id, handle)
		kite_vm_put(container_of(handle, struct kite_vm, handle));
	xa_destroy(&kfile->vms);
}
