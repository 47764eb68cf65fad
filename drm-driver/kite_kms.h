/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Display heads: one CRTC, three planes, an encoder and a connector each, and a writeback connector.
 *
 * Part of struct kite_device; set up by kite_kms_init() before the DRM device is registered, freed
 * with it. The image of a head is the HeadState (hardware description, display) as it shall be:
 * planes and CRTC write it during an atomic commit, kite_head_commit() hands it over as a whole.
 * Image, commit numbers and the event that waits for one are protected by drm->event_lock.
 */
#ifndef _KITE_KMS_H_
#define _KITE_KMS_H_

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <drm/drm_connector.h>
#include <drm/drm_crtc.h>
#include <drm/drm_edid.h>
#include <drm/drm_encoder.h>
#include <drm/drm_plane.h>
#include <drm/drm_vblank.h>
#include <drm/drm_writeback.h>

#include "kite_compat.h"
#include "kite_hw.h"

#define KITE_MAX_HEADS 4
#define KITE_GAMMA_ENTRIES 256
#define KITE_EDID_BLOCKS 4
/* Modes of a connector without EDID go up to this. */
#define KITE_FALLBACK_WIDTH 1024
#define KITE_FALLBACK_HEIGHT 768
/* Of a head's page of VRAM: its HeadState, HeadWriteback and colour table */
#define KITE_HEAD_STATE 0
#define KITE_HEAD_WRITEBACK 1024
#define KITE_HEAD_GAMMA 2048
#define KITE_HEAD_BYTES 4096
/* DRM format modifier of Kite's blocks of 4x4 pixels; the vendor byte is not registered */
#define KITE_MODIFIER_TILED ((0x6bull << 56) | 1)

struct drm_file;
struct drm_framebuffer;
struct drm_gem_object;
struct kite_bo;
struct kite_device;

/** struct kite_head - one display head */
struct kite_head {
	/** @kdev: the device */
	struct kite_device *kdev;
	/** @index: number of the head */
	u32 index;
	/** @crtc: what makes frames */
	struct drm_crtc crtc;
	/** @planes: primary, overlay, cursor: PlaneIndex of the hardware description */
	struct drm_plane planes[3];
	/** @encoder: between them, without function */
	struct drm_encoder encoder;
	/** @connector: where a monitor hangs */
	struct drm_connector connector;
	/** @edid: what was read of the monitor's EDID */
	u32 edid[KITE_EDID_BLOCKS][EDID_LENGTH / 4];
	/** @edid_blocks: which of its blocks were, a bit each */
	u32 edid_blocks;
	/** @edid_change: change of the connector they are of */
	u32 edid_change;
	/** @writeback: frames into framebuffers */
	struct drm_writeback_connector writeback;
	/** @writing: a job of @writeback is under way */
	bool writing;
	/** @writing_commit: the last commit that carried it */
	u32 writing_commit;
	/** @written: woken when the job has ended */
	wait_queue_head_t written;
	/** @image: the HeadState as it shall be */
	u32 image[KITE_HW_HEAD_STATE_DWORDS];
	/** @commit: number of the last commit */
	u32 commit;
	/** @event: waits for the commit @event_commit; holds a vblank reference */
	struct drm_pending_vblank_event *event;
	/** @event_commit: see @event */
	u32 event_commit;
	/** @commit_count: DRM's number of the vblank at which the last one takes effect; 0: at once */
	u64 commit_count;
	/** @irq_enable: head_irq_enable as it shall be */
	u32 irq_enable;
	/** @vblank_seen: last vblank that was handled, as the device counts them */
	u32 vblank_seen;
	/** @vblank_lock: protects the two below; innermost, interrupts off */
	spinlock_t vblank_lock;
	/** @vblank_base: vblanks before the device's last reset */
	u32 vblank_base;
	/** @vblank_told: number that DRM was told last */
	u32 vblank_told;
	/** @crc_seen: vblank of the last CRC that was handed on */
	u32 crc_seen;
	/** @crc_last: that CRC */
	u32 crc_last;
	/** @crc_going: there was one since CRCs were asked for */
	bool crc_going;
	/** @connector_seen: last change of the connector that was handled */
	u32 connector_seen;
};

/** struct kite_clock - how the device's clock and CLOCK_MONOTONIC differ */
struct kite_clock {
	/** @offset: CLOCK_MONOTONIC less the device's clock, nanoseconds; read without a lock */
	s64 offset;
	/** @lock: protects the ones below */
	struct mutex lock;
	/** @low: @offset is not smaller */
	s64 low;
	/** @high: @offset is not greater */
	s64 high;
	/** @at: when that was so, CLOCK_MONOTONIC; 0: never */
	s64 at;
	/** @work: brings all that up to date */
	struct work_struct work;
};

static inline struct kite_head *crtc_to_kite_head(struct drm_crtc *crtc)
{
	return container_of(crtc, struct kite_head, crtc);
}

int kite_kms_init(struct kite_device *kdev);
void kite_kms_register(struct kite_device *kdev);
void kite_kms_start(struct kite_device *kdev);
void kite_kms_wake(struct kite_device *kdev);
void kite_kms_sleep(struct kite_device *kdev);
void kite_kms_lost(struct kite_device *kdev);
void kite_kms_remove(struct kite_device *kdev);
void kite_kms_irq(struct kite_device *kdev);

int kite_planes_init(struct kite_head *head);
int kite_crtc_init(struct kite_head *head);
int kite_connector_init(struct kite_head *head);
int kite_writeback_init(struct kite_head *head);

u32 kite_head_reg(struct kite_head *head, u32 reg);
void __iomem *kite_head_vram(struct kite_head *head, u32 at);
void kite_head_commit(struct kite_head *head);
void kite_head_send_event(struct kite_head *head);
void kite_plane_set_memory(u32 *image, struct drm_framebuffer *fb);
void kite_writeback_hand_over(struct kite_head *head, u32 latched);
void kite_writeback_look(struct kite_head *head, u32 written, u32 refused);
void kite_writeback_end(struct kite_head *head, int result);
void kite_writeback_drain(struct kite_head *head);
void kite_vblank_restart(struct kite_head *head);

void kite_clock_init(struct kite_device *kdev);
void kite_clock_calibrate(struct kite_device *kdev);

int kite_scanout_attach(struct drm_gem_object *obj, struct drm_file *file);
struct kite_bo *kite_scanout_bo(struct drm_gem_object *obj);
int kite_scanout_pin(struct drm_gem_object *obj);
void kite_scanout_unpin(struct drm_gem_object *obj);
void kite_scanout_refresh(struct drm_framebuffer *fb);

#endif /* _KITE_KMS_H_ */
