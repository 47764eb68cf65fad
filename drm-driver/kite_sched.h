/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Jobs: what the DRM scheduler hands to a ring.
 *
 * A job is made and armed in an ioctl, where memory may be allocated and locks taken; its run hook is
 * in the fence-signalling path and does neither. It is freed by the scheduler once its fence has
 * signalled, in process context.
 */
#ifndef _KITE_SCHED_H_
#define _KITE_SCHED_H_

#include <drm/gpu_scheduler.h>

#include "kite_ring.h"

struct kite_job;

/** struct kite_job_ops - what differs between kinds of jobs */
struct kite_job_ops {
	/**
	 * @run: write the job's entries between kite_ring_begin() and kite_ring_commit(), which
	 * consumes @fence. Returns 0 or the error the job ends with; then @fence is not consumed.
	 */
	int (*run)(struct kite_job *job, struct kite_fence *fence);
	/** @free: free the job and what it holds; process context */
	void (*free)(struct kite_job *job);
};

/** struct kite_job - common part of all jobs */
struct kite_job {
	/** @base: the scheduler's part */
	struct drm_sched_job base;
	/** @ops: the kind of job */
	const struct kite_job_ops *ops;
	/** @ring: where it runs */
	struct kite_ring *ring;
	/** @fence: memory for the hardware fence until the job runs */
	struct kite_fence *fence;
};

int kite_job_init(struct kite_job *job, const struct kite_job_ops *ops, struct kite_ring *ring,
		  struct drm_sched_entity *entity, u32 credits, void *owner, u64 client);
void kite_job_fini(struct kite_job *job);
struct dma_fence *kite_job_arm(struct kite_job *job);
void kite_job_push(struct kite_job *job);

int kite_sched_init(struct kite_device *kdev);
void kite_sched_fini(struct kite_device *kdev);
enum drm_gpu_sched_stat kite_reset_timedout(struct drm_sched_job *sched_job);

#endif /* _KITE_SCHED_H_ */
