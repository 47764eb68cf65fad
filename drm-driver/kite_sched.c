// SPDX-License-Identifier: GPL-2.0
/*
 * One DRM scheduler per ring; jobs of all kinds.
 */
#include "kite_sched.h"

#include "kite_device.h"
#include "kite_pm.h"

static struct kite_job *to_kite_job(struct drm_sched_job *job)
{
	return container_of(job, struct kite_job, base);
}

/**
 * kite_job_init() - initialise the common part
 * @job: zeroed job
 * @ops: its kind
 * @ring: where it runs
 * @entity: the scheduler's queue
 * @credits: ring entries it writes
 * @owner: for debugging
 * @client: DRM client id, for traces
 *
 * Return: 0, -ENOMEM or -ENOENT; on error nothing needs to be undone.
 */
int kite_job_init(struct kite_job *job, const struct kite_job_ops *ops, struct kite_ring *ring,
		  struct drm_sched_entity *entity, u32 credits, void *owner, u64 client)
{
	int ret;

	job->ops = ops;
	job->ring = ring;
	job->fence = kite_fence_alloc();
	if (!job->fence)
		return -ENOMEM;
	ret = kite_compat_job_init(&job->base, entity, credits, owner, client);
	if (ret) {
		kite_fence_discard(job->fence);
		job->fence = NULL;
	}
	return ret;
}

/**
 * kite_job_fini() - undo kite_job_init(), armed or not
 * @job: the job
 *
 * The scheduler's fence keeps the hardware fence for as long as anybody holds it, an idle entity for
 * instance, and the hardware fence keeps the module loaded. Once the former has signalled nobody looks
 * at the latter any more.
 */
void kite_job_fini(struct kite_job *job)
{
	struct drm_sched_fence *s_fence = job->base.s_fence;

	if (s_fence && s_fence->parent && dma_fence_is_signaled(&s_fence->finished)) {
		struct dma_fence *hw = s_fence->parent;

		s_fence->parent = NULL;
		dma_fence_put(hw);
	}
	drm_sched_job_cleanup(&job->base);
	kite_fence_discard(job->fence);
	job->fence = NULL;
}

/**
 * kite_job_arm() - no way back
 * @job: the job
 *
 * The hardware is awake (kite_pm_get()), and stays so until the job is freed.
 *
 * Return: reference of the job's completion.
 */
struct dma_fence *kite_job_arm(struct kite_job *job)
{
	atomic_inc(&job->ring->kdev->jobs);
	kite_pm_hold(job->ring->kdev);
	drm_sched_job_arm(&job->base);
	return dma_fence_get(&job->base.s_fence->finished);
}

/** kite_job_push() - let it run when its dependencies are done; @job is no longer the caller's */
void kite_job_push(struct kite_job *job)
{
	drm_sched_entity_push_job(&job->base);
}

static struct dma_fence *kite_sched_run_job(struct drm_sched_job *sched_job)
{
	struct kite_job *job = to_kite_job(sched_job);
	struct kite_fence *fence = job->fence;
	bool cookie;
	int ret, idx;

	if (sched_job->s_fence->finished.error)
		return ERR_PTR(sched_job->s_fence->finished.error);
	if (!drm_dev_enter(&job->ring->kdev->drm, &idx))
		return ERR_PTR(-ENODEV);
	/* Lockdep watches that running waits for nothing that waits for fences or memory. */
	cookie = dma_fence_begin_signalling();
	ret = job->ops->run(job, fence);
	dma_fence_end_signalling(cookie);
	drm_dev_exit(idx);
	if (ret)
		return ERR_PTR(ret);
	job->fence = NULL;
	return &fence->base;
}

static void kite_sched_free_job(struct drm_sched_job *sched_job)
{
	struct kite_job *job = to_kite_job(sched_job);

	/* Freeing the job can end the device. */
	atomic_dec(&job->ring->kdev->jobs);
	kite_pm_put(job->ring->kdev);
	job->ops->free(job);
}

static const struct drm_sched_backend_ops kite_sched_ops = {
	.run_job = kite_sched_run_job,
	.timedout_job = kite_reset_timedout,
	.free_job = kite_sched_free_job,
};

/** kite_sched_init() - start the schedulers and the driver's own entity on the copy ring */
int kite_sched_init(struct kite_device *kdev)
{
	struct drm_gpu_scheduler *copy;
	u32 i;
	int ret;

	kdev->reset_wq = alloc_ordered_workqueue("kite-reset", 0);
	if (!kdev->reset_wq)
		return -ENOMEM;
	for (i = 0; i < kdev->nr_rings; i++) {
		struct kite_ring *ring = &kdev->rings[i];

		ret = kite_compat_sched_init(&ring->sched, &kite_sched_ops, kdev->reset_wq,
					     kite_ring_credits(ring),
					     msecs_to_jiffies(kite_job_timeout_ms), ring->name,
					     kdev->drm.dev);
		if (ret)
			goto err;
		ring->sched_ready = true;
	}
	copy = &kdev->ring_of_class[KITE_HW_RING_CLASS_COPY]->sched;
	ret = drm_sched_entity_init(&kdev->copy_entity, DRM_SCHED_PRIORITY_KERNEL, &copy, 1, NULL);
	if (ret)
		goto err;
	kdev->copy_ready = true;
	return 0;
err:
	kite_sched_fini(kdev);
	return ret;
}

#define KITE_DRAIN_TIMEOUT_MS 2000

/* Jobs that have ended are freed by a work item of the scheduler, which stopping would cancel. */
static void kite_sched_drain(struct drm_gpu_scheduler *sched)
{
	unsigned long end = jiffies + msecs_to_jiffies(KITE_DRAIN_TIMEOUT_MS);
	bool empty;

	do {
		spin_lock(&sched->job_list_lock);
		empty = list_empty(&sched->pending_list);
		spin_unlock(&sched->job_list_lock);
		if (empty)
			return;
		msleep(1);
	} while (time_before(jiffies, end));
}

/** kite_sched_fini() - stop the schedulers; nobody has jobs any more */
void kite_sched_fini(struct kite_device *kdev)
{
	u32 i;

	if (kdev->copy_ready)
		drm_sched_entity_destroy(&kdev->copy_entity);
	kdev->copy_ready = false;
	for (i = 0; i < kdev->nr_rings; i++) {
		if (!kdev->rings[i].sched_ready)
			continue;
		kite_sched_drain(&kdev->rings[i].sched);
		drm_sched_fini(&kdev->rings[i].sched);
		kdev->rings[i].sched_ready = false;
	}
	if (kdev->reset_wq)
		destroy_workqueue(kdev->reset_wq);
	kdev->reset_wq = NULL;
}
