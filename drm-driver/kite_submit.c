// SPDX-License-Identifier: GPL-2.0
/*
 * QUEUE_SUBMIT: ranges of packets become one job. Its fence goes into the dma_resv of every buffer
 * of the VM, so that none moves or is freed under it; buffers that were evicted since the last
 * submission come back first.
 */
#include <linux/slab.h>

#include <drm/drm_exec.h>

#include "kite_queue.h"
#include "kite_sync.h"
#include "kite_vm.h"

/** struct kite_submit_job - one submission */
struct kite_submit_job {
	/** @base: the job */
	struct kite_job base;
	/** @queue: the queue, referenced */
	struct kite_queue *queue;
	/** @count: ranges */
	u32 count;
	/** @ibs: ranges of packets */
	struct drm_kite_ib ibs[];
};

static struct kite_submit_job *to_submit_job(struct kite_job *job)
{
	return container_of(job, struct kite_submit_job, base);
}

static int kite_submit_run(struct kite_job *base, struct kite_fence *fence)
{
	struct kite_submit_job *job = to_submit_job(base);
	struct kite_queue *queue = job->queue;
	struct kite_ring_entry entry;
	unsigned long flags;
	u32 i;
	int ret;

	if (READ_ONCE(queue->destroyed))
		return -ECANCELED;
	ret = kite_vm_error(queue->vm);
	if (ret)
		return ret;
	ret = kite_ring_begin(base->ring, &flags);
	if (ret)
		return ret;
	fence->vm = queue->vm;
	fence->queue = queue;
	kite_entry_init(&entry, KITE_HW_RING_OP_NOP, 0);
	for (i = 0; i < job->count; i++) {
		u32 more = i + 1 < job->count ? 1u << KITE_HW_RING_ENTRY_MORE_SHIFT : 0;

		kite_entry_init(&entry, KITE_HW_RING_OP_SUBMIT | more, queue->vm->context);
		kite_entry_set64(&entry, KITE_HW_RING_ENTRY_ADDRESS_DW, job->ibs[i].va);
		kite_entry_set64(&entry, KITE_HW_RING_ENTRY_SIZE_DW, job->ibs[i].size / 4);
		if (more)
			kite_ring_push(base->ring, &entry);
	}
	kite_ring_commit(base->ring, &entry, fence, flags);
	return 0;
}

static void kite_submit_free(struct kite_job *base)
{
	struct kite_submit_job *job = to_submit_job(base);

	kite_job_fini(base);
	kite_queue_put(job->queue);
	kfree(job);
}

static const struct kite_job_ops kite_submit_ops = {
	.run = kite_submit_run,
	.free = kite_submit_free,
};

static struct kite_submit_job *kite_submit_create(struct kite_queue *queue, struct drm_file *file,
						  const struct drm_kite_obj_array *array)
{
	const struct kite_device *kdev = queue->ring->kdev;
	struct kite_submit_job *job;
	u32 i;
	int ret = 0;

	if (array->count > min_t(u32, KITE_MAX_IBS, kite_ring_credits(queue->ring)))
		return ERR_PTR(-EINVAL);
	job = kzalloc(struct_size(job, ibs, array->count), GFP_KERNEL);
	if (!job)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < array->count && !ret; i++) {
		struct drm_kite_ib *ib = &job->ibs[i];
		u64 end;

		ret = kite_copy_array(array, i, ib, sizeof(*ib),
				      offsetofend(struct drm_kite_ib, flags));
		if (!ret && (ib->flags || !ib->size || (ib->va | ib->size) % 4 ||
			     ib->va < KITE_VA_START || check_add_overflow(ib->va, ib->size, &end) ||
			     end > kdev->va_end))
			ret = -EINVAL;
	}
	job->count = array->count;
	if (!ret)
		ret = kite_job_init(&job->base, &kite_submit_ops, queue->ring, &queue->entity,
				    max(array->count, 1u), queue, file->client_id);
	if (ret) {
		kfree(job);
		return ERR_PTR(ret);
	}
	kref_get(&queue->handle.ref);
	job->queue = queue;
	return job;
}

static int kite_submit_lock(struct kite_vm *vm, struct drm_exec *exec)
{
	int ret;

	/* Two fences can be added to each: rebinding's and the submission's. */
	drm_exec_until_all_locked(exec) {
		ret = drm_gpuvm_prepare_vm(&vm->base, exec, 2);
		drm_exec_retry_on_contention(exec);
		if (ret)
			return ret;
		ret = drm_gpuvm_prepare_objects(&vm->base, exec, 2);
		drm_exec_retry_on_contention(exec);
		if (ret)
			return ret;
	}
	return 0;
}

/* vm->lock is held. Consumes @job unless it fails. */
static int kite_submit_locked(struct kite_submit_job *job, struct drm_file *file,
			      struct kite_syncs *syncs)
{
	struct kite_vm *vm = job->queue->vm;
	struct dma_fence *fence;
	struct drm_exec exec;
	int ret;

	ret = kite_vm_error(vm);
	if (ret)
		return ret;
	drm_exec_init(&exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 0);
	ret = kite_submit_lock(vm, &exec);
	if (!ret)
		ret = kite_vm_rebind(vm, &exec, file->client_id);
	if (!ret && vm->rebound)
		ret = drm_sched_job_add_dependency(&job->base.base, dma_fence_get(vm->rebound));
	if (!ret) {
		fence = kite_job_arm(&job->base);
		drm_gpuvm_resv_add_fence(&vm->base, &exec, fence, DMA_RESV_USAGE_BOOKKEEP,
					 DMA_RESV_USAGE_BOOKKEEP);
		kite_job_push(&job->base);
		kite_syncs_signal(syncs, fence);
		dma_fence_put(fence);
	}
	drm_exec_fini(&exec);
	/* Eviction met somebody who locks in the other order: start again, as after a signal. */
	return ret == -EDEADLK ? -EAGAIN : ret;
}

/** kite_ioctl_queue_submit() - DRM_IOCTL_KITE_QUEUE_SUBMIT */
int kite_ioctl_queue_submit(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_kite_queue_submit *args = data;
	struct kite_syncs syncs = {};
	struct kite_submit_job *job;
	struct kite_queue *queue;
	int ret;

	if (args->flags)
		return -EINVAL;
	queue = kite_queue_lookup(file, args->queue_id);
	if (!queue)
		return -ENOENT;
	job = kite_submit_create(queue, file, &args->ibs);
	if (IS_ERR(job)) {
		ret = PTR_ERR(job);
		goto out_queue;
	}
	ret = kite_syncs_get(&syncs, file, &args->syncs);
	if (!ret)
		ret = kite_syncs_add_dependencies(&syncs, &job->base.base);
	if (!ret)
		ret = mutex_lock_interruptible(&queue->vm->lock);
	if (!ret) {
		ret = kite_submit_locked(job, file, &syncs);
		mutex_unlock(&queue->vm->lock);
	}
	if (ret)
		kite_submit_free(&job->base);
	kite_syncs_put(&syncs);
out_queue:
	kite_queue_put(queue);
	return ret;
}
