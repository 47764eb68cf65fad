/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queues: an entity on the scheduler of a ring, tied to a VM.
 *
 * Lifetime: referenced by the handle and by every job. A destroyed queue still ends the jobs it has,
 * those that have not started with ECANCELED; the last one's reference frees it.
 */
#ifndef _KITE_QUEUE_H_
#define _KITE_QUEUE_H_

#include <drm/gpu_scheduler.h>

#include "kite_device.h"
#include "kite_handle.h"

/** struct kite_queue - an in-order queue */
struct kite_queue {
	/** @handle: number in its file; referenced by jobs, too */
	struct kite_handle handle;
	/** @vm: the VM, referenced */
	struct kite_vm *vm;
	/** @ring: where it runs */
	struct kite_ring *ring;
	/** @entity: its jobs */
	struct drm_sched_entity entity;
	/** @destroyed: jobs that have not started end with ECANCELED */
	bool destroyed;
	/** @guilty: its work caused the ban of its VM */
	bool guilty;
	/** @release: frees the queue */
	struct work_struct release;
};

struct kite_queue *kite_queue_lookup(struct drm_file *file, u32 id);
void kite_queue_put(struct kite_queue *queue);
u32 kite_queue_blame(struct kite_queue *queue);
void kite_queue_close_all(struct drm_file *file);

int kite_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file);
int kite_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int kite_ioctl_queue_submit(struct drm_device *drm, void *data, struct drm_file *file);
int kite_ioctl_queue_get_state(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _KITE_QUEUE_H_ */
