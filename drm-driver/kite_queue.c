// SPDX-License-Identifier: GPL-2.0
/*
 * Queues: creation, destruction, state.
 */
#include "kite_queue.h"

#include <linux/capability.h>
#include <linux/slab.h>

#include <drm/drm_auth.h>

#include "kite_vm.h"

static struct kite_queue *to_kite_queue(struct kite_handle *handle)
{
	return container_of(handle, struct kite_queue, handle);
}

static void kite_queue_release_work(struct work_struct *work)
{
	struct kite_queue *queue = container_of(work, struct kite_queue, release);

	/* Every job holds a reference, so the entity is idle. */
	drm_sched_entity_destroy(&queue->entity);
	kite_owner_uncharge(queue->vm->owner, DRM_KITE_RESOURCE_QUEUES, 1);
	kite_vm_put(queue->vm);
	kfree(queue);
}

static void kite_queue_release(struct kref *ref)
{
	struct kite_queue *queue = container_of(ref, struct kite_queue, handle.ref);

	queue_work(kite_wq, &queue->release);
}

/** kite_queue_put() - one reference less; any context */
void kite_queue_put(struct kite_queue *queue)
{
	kref_put(&queue->handle.ref, kite_queue_release);
}

/** kite_queue_lookup() - the queue of an id, referenced, or NULL */
struct kite_queue *kite_queue_lookup(struct drm_file *file, u32 id)
{
	struct kite_file *kfile = file->driver_priv;
	struct kite_handle *handle = kite_handle_lookup(&kfile->queues, id);

	return handle ? to_kite_queue(handle) : NULL;
}

/** kite_queue_blame() - its work caused a fault; returns its id; any context */
u32 kite_queue_blame(struct kite_queue *queue)
{
	WRITE_ONCE(queue->guilty, true);
	return queue->handle.id;
}

static const enum drm_sched_priority kite_priorities[] = {
	[DRM_KITE_PRIORITY_LOW] = DRM_SCHED_PRIORITY_LOW,
	[DRM_KITE_PRIORITY_NORMAL] = DRM_SCHED_PRIORITY_NORMAL,
	[DRM_KITE_PRIORITY_HIGH] = DRM_SCHED_PRIORITY_HIGH,
};

static const u32 kite_queue_classes[] = {
	[DRM_KITE_QUEUE_GRAPHICS] = KITE_HW_RING_CLASS_GRAPHICS,
	[DRM_KITE_QUEUE_COMPUTE] = KITE_HW_RING_CLASS_COMPUTE,
	[DRM_KITE_QUEUE_COPY] = KITE_HW_RING_CLASS_COPY,
};

/** kite_ioctl_queue_create() - DRM_IOCTL_KITE_QUEUE_CREATE */
int kite_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct kite_device *kdev = to_kite_device(drm);
	struct kite_file *kfile = file->driver_priv;
	struct drm_kite_queue_create *args = data;
	struct drm_gpu_scheduler *sched;
	struct kite_queue *queue;
	struct kite_ring *ring;
	int ret;

	if (args->flags || args->pad || args->priority >= ARRAY_SIZE(kite_priorities) ||
	    args->queue_class >= ARRAY_SIZE(kite_queue_classes))
		return -EINVAL;
	ring = kdev->ring_of_class[kite_queue_classes[args->queue_class]];
	if (!ring)
		return -EINVAL;
	if (args->priority > DRM_KITE_PRIORITY_NORMAL && !capable(CAP_SYS_NICE) &&
	    !drm_is_current_master(file))
		return -EACCES;

	queue = kzalloc(sizeof(*queue), GFP_KERNEL);
	if (!queue)
		return -ENOMEM;
	kref_init(&queue->handle.ref);
	INIT_WORK(&queue->release, kite_queue_release_work);
	queue->ring = ring;
	queue->vm = kite_vm_lookup(file, args->vm_id);
	if (!queue->vm) {
		ret = -ENOENT;
		goto err_free;
	}
	ret = kite_vm_error(queue->vm);
	if (ret)
		goto err_vm;
	ret = kite_owner_charge(queue->vm->owner, DRM_KITE_RESOURCE_QUEUES, 1);
	if (ret)
		goto err_vm;
	sched = &ring->sched;
	ret = drm_sched_entity_init(&queue->entity, kite_priorities[args->priority], &sched, 1,
				    NULL);
	if (ret)
		goto err_charge;
	ret = kite_handle_publish(&kfile->queues, &queue->handle, &args->id);
	if (ret)
		kite_queue_put(queue);
	return ret;
err_charge:
	kite_owner_uncharge(queue->vm->owner, DRM_KITE_RESOURCE_QUEUES, 1);
err_vm:
	kite_vm_put(queue->vm);
err_free:
	kfree(queue);
	return ret;
}

/* No handle names it any more: jobs that have not reached the ring end with ECANCELED. */
static void kite_queue_close(struct kite_queue *queue)
{
	WRITE_ONCE(queue->destroyed, true);
	kite_queue_put(queue);
}

/** kite_ioctl_queue_destroy() - DRM_IOCTL_KITE_QUEUE_DESTROY */
int kite_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct kite_file *kfile = file->driver_priv;
	struct drm_kite_queue_destroy *args = data;
	struct kite_handle *handle;

	if (args->pad)
		return -EINVAL;
	handle = xa_erase(&kfile->queues, args->id);
	if (!handle)
		return -ENOENT;
	kite_queue_close(to_kite_queue(handle));
	return 0;
}

/** kite_ioctl_queue_get_state() - DRM_IOCTL_KITE_QUEUE_GET_STATE */
int kite_ioctl_queue_get_state(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_kite_queue_get_state *args = data;
	struct kite_queue *queue;

	if (args->pad)
		return -EINVAL;
	queue = kite_queue_lookup(file, args->id);
	if (!queue)
		return -ENOENT;
	args->reset_count = atomic_read(&queue->ring->reset_count) +
			    atomic_read(&queue->ring->kdev->reset_count);
	if (kite_device_error(queue->ring->kdev))
		args->state = DRM_KITE_QUEUE_LOST;
	else if (READ_ONCE(queue->guilty))
		args->state = DRM_KITE_QUEUE_GUILTY;
	else if (kite_vm_fence_error(queue->vm))
		args->state = DRM_KITE_QUEUE_INNOCENT;
	else
		args->state = DRM_KITE_QUEUE_OK;
	kite_queue_put(queue);
	return 0;
}

/** kite_queue_close_all() - a file is closed */
void kite_queue_close_all(struct drm_file *file)
{
	struct kite_file *kfile = file->driver_priv;
	struct kite_handle *handle;
	unsigned long id;

	xa_for_each(&kfile->queues, id, handle)
		kite_queue_close(to_kite_queue(handle));
	xa_destroy(&kfile->queues);
}
