// SPDX-License-Identifier: GPL-2.0
/*
 * Modesetting as a whole: framebuffers, commits, the display interrupt, monitors that come and go.
 *
 * A commit is one register write after the HeadState was written; the device tells in the
 * write-back which commit it shows, so a flip is done when it really is. Nothing here waits for the
 * hardware but the atomic helpers' own bounded waits.
 */
#include "kite_kms.h"

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_debugfs_crc.h>
#include <drm/drm_drv.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_probe_helper.h>

#include "kite_bo.h"
#include "kite_device.h"
#include "kite_pm.h"
#include "uapi/kite_drm.h"

#define KITE_LONGEST_EDGE 8192
#define KITE_CURSOR_EDGE 256
#define KITE_POLL_SECONDS 10
#define KITE_MOST_CRCS_MISSED 60
/* Vblanks between two looks at how the device's clock and ours differ */
#define KITE_CALIBRATE_VBLANKS 128

/** kite_head_reg() - a head's own register */
u32 kite_head_reg(struct kite_head *head, u32 reg)
{
	return reg + head->index * KITE_HW_REG_HEAD_STATUS_STRIDE;
}

/** kite_head_vram() - a byte of the VRAM that driver and device share about a head */
void __iomem *kite_head_vram(struct kite_head *head, u32 at)
{
	return head->kdev->vram_map + KITE_VRAM_HEADS + head->index * KITE_HEAD_BYTES + at;
}

static u32 kite_head_read(struct kite_head *head, u32 dword)
{
	return readl(kite_head_vram(head, KITE_HEAD_WRITEBACK + dword * 4));
}

/**
 * kite_head_commit() - let the head's image take effect
 * @head: the head; drm->event_lock and a drm_dev_enter() section are held
 */
void kite_head_commit(struct kite_head *head)
{
	struct kite_device *kdev = head->kdev;

	if (!++head->commit)
		head->commit = 1;
	kite_writeback_hand_over(head, kite_head_read(head, KITE_HW_HEAD_WRITEBACK_LATCHED_DW));
	memcpy_toio(kite_head_vram(head, KITE_HEAD_STATE), head->image, sizeof(head->image));
	/* writel() orders the state before the register. */
	kite_write(kdev, kite_head_reg(head, KITE_HW_REG_HEAD_COMMIT), head->commit);
	/* Pushes the write: the device has read the state when this returns. */
	kite_read(kdev, kite_head_reg(head, KITE_HW_REG_HEAD_VBLANK));
}

static u64 kite_head_frame_ns(const struct kite_head *head)
{
	u32 total = head->image[KITE_HW_HEAD_STATE_W2_DW];
	u32 clock = head->image[KITE_HW_HEAD_STATE_CLOCK_KHZ_DW];

	return clock ? div_u64((u64)(total & 0xffff) * (total >> 16) * USEC_PER_SEC, clock) : 0;
}

/*
 * A flip of which nobody heard in time happened some vblanks ago: when the device latches a commit
 * is known when it is made. DRM's own function would tell the last vblank instead.
 */
static void kite_head_send_late(struct kite_head *head, u64 count, u64 late, ktime_t last)
{
	struct drm_pending_vblank_event *event = head->event;
	ktime_t time = ktime_sub_ns(last, late * kite_head_frame_ns(head));
	struct timespec64 stamp = ktime_to_timespec64(time);

	event->pipe = drm_crtc_index(&head->crtc);
	event->event.vbl.sequence = (u32)count;
	event->event.vbl.tv_sec = (u32)stamp.tv_sec;
	event->event.vbl.tv_usec = (u32)(stamp.tv_nsec / NSEC_PER_USEC);
	drm_send_event_timestamp_locked(&head->kdev->drm, &event->base, time);
}

/** kite_head_send_event() - the flip that is waited for is done; drm->event_lock is held */
void kite_head_send_event(struct kite_head *head)
{
	u64 count = head->commit_count, now;
	ktime_t last;

	if (!head->event)
		return;
	now = drm_crtc_vblank_count_and_time(&head->crtc, &last);
	if (count && count < now && last)
		kite_head_send_late(head, count, now - count, last);
	else
		drm_crtc_send_vblank_event(&head->crtc, head->event);
	head->event = NULL;
	drm_crtc_vblank_put(&head->crtc);
}

static void kite_head_latched(struct kite_head *head, u32 latched)
{
	struct drm_device *drm = &head->kdev->drm;
	unsigned long flags;
	u32 refused;

	spin_lock_irqsave(&drm->event_lock, flags);
	refused = kite_head_read(head, KITE_HW_HEAD_WRITEBACK_REFUSED_DW);
	if (head->event && (s32)(latched - head->event_commit) >= 0) {
		if (refused == head->event_commit)
			drm_err_ratelimited(drm, "head %u: state refused\n", head->index);
		kite_head_send_event(head);
	}
	kite_writeback_look(head, kite_head_read(head, KITE_HW_HEAD_WRITEBACK_WRITTEN_DW), refused);
	spin_unlock_irqrestore(&drm->event_lock, flags);
}

/*
 * A frame's CRC. Frames of which none was heard, because nobody had time, are told as well: who
 * reads CRCs counts frames. Those before the last commit took effect showed the picture of the CRC
 * before, those after it this one. Not behind the first one.
 */
static void kite_head_crc(struct kite_head *head)
{
	u32 now = kite_head_read(head, KITE_HW_HEAD_WRITEBACK_CRC_VBLANK_DW);
	u32 missed = now - head->crc_seen - 1;
	u32 vblank, frame, crc, i;
	unsigned long flags;
	u64 count;

	if (now == head->crc_seen)
		return;
	if (!head->crc_going || missed > KITE_MOST_CRCS_MISSED)
		missed = 0;
	head->crc_seen = now;
	head->crc_going = true;
	crc = kite_head_read(head, KITE_HW_HEAD_WRITEBACK_CRC_DW);
	do {
		vblank = kite_head_read(head, KITE_HW_HEAD_WRITEBACK_VBLANK_DW);
		frame = (u32)drm_crtc_accurate_vblank_count(&head->crtc);
	} while (vblank != kite_head_read(head, KITE_HW_HEAD_WRITEBACK_VBLANK_DW));
	/* The next vblank may have begun already. */
	frame -= vblank - now;
	spin_lock_irqsave(&head->kdev->drm.event_lock, flags);
	count = head->commit_count;
	spin_unlock_irqrestore(&head->kdev->drm.event_lock, flags);
	for (i = missed; i > 0; i--) {
		bool before = count && (s32)(frame - i - (u32)count) <= 0;

		drm_crtc_add_crc_entry(&head->crtc, true, frame - i,
				       before ? &head->crc_last : &crc);
	}
	drm_crtc_add_crc_entry(&head->crtc, true, frame, &crc);
	head->crc_last = crc;
}

/** kite_kms_irq() - the display source's interrupt; in a drm_dev_enter() section */
void kite_kms_irq(struct kite_device *kdev)
{
	u32 i, now, latched;

	for (i = 0; i < kdev->kms.nr_heads; i++) {
		struct kite_head *head = &kdev->kms.heads[i];

		/* Before the vblanks: an event must not come with the number of the one before. */
		latched = kite_head_read(head, KITE_HW_HEAD_WRITEBACK_LATCHED_DW);
		now = kite_head_read(head, KITE_HW_HEAD_WRITEBACK_VBLANK_DW);
		if (now != head->vblank_seen) {
			if (now / KITE_CALIBRATE_VBLANKS !=
			    head->vblank_seen / KITE_CALIBRATE_VBLANKS)
				schedule_work(&kdev->kms.clock.work);
			head->vblank_seen = now;
			drm_crtc_handle_vblank(&head->crtc);
		}
		kite_head_crc(head);
		kite_head_latched(head, latched);
		now = kite_head_read(head, KITE_HW_HEAD_WRITEBACK_CONNECTOR_DW);
		if (now != head->connector_seen) {
			head->connector_seen = now;
			schedule_work(&kdev->kms.hotplug);
		}
	}
}

static void kite_kms_hotplug(struct work_struct *work)
{
	struct kite_device *kdev = container_of(work, struct kite_device, kms.hotplug);
	int idx;

	if (!drm_dev_enter(&kdev->drm, &idx))
		return;
	drm_helper_hpd_irq_event(&kdev->drm);
	drm_dev_exit(idx);
}

/* Enabling interrupts on waking makes the device tell what it held back; then it may sleep on. */
static void kite_kms_poll(struct work_struct *work)
{
	struct kite_device *kdev = container_of(work, struct kite_device, kms.poll.work);

	if (!kite_pm_get(kdev))
		kite_pm_put_now(kdev);
}

/** kite_kms_wake() - the hardware wakes: it will tell of monitors itself */
void kite_kms_wake(struct kite_device *kdev)
{
	cancel_delayed_work(&kdev->kms.poll);
}

/** kite_kms_sleep() - the hardware falls asleep: monitors that come are not heard of */
void kite_kms_sleep(struct kite_device *kdev)
{
	if (kdev->kms.nr_heads)
		queue_delayed_work(kite_wq, &kdev->kms.poll, KITE_POLL_SECONDS * HZ);
}

/* What the planes can show: VRAM, or a copy there; blocks only where the rows fit them. */
static int kite_fb_check(struct drm_framebuffer *fb, struct drm_file *file)
{
	unsigned int i;
	int ret;

	for (i = 0; i < fb->format->num_planes; i++) {
		ret = kite_scanout_attach(fb->obj[i], file);
		if (ret)
			return ret;
	}
	if (fb->modifier != KITE_MODIFIER_TILED)
		return 0;
	if (fb->pitches[0] % fb->format->cpp[0] || fb->offsets[0] % 4096 ||
	    fb->pitches[0] < ALIGN(fb->width, 4) * fb->format->cpp[0] ||
	    (u64)fb->pitches[0] * ALIGN(fb->height, 4) + fb->offsets[0] > fb->obj[0]->size)
		return -EINVAL;
	return 0;
}

static struct drm_framebuffer *kite_fb_create(KITE_FB_CREATE_ARGS)
{
	struct drm_framebuffer *fb = drm_gem_fb_create_with_dirty(KITE_FB_CREATE_PASS);
	int ret;

	if (IS_ERR(fb))
		return fb;
	ret = kite_fb_check(fb, file);
	if (ret) {
		drm_framebuffer_put(fb);
		return ERR_PTR(ret);
	}
	return fb;
}

static const struct drm_mode_config_funcs kite_mode_config_funcs = {
	.fb_create = kite_fb_create,
	.atomic_check = drm_atomic_helper_check,
	.atomic_commit = drm_atomic_helper_commit,
};

static void kite_commit_tail(struct kite_atomic_state *state)
{
	struct drm_device *drm = state->dev;
	/* One that does not wake is gone; the state changes all the same. */
	bool awake = !kite_pm_get(to_kite_device(drm));
	struct drm_plane_state *plane_state;
	struct drm_plane *plane;
	int i;

	drm_atomic_helper_commit_modeset_disables(drm, state);
	drm_atomic_helper_commit_modeset_enables(drm, state);
	/* Whoever draws to what is shown has finished: the helpers have waited for that. */
	for_each_new_plane_in_state(state, plane, plane_state, i)
		if (plane_state->visible)
			kite_scanout_refresh(plane_state->fb);
	drm_atomic_helper_commit_planes(drm, state, DRM_PLANE_COMMIT_ACTIVE_ONLY);
	drm_atomic_helper_fake_vblank(state);
	drm_atomic_helper_commit_hw_done(state);
	drm_atomic_helper_wait_for_flip_done(drm, state);
	drm_atomic_helper_cleanup_planes(drm, state);
	if (awake)
		kite_pm_put(to_kite_device(drm));
}

static const struct drm_mode_config_helper_funcs kite_mode_config_helpers = {
	.atomic_commit_tail = kite_commit_tail,
};

/**
 * kite_kms_init() - make the heads' DRM objects
 * @kdev: the device; VRAM is there, interrupts are not
 */
int kite_kms_init(struct kite_device *kdev)
{
	struct drm_device *drm = &kdev->drm;
	struct drm_mode_config *config = &drm->mode_config;
	u32 i, count = kite_read(kdev, KITE_HW_REG_HEAD_COUNT);
	int ret;

	INIT_WORK(&kdev->kms.hotplug, kite_kms_hotplug);
	kite_clock_init(kdev);
	INIT_DELAYED_WORK(&kdev->kms.poll, kite_kms_poll);
	if (count > KITE_MAX_HEADS)
		return -ENODEV;
	if (!count) {
		drm->driver_features &= ~(DRIVER_MODESET | DRIVER_ATOMIC);
		return 0;
	}
	ret = drmm_mode_config_init(drm);
	if (ret)
		return ret;
	config->funcs = &kite_mode_config_funcs;
	config->helper_private = &kite_mode_config_helpers;
	config->min_width = 1;
	config->min_height = 1;
	config->max_width = KITE_LONGEST_EDGE;
	config->max_height = KITE_LONGEST_EDGE;
	config->cursor_width = KITE_CURSOR_EDGE;
	config->cursor_height = KITE_CURSOR_EDGE;
	config->preferred_depth = 24;
	config->prefer_shadow = 1;
	config->async_page_flip = true;

	for (i = 0; i < count; i++) {
		struct kite_head *head = &kdev->kms.heads[i];

		head->kdev = kdev;
		head->index = i;
		spin_lock_init(&head->vblank_lock);
		ret = kite_planes_init(head) ?: kite_crtc_init(head) ?:
		      kite_connector_init(head) ?: kite_writeback_init(head);
		if (ret)
			return ret;
	}
	drm->max_vblank_count = U32_MAX;
	ret = drm_vblank_init(drm, count);
	if (ret)
		return ret;
	drm_mode_config_reset(drm);
	kdev->kms.nr_heads = count;
	return 0;
}

/** kite_kms_register() - the DRM device is registered: a console, if the kernel makes one */
void kite_kms_register(struct kite_device *kdev)
{
	if (!kdev->kms.nr_heads)
		return;
	drm_kms_helper_poll_init(&kdev->drm);
	kite_compat_console(&kdev->drm);
}

/** kite_kms_start() - after a reset of the hardware: show again what was shown */
void kite_kms_start(struct kite_device *kdev)
{
	unsigned long flags;
	u32 i;

	if (!kdev->kms.nr_heads)
		return;
	kite_clock_calibrate(kdev);
	for (i = 0; i < kdev->kms.nr_heads; i++) {
		struct kite_head *head = &kdev->kms.heads[i];
		u64 at = KITE_VRAM_HEADS + i * KITE_HEAD_BYTES;

		spin_lock_irqsave(&kdev->drm.event_lock, flags);
		kite_vblank_restart(head);
		head->connector_seen = 0;
		head->edid_blocks = 0;
		kite_write(kdev, kite_head_reg(head, KITE_HW_REG_HEAD_STATE_LO),
			   at + KITE_HEAD_STATE);
		kite_write(kdev, kite_head_reg(head, KITE_HW_REG_HEAD_STATE_HI), 0);
		kite_write(kdev, kite_head_reg(head, KITE_HW_REG_HEAD_WRITEBACK_LO),
			   at + KITE_HEAD_WRITEBACK);
		kite_write(kdev, kite_head_reg(head, KITE_HW_REG_HEAD_WRITEBACK_HI), 0);
		head->irq_enable |= 1u << KITE_HW_HEAD_EVENT_LATCH |
				    1u << KITE_HW_HEAD_EVENT_CONNECTOR;
		kite_write(kdev, kite_head_reg(head, KITE_HW_REG_HEAD_IRQ_ENABLE),
			   head->irq_enable);
		kite_writeback_end(head, -EIO);
		if (head->image[0])
			kite_head_commit(head);
		spin_unlock_irqrestore(&kdev->drm.event_lock, flags);
	}
}

/** kite_kms_lost() - the hardware is dead or gone: nobody waits for it any more */
void kite_kms_lost(struct kite_device *kdev)
{
	unsigned long flags;
	u32 i;

	for (i = 0; i < kdev->kms.nr_heads; i++) {
		spin_lock_irqsave(&kdev->drm.event_lock, flags);
		kite_head_send_event(&kdev->kms.heads[i]);
		kite_writeback_end(&kdev->kms.heads[i], -ENODEV);
		spin_unlock_irqrestore(&kdev->drm.event_lock, flags);
	}
}

/** kite_kms_remove() - the device was unplugged: let go of all framebuffers */
void kite_kms_remove(struct kite_device *kdev)
{
	if (!kdev->kms.nr_heads)
		return;
	drm_kms_helper_poll_fini(&kdev->drm);
	cancel_delayed_work_sync(&kdev->kms.poll);
	cancel_work_sync(&kdev->kms.hotplug);
	cancel_work_sync(&kdev->kms.clock.work);
	drm_atomic_helper_shutdown(&kdev->drm);
}
