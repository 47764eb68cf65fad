// SPDX-License-Identifier: GPL-2.0
/*
 * Writeback connectors: a head's finished frame, written into a framebuffer.
 *
 * A job is the writeback plane of the commit that carries it. The device writes the frame after the
 * commit took effect and tells so by the commit's number. A commit that overtakes one that has not
 * taken effect carries the job in its place. There is one job at a time on a head: a commit with
 * another one waits for it, as does turning the head off.
 */
#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_edid.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_probe_helper.h>
#include <drm/drm_writeback.h>

#include "kite_bo.h"
#include "kite_device.h"
#include "kite_kms.h"

/* A frame lasts at most a second; composing it in software takes a while, too. */
#define KITE_WRITEBACK_MS 5000

static const u32 kite_writeback_formats[] = {
	DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888,    DRM_FORMAT_XBGR8888,
	DRM_FORMAT_ABGR8888, DRM_FORMAT_XRGB2101010, DRM_FORMAT_RGB565,
};

static struct kite_head *writeback_to_kite_head(struct drm_writeback_connector *writeback)
{
	return container_of(writeback, struct kite_head, writeback);
}

static u32 *kite_writeback_image(struct kite_head *head)
{
	return head->image + KITE_HW_HEAD_STATE_PLANES_DW +
	       KITE_HW_PLANE_INDEX_WRITEBACK * KITE_HW_PLANE_STATE_DWORDS;
}

/**
 * kite_writeback_end() - the job under way ends with a result
 * @head: the head; drm->event_lock is held
 * @result: 0, or a negative error for the fence
 */
void kite_writeback_end(struct kite_head *head, int result)
{
	if (!head->writing)
		return;
	memset(kite_writeback_image(head), 0, KITE_HW_PLANE_STATE_DWORDS * 4);
	head->writing = false;
	drm_writeback_signal_completion(&head->writeback, result);
	wake_up_all(&head->written);
}

/**
 * kite_writeback_drain() - wait until no frame of a head is being written
 * @head: the head; nothing is locked
 */
void kite_writeback_drain(struct kite_head *head)
{
	struct drm_device *drm = &head->kdev->drm;
	unsigned long flags;

	if (wait_event_timeout(head->written, !READ_ONCE(head->writing),
			       msecs_to_jiffies(KITE_WRITEBACK_MS)))
		return;
	drm_err(drm, "head %u: the frame was not written\n", head->index);
	spin_lock_irqsave(&drm->event_lock, flags);
	kite_writeback_end(head, -ETIMEDOUT);
	spin_unlock_irqrestore(&drm->event_lock, flags);
}

static int kite_writeback_get_modes(struct drm_connector *connector)
{
	return drm_add_modes_noedid(connector, KITE_FALLBACK_WIDTH, KITE_FALLBACK_HEIGHT);
}

static int kite_writeback_prepare_job(struct drm_writeback_connector *writeback,
				      struct drm_writeback_job *job)
{
	return job->fb ? kite_scanout_pin(job->fb->obj[0]) : 0;
}

static void kite_writeback_cleanup_job(struct drm_writeback_connector *writeback,
				       struct drm_writeback_job *job)
{
	if (job->fb)
		kite_scanout_unpin(job->fb->obj[0]);
}

static int kite_writeback_atomic_check(struct drm_connector *connector,
				       struct kite_atomic_state *state)
{
	struct drm_connector_state *new = drm_atomic_get_new_connector_state(state, connector);
	struct drm_framebuffer *fb;
	struct drm_crtc_state *crtc;
	u32 i;

	if (!new->crtc || !new->writeback_job || !new->writeback_job->fb)
		return 0;
	crtc = drm_atomic_get_new_crtc_state(state, new->crtc);
	fb = new->writeback_job->fb;
	if (!crtc || !crtc->active || fb->width != crtc->mode.hdisplay ||
	    fb->height != crtc->mode.vdisplay)
		return -EINVAL;
	/* A copy of somebody else's memory would be written, not the memory. */
	if (kite_compat_is_imported(fb->obj[0]))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(kite_writeback_formats); i++)
		if (fb->format->format == kite_writeback_formats[i])
			return 0;
	return -EINVAL;
}

/* Before the planes: kite_crtc_atomic_flush() hands the job over with them. */
static void kite_writeback_atomic_commit(struct drm_connector *connector,
					 struct kite_atomic_state *state)
{
	struct drm_connector_state *new = drm_atomic_get_new_connector_state(state, connector);
	struct drm_writeback_connector *writeback = drm_connector_to_writeback(connector);
	struct kite_head *head = writeback_to_kite_head(writeback);
	struct drm_device *drm = connector->dev;
	u32 fresh[KITE_HW_PLANE_STATE_DWORDS] = {};
	struct drm_framebuffer *fb;
	unsigned long flags;

	if (!new->writeback_job || !new->writeback_job->fb)
		return;
	kite_writeback_drain(head);
	fb = new->writeback_job->fb;
	kite_plane_set_memory(fresh, fb);
	fresh[KITE_HW_PLANE_STATE_W8_DW] = fb->width | fb->height << 16;
	spin_lock_irqsave(&drm->event_lock, flags);
	memcpy(kite_writeback_image(head), fresh, sizeof(fresh));
	drm_writeback_queue_job(writeback, new);
	head->writing = true;
	head->writing_commit = head->commit + 1;
	spin_unlock_irqrestore(&drm->event_lock, flags);
}

/**
 * kite_writeback_hand_over() - the head's image is about to become the commit head->commit
 * @head: the head; drm->event_lock is held
 * @latched: number of the last commit that took effect
 */
void kite_writeback_hand_over(struct kite_head *head, u32 latched)
{
	u32 *image = kite_writeback_image(head);

	if (!head->writing || !image[0])
		return;
	/* A frame that has begun is the one that was asked for; one that has not is this one. */
	if ((s32)(latched - head->writing_commit) >= 0)
		memset(image, 0, KITE_HW_PLANE_STATE_DWORDS * 4);
	else
		head->writing_commit = head->commit;
}

/**
 * kite_writeback_look() - see whether the device has written the frame
 * @head: the head; drm->event_lock is held
 * @written: number of the last commit whose frame was written
 * @refused: number of the last commit that was refused
 */
void kite_writeback_look(struct kite_head *head, u32 written, u32 refused)
{
	if (!head->writing)
		return;
	if ((s32)(written - head->writing_commit) >= 0)
		kite_writeback_end(head, 0);
	else if (refused == head->writing_commit)
		kite_writeback_end(head, -EIO);
}

static const struct drm_connector_helper_funcs kite_writeback_helpers = {
	.get_modes = kite_writeback_get_modes,
	.atomic_check = kite_writeback_atomic_check,
	.atomic_commit = kite_writeback_atomic_commit,
	.prepare_writeback_job = kite_writeback_prepare_job,
	.cleanup_writeback_job = kite_writeback_cleanup_job,
};

static const struct drm_connector_funcs kite_writeback_funcs = {
	.reset = drm_atomic_helper_connector_reset,
	.fill_modes = drm_helper_probe_single_connector_modes,
	.destroy = drm_connector_cleanup,
	.atomic_duplicate_state = drm_atomic_helper_connector_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_connector_destroy_state,
};

/** kite_writeback_init() - make a head's writeback connector; its CRTC and encoder are there */
int kite_writeback_init(struct kite_head *head)
{
	struct drm_device *drm = &head->kdev->drm;
	struct drm_encoder *encoder = &head->writeback.encoder;
	int ret;

	init_waitqueue_head(&head->written);
	drm_connector_helper_add(&head->writeback.base, &kite_writeback_helpers);
	ret = drm_writeback_connector_init(drm, &head->writeback, &kite_writeback_funcs, NULL,
					   kite_writeback_formats,
					   ARRAY_SIZE(kite_writeback_formats),
					   drm_crtc_mask(&head->crtc));
	if (ret)
		return ret;
	/* What a monitor shows may be written at the same time. */
	head->encoder.possible_clones = drm_encoder_mask(&head->encoder) |
					drm_encoder_mask(encoder);
	encoder->possible_clones = head->encoder.possible_clones;
	return 0;
}
