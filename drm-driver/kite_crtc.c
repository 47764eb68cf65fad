// SPDX-License-Identifier: GPL-2.0
/*
 * CRTCs: modes, colour tables, vblanks and their times, CRCs of frames.
 */
#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_color_mgmt.h>
#include <drm/drm_drv.h>
#include <drm/drm_modes.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_vblank.h>

#include "kite_device.h"
#include "kite_kms.h"
#include "kite_pm.h"

#define KITE_LOOKS 4

static void kite_head_irq(struct kite_head *head, u32 event, bool on)
{
	struct drm_device *drm = &head->kdev->drm;
	u32 bit = 1u << event;
	int idx;

	if (on)
		head->irq_enable |= bit;
	else
		head->irq_enable &= ~bit;
	if (!drm_dev_enter(drm, &idx))
		return;
	kite_write(head->kdev, kite_head_reg(head, KITE_HW_REG_HEAD_IRQ_ENABLE), head->irq_enable);
	drm_dev_exit(idx);
}

static int kite_crtc_enable_vblank(struct drm_crtc *crtc)
{
	kite_head_irq(crtc_to_kite_head(crtc), KITE_HW_HEAD_EVENT_VBLANK, true);
	return 0;
}

static void kite_crtc_disable_vblank(struct drm_crtc *crtc)
{
	kite_head_irq(crtc_to_kite_head(crtc), KITE_HW_HEAD_EVENT_VBLANK, false);
}

/* Vblanks so far, over all resets of the device; without one, what was told last. */
static u32 kite_crtc_vblank_counter(struct drm_crtc *crtc)
{
	struct kite_head *head = crtc_to_kite_head(crtc);
	unsigned long flags;
	u32 count;
	int idx;

	spin_lock_irqsave(&head->vblank_lock, flags);
	if (drm_dev_enter(crtc->dev, &idx)) {
		count = readl(kite_head_vram(head, KITE_HEAD_WRITEBACK +
					     KITE_HW_HEAD_WRITEBACK_VBLANK_DW * 4));
		if (count != ~0u && !kite_device_error(head->kdev))
			head->vblank_told = head->vblank_base + count;
		drm_dev_exit(idx);
	}
	count = head->vblank_told;
	spin_unlock_irqrestore(&head->vblank_lock, flags);
	return count;
}

/**
 * kite_vblank_restart() - the device has been reset and begins counting vblanks again
 * @head: the head; drm->event_lock and a drm_dev_enter() section are held
 *
 * What the device tells about the head is zero afterwards.
 */
void kite_vblank_restart(struct kite_head *head)
{
	unsigned long flags;

	spin_lock_irqsave(&head->vblank_lock, flags);
	memset_io(kite_head_vram(head, KITE_HEAD_WRITEBACK), 0, KITE_HW_HEAD_WRITEBACK_DWORDS * 4);
	head->vblank_base = head->vblank_told;
	head->vblank_seen = 0;
	spin_unlock_irqrestore(&head->vblank_lock, flags);
}

/* When the last vblank began: the device says so by its own clock. */
static bool kite_crtc_vblank_time(struct drm_crtc *crtc, int *max_error, ktime_t *time, bool in_irq)
{
	struct kite_head *head = crtc_to_kite_head(crtc);
	u64 stamp = 0;
	int idx, look;

	if (!drm_dev_enter(crtc->dev, &idx))
		return false;
	for (look = 0; look < KITE_LOOKS; look++) {
		void __iomem *back = kite_head_vram(head, KITE_HEAD_WRITEBACK);
		u32 count = readl(back + KITE_HW_HEAD_WRITEBACK_VBLANK_DW * 4);

		stamp = kite_vram_read64(back + KITE_HW_HEAD_WRITEBACK_VBLANK_NS_DW * 4 +
					 (count & 1) * 8);
		if (readl(back + KITE_HW_HEAD_WRITEBACK_VBLANK_DW * 4) == count)
			break;
	}
	drm_dev_exit(idx);
	if (!stamp)
		return false;
	*time = min_t(s64, stamp + READ_ONCE(head->kdev->kms.clock.offset), ktime_get());
	*max_error = 0;
	return true;
}

static const char *const kite_crc_sources[] = { "auto" };

static const char *const *kite_crtc_crc_sources(struct drm_crtc *crtc, size_t *count)
{
	*count = ARRAY_SIZE(kite_crc_sources);
	return kite_crc_sources;
}

static int kite_crtc_verify_crc(struct drm_crtc *crtc, const char *source, size_t *values)
{
	*values = 1;
	return !source || !strcmp(source, "auto") ? 0 : -EINVAL;
}

static int kite_crtc_set_crc_awake(struct drm_crtc *crtc, const char *source)
{
	struct kite_head *head = crtc_to_kite_head(crtc);
	unsigned long flags;
	size_t values;
	int ret, idx;

	ret = kite_crtc_verify_crc(crtc, source, &values);
	if (ret)
		return ret;
	if (!drm_dev_enter(crtc->dev, &idx))
		return -ENODEV;
	/* CRCs are told with vblanks. */
	if (source) {
		ret = drm_crtc_vblank_get(crtc);
		if (ret)
			goto out;
	}
	head->crc_going = false;
	spin_lock_irqsave(&crtc->dev->event_lock, flags);
	head->image[0] &= ~(1u << KITE_HW_HEAD_STATE_ASYNC_SHIFT |
			    1u << KITE_HW_HEAD_STATE_CRC_SHIFT);
	if (source)
		head->image[0] |= 1u << KITE_HW_HEAD_STATE_CRC_SHIFT;
	if (head->image[0] & 1u << KITE_HW_HEAD_STATE_ENABLE_SHIFT)
		kite_head_commit(head);
	spin_unlock_irqrestore(&crtc->dev->event_lock, flags);
	if (!source)
		drm_crtc_vblank_put(crtc);
out:
	drm_dev_exit(idx);
	return ret;
}

static int kite_crtc_set_crc(struct drm_crtc *crtc, const char *source)
{
	struct kite_device *kdev = crtc_to_kite_head(crtc)->kdev;
	int ret = kite_pm_get(kdev);

	if (ret)
		return ret;
	ret = kite_crtc_set_crc_awake(crtc, source);
	kite_pm_put(kdev);
	return ret;
}

static enum drm_mode_status kite_crtc_mode_valid(struct drm_crtc *crtc,
						 const struct drm_display_mode *mode)
{
	int rate = drm_mode_vrefresh(mode);

	if (mode->flags & (DRM_MODE_FLAG_INTERLACE | DRM_MODE_FLAG_DBLSCAN))
		return MODE_BAD;
	return rate >= 1 && rate <= 400 && mode->htotal <= 0xffff && mode->vtotal <= 0xffff ?
		       MODE_OK : MODE_CLOCK_RANGE;
}

static int kite_crtc_atomic_check(struct drm_crtc *crtc, struct kite_atomic_state *state)
{
	struct drm_crtc_state *new = drm_atomic_get_new_crtc_state(state, crtc);

	if (new->gamma_lut && drm_color_lut_size(new->gamma_lut) != KITE_GAMMA_ENTRIES)
		return -EINVAL;
	return 0;
}

static void kite_head_set_gamma(struct kite_head *head, const struct drm_property_blob *blob)
{
	void __iomem *at = kite_head_vram(head, KITE_HEAD_GAMMA);
	const struct drm_color_lut *lut = blob->data;
	u32 i;

	for (i = 0; i < KITE_GAMMA_ENTRIES; i++) {
		writel(lut[i].red | (u32)lut[i].green << 16, at + i * 8);
		writel(lut[i].blue, at + i * 8 + 4);
	}
}

/* The image's own dwords; planes have written theirs. */
static void kite_head_set_mode(struct kite_head *head, const struct drm_crtc_state *state)
{
	const struct drm_display_mode *mode = &state->adjusted_mode;
	u64 gamma = KITE_VRAM_HEADS + head->index * KITE_HEAD_BYTES + KITE_HEAD_GAMMA;
	u32 w0 = head->image[0] & 1u << KITE_HW_HEAD_STATE_CRC_SHIFT;

	w0 |= 1u << KITE_HW_HEAD_STATE_ENABLE_SHIFT;
	if (state->async_flip)
		w0 |= 1u << KITE_HW_HEAD_STATE_ASYNC_SHIFT;
	if (state->gamma_lut)
		w0 |= 1u << KITE_HW_HEAD_STATE_GAMMA_SHIFT;
	head->image[0] = w0;
	head->image[KITE_HW_HEAD_STATE_W1_DW] = mode->hdisplay | (u32)mode->vdisplay << 16;
	head->image[KITE_HW_HEAD_STATE_W2_DW] = mode->htotal | (u32)mode->vtotal << 16;
	head->image[KITE_HW_HEAD_STATE_CLOCK_KHZ_DW] = mode->clock;
	head->image[KITE_HW_HEAD_STATE_GAMMA_ADDRESS_DW] = lower_32_bits(gamma);
	head->image[KITE_HW_HEAD_STATE_GAMMA_ADDRESS_DW + 1] = upper_32_bits(gamma);
}

/* Take the commit's event: it is sent when the device shows the commit. */
static void kite_head_arm_event(struct kite_head *head, struct drm_crtc_state *state, bool works)
{
	if (!state->event)
		return;
	if (works && !WARN_ON(head->event) && !drm_crtc_vblank_get(&head->crtc)) {
		head->event = state->event;
		head->event_commit = head->commit;
	} else {
		drm_crtc_send_vblank_event(&head->crtc, state->event);
	}
	state->event = NULL;
}

static void kite_crtc_atomic_flush(struct drm_crtc *crtc, struct kite_atomic_state *state)
{
	struct drm_crtc_state *new = drm_atomic_get_new_crtc_state(state, crtc);
	struct kite_head *head = crtc_to_kite_head(crtc);
	struct kite_device *kdev = head->kdev;
	unsigned long flags;
	bool works;
	u64 count;
	int idx;

	works = drm_dev_enter(crtc->dev, &idx);
	if (works && new->gamma_lut && (new->color_mgmt_changed || new->active_changed))
		kite_head_set_gamma(head, new->gamma_lut);
	spin_lock_irqsave(&crtc->dev->event_lock, flags);
	kite_head_set_mode(head, new);
	if (works && !kite_device_error(kdev)) {
		kite_head_commit(head);
		/* Vblanks that began before the commit must not be waited for by those who made it. */
		count = drm_crtc_accurate_vblank_count(crtc);
		/* A head that was off, and one that does not wait, show it at once. */
		head->commit_count = new->async_flip || drm_atomic_crtc_needs_modeset(new) ?
					     0 : count + 1;
	} else {
		kite_writeback_end(head, -ENODEV);
	}
	kite_head_arm_event(head, new, works && !kite_device_error(kdev));
	spin_unlock_irqrestore(&crtc->dev->event_lock, flags);
	if (works)
		drm_dev_exit(idx);
}

static void kite_crtc_atomic_enable(struct drm_crtc *crtc, struct kite_atomic_state *state)
{
	/* Commits are awake; a head that shows something stays so. */
	kite_pm_hold(crtc_to_kite_head(crtc)->kdev);
	kite_clock_calibrate(crtc_to_kite_head(crtc)->kdev);
	drm_crtc_vblank_on(crtc);
}

static void kite_crtc_atomic_disable(struct drm_crtc *crtc, struct kite_atomic_state *state)
{
	struct drm_crtc_state *new = drm_atomic_get_new_crtc_state(state, crtc);
	struct kite_head *head = crtc_to_kite_head(crtc);
	unsigned long flags;
	int idx;

	kite_writeback_drain(head);
	drm_crtc_vblank_off(crtc);
	spin_lock_irqsave(&crtc->dev->event_lock, flags);
	kite_head_send_event(head);
	head->image[0] &= 1u << KITE_HW_HEAD_STATE_CRC_SHIFT;
	memset(head->image + 1, 0, sizeof(head->image) - sizeof(head->image[0]));
	if (drm_dev_enter(crtc->dev, &idx)) {
		if (!kite_device_error(head->kdev))
			kite_head_commit(head);
		drm_dev_exit(idx);
	}
	if (new->event && !new->active) {
		drm_crtc_send_vblank_event(crtc, new->event);
		new->event = NULL;
	}
	spin_unlock_irqrestore(&crtc->dev->event_lock, flags);
	kite_pm_put(head->kdev);
}

static const struct drm_crtc_helper_funcs kite_crtc_helpers = {
	.mode_valid = kite_crtc_mode_valid,
	.atomic_check = kite_crtc_atomic_check,
	.atomic_flush = kite_crtc_atomic_flush,
	.atomic_enable = kite_crtc_atomic_enable,
	.atomic_disable = kite_crtc_atomic_disable,
};

static const struct drm_crtc_funcs kite_crtc_funcs = {
	.reset = drm_atomic_helper_crtc_reset,
	.destroy = drm_crtc_cleanup,
	.set_config = drm_atomic_helper_set_config,
	.page_flip = drm_atomic_helper_page_flip,
	.atomic_duplicate_state = drm_atomic_helper_crtc_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_crtc_destroy_state,
	.enable_vblank = kite_crtc_enable_vblank,
	.disable_vblank = kite_crtc_disable_vblank,
	.get_vblank_counter = kite_crtc_vblank_counter,
	.get_vblank_timestamp = kite_crtc_vblank_time,
	.get_crc_sources = kite_crtc_crc_sources,
	.verify_crc_source = kite_crtc_verify_crc,
	.set_crc_source = kite_crtc_set_crc,
};

/** kite_crtc_init() - make a head's CRTC; its planes are there */
int kite_crtc_init(struct kite_head *head)
{
	struct drm_crtc *crtc = &head->crtc;
	int ret;

	ret = drm_crtc_init_with_planes(&head->kdev->drm, crtc,
					&head->planes[KITE_HW_PLANE_INDEX_PRIMARY],
					&head->planes[KITE_HW_PLANE_INDEX_CURSOR],
					&kite_crtc_funcs, NULL);
	if (ret)
		return ret;
	drm_crtc_helper_add(crtc, &kite_crtc_helpers);
	drm_mode_crtc_set_gamma_size(crtc, KITE_GAMMA_ENTRIES);
	drm_crtc_enable_color_mgmt(crtc, 0, false, KITE_GAMMA_ENTRIES);
	return 0;
}
