// SPDX-License-Identifier: GPL-2.0
/*
 * Planes: primary, overlay, cursor. Nothing is scaled. What a plane shows is pinned in contiguous
 * VRAM from prepare_fb to cleanup_fb.
 */
#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_blend.h>
#include <drm/drm_color_mgmt.h>
#include <drm/drm_damage_helper.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem_atomic_helper.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_panic.h>

#include "kite_bo.h"
#include "kite_device.h"
#include "kite_kms.h"

static const u64 kite_modifiers[] = {
	DRM_FORMAT_MOD_LINEAR,
	KITE_MODIFIER_TILED,
	DRM_FORMAT_MOD_INVALID,
};

static const u32 kite_primary_formats[] = {
	DRM_FORMAT_XRGB8888,	DRM_FORMAT_ARGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_ABGR8888,
	DRM_FORMAT_XRGB2101010, DRM_FORMAT_RGB565,
};

static const u32 kite_overlay_formats[] = {
	DRM_FORMAT_XRGB8888,	DRM_FORMAT_ARGB8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_ABGR8888,
	DRM_FORMAT_XRGB2101010, DRM_FORMAT_RGB565,   DRM_FORMAT_NV12,
};

static const u32 kite_cursor_formats[] = { DRM_FORMAT_ARGB8888, DRM_FORMAT_ABGR8888 };

static u32 kite_format(u32 fourcc)
{
	switch (fourcc) {
	case DRM_FORMAT_XRGB8888:
		return KITE_HW_SCANOUT_FORMAT_XRGB8888;
	case DRM_FORMAT_ARGB8888:
		return KITE_HW_SCANOUT_FORMAT_ARGB8888;
	case DRM_FORMAT_XBGR8888:
		return KITE_HW_SCANOUT_FORMAT_XBGR8888;
	case DRM_FORMAT_ABGR8888:
		return KITE_HW_SCANOUT_FORMAT_ABGR8888;
	case DRM_FORMAT_XRGB2101010:
		return KITE_HW_SCANOUT_FORMAT_XRGB2101010;
	case DRM_FORMAT_RGB565:
		return KITE_HW_SCANOUT_FORMAT_RGB565;
	case DRM_FORMAT_NV12:
		return KITE_HW_SCANOUT_FORMAT_NV12;
	default:
		return KITE_HW_SCANOUT_FORMAT_NONE;
	}
}

static bool kite_plane_mod_supported(struct drm_plane *plane, u32 format, u64 modifier)
{
	return modifier == DRM_FORMAT_MOD_LINEAR ||
	       (modifier == KITE_MODIFIER_TILED && format != DRM_FORMAT_NV12);
}

static u32 *kite_plane_image(struct drm_plane *plane)
{
	struct kite_device *kdev = to_kite_device(plane->dev);
	u32 i, p;

	for (i = 0; i < KITE_MAX_HEADS; i++)
		for (p = 0; p < ARRAY_SIZE(kdev->kms.heads[i].planes); p++)
			if (plane == &kdev->kms.heads[i].planes[p])
				return kdev->kms.heads[i].image + KITE_HW_HEAD_STATE_PLANES_DW +
				       p * KITE_HW_PLANE_STATE_DWORDS;
	return NULL;
}

static int kite_plane_atomic_check(struct drm_plane *plane, struct kite_atomic_state *state)
{
	struct drm_plane_state *new = drm_atomic_get_new_plane_state(state, plane);
	struct drm_crtc_state *crtc = NULL;

	if (new->crtc)
		crtc = drm_atomic_get_new_crtc_state(state, new->crtc);
	if (!crtc) {
		new->visible = false;
		return 0;
	}
	return drm_atomic_helper_check_plane_state(new, crtc, DRM_PLANE_NO_SCALING,
						   DRM_PLANE_NO_SCALING, true, true);
}

/* VRAM offset of a framebuffer's plane; it is pinned and contiguous. */
static u64 kite_fb_address(struct drm_framebuffer *fb, unsigned int plane)
{
	struct kite_bo *bo = kite_scanout_bo(fb->obj[plane]);
	bool system;
	u64 run;

	return kite_bo_address(bo, 0, &run, &system) + fb->offsets[plane];
}

static u32 kite_plane_blend(const struct drm_plane_state *state)
{
	if (!state->fb->format->has_alpha)
		return KITE_HW_PIXEL_BLEND_NONE;
	switch (state->pixel_blend_mode) {
	case DRM_MODE_BLEND_COVERAGE:
		return KITE_HW_PIXEL_BLEND_COVERAGE;
	case DRM_MODE_BLEND_PIXEL_NONE:
		return KITE_HW_PIXEL_BLEND_NONE;
	default:
		return KITE_HW_PIXEL_BLEND_PREMULTIPLIED;
	}
}

/**
 * kite_plane_set_memory() - say in a plane's image that it is on, and where its pixels lie
 * @image: the PlaneState, zeros
 * @fb: the framebuffer; pinned
 */
void kite_plane_set_memory(u32 *image, struct drm_framebuffer *fb)
{
	bool tiled = fb->modifier == KITE_MODIFIER_TILED;
	u64 address = kite_fb_address(fb, 0);

	image[0] = 1u << KITE_HW_PLANE_STATE_ENABLE_SHIFT |
		   kite_format(fb->format->format) << KITE_HW_PLANE_STATE_FORMAT_SHIFT;
	if (tiled)
		image[0] |= 1u << KITE_HW_PLANE_STATE_TILED_SHIFT;
	/* DRM counts a row of pixels, the hardware a row of blocks. */
	image[KITE_HW_PLANE_STATE_PITCH_DW] = fb->pitches[0] * (tiled ? 4 : 1);
	image[KITE_HW_PLANE_STATE_ADDRESS_DW] = lower_32_bits(address);
	image[KITE_HW_PLANE_STATE_ADDRESS_DW + 1] = upper_32_bits(address);
	if (fb->format->num_planes > 1) {
		address = kite_fb_address(fb, 1);
		image[KITE_HW_PLANE_STATE_CHROMA_ADDRESS_DW] = lower_32_bits(address);
		image[KITE_HW_PLANE_STATE_CHROMA_ADDRESS_DW + 1] = upper_32_bits(address);
		image[KITE_HW_PLANE_STATE_CHROMA_PITCH_DW] = fb->pitches[1];
	}
}

static void kite_plane_fill(u32 *image, const struct drm_plane_state *state)
{
	u32 w0 = 0;

	kite_plane_set_memory(image, state->fb);
	if (state->color_encoding == DRM_COLOR_YCBCR_BT709)
		w0 |= 1u << KITE_HW_PLANE_STATE_BT709_SHIFT;
	if (state->color_range == DRM_COLOR_YCBCR_FULL_RANGE)
		w0 |= 1u << KITE_HW_PLANE_STATE_FULL_RANGE_SHIFT;
	w0 |= kite_plane_blend(state) << KITE_HW_PLANE_STATE_BLEND_SHIFT;
	w0 |= (u32)state->alpha << KITE_HW_PLANE_STATE_ALPHA_SHIFT;
	image[0] |= w0;
	image[KITE_HW_PLANE_STATE_W7_DW] =
		(state->src.x1 >> 16) | (u32)(state->src.y1 >> 16) << 16;
	image[KITE_HW_PLANE_STATE_W8_DW] =
		drm_rect_width(&state->dst) | (u32)drm_rect_height(&state->dst) << 16;
	image[KITE_HW_PLANE_STATE_X_DW] = state->dst.x1;
	image[KITE_HW_PLANE_STATE_Y_DW] = state->dst.y1;
}

static void kite_plane_atomic_update(struct drm_plane *plane, struct kite_atomic_state *state)
{
	struct drm_plane_state *new = drm_atomic_get_new_plane_state(state, plane);
	u32 fresh[KITE_HW_PLANE_STATE_DWORDS] = {};
	unsigned long flags;

	if (new->visible)
		kite_plane_fill(fresh, new);
	spin_lock_irqsave(&plane->dev->event_lock, flags);
	memcpy(kite_plane_image(plane), fresh, sizeof(fresh));
	spin_unlock_irqrestore(&plane->dev->event_lock, flags);
}

static void kite_plane_atomic_disable(struct drm_plane *plane, struct kite_atomic_state *state)
{
	unsigned long flags;

	spin_lock_irqsave(&plane->dev->event_lock, flags);
	memset(kite_plane_image(plane), 0, KITE_HW_PLANE_STATE_DWORDS * 4);
	spin_unlock_irqrestore(&plane->dev->event_lock, flags);
}

static void kite_plane_unpin(struct drm_framebuffer *fb, unsigned int count)
{
	while (count--)
		kite_scanout_unpin(fb->obj[count]);
}

static int kite_plane_prepare_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	struct drm_framebuffer *fb = state->fb;
	unsigned int i;
	int ret;

	if (!fb)
		return 0;
	for (i = 0; i < fb->format->num_planes; i++) {
		ret = kite_scanout_pin(fb->obj[i]);
		if (ret)
			goto err;
	}
	ret = drm_gem_plane_helper_prepare_fb(plane, state);
	if (!ret)
		return 0;
err:
	kite_plane_unpin(fb, i);
	return ret;
}

static void kite_plane_cleanup_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	if (state->fb)
		kite_plane_unpin(state->fb, state->fb->format->num_planes);
}

/* For the kernel's last words: the picture as the CPU sees it, without a lock. */
static int kite_plane_scanout_buffer(struct drm_plane *plane, struct drm_scanout_buffer *sb)
{
	struct drm_framebuffer *fb = plane->state->fb;
	struct kite_device *kdev = to_kite_device(plane->dev);
	u64 address;

	if (!fb || !plane->state->visible || fb->modifier != DRM_FORMAT_MOD_LINEAR ||
	    kite_device_error(kdev))
		return -ENODEV;
	address = kite_fb_address(fb, 0);
	if (address + (u64)fb->pitches[0] * fb->height > kdev->vram.visible)
		return -ENODEV;
	sb->format = fb->format;
	sb->width = fb->width;
	sb->height = fb->height;
	sb->pitch[0] = fb->pitches[0];
	iosys_map_set_vaddr_iomem(&sb->map[0], kdev->vram_map + address);
	return 0;
}

static const struct drm_plane_helper_funcs kite_plane_helpers = {
	.prepare_fb = kite_plane_prepare_fb,
	.cleanup_fb = kite_plane_cleanup_fb,
	.atomic_check = kite_plane_atomic_check,
	.atomic_update = kite_plane_atomic_update,
	.atomic_disable = kite_plane_atomic_disable,
};

static const struct drm_plane_helper_funcs kite_primary_helpers = {
	.prepare_fb = kite_plane_prepare_fb,
	.cleanup_fb = kite_plane_cleanup_fb,
	.atomic_check = kite_plane_atomic_check,
	.atomic_update = kite_plane_atomic_update,
	.atomic_disable = kite_plane_atomic_disable,
	.get_scanout_buffer = kite_plane_scanout_buffer,
};

static const struct drm_plane_funcs kite_plane_funcs = {
	.update_plane = drm_atomic_helper_update_plane,
	.disable_plane = drm_atomic_helper_disable_plane,
	.destroy = drm_plane_cleanup,
	.reset = drm_atomic_helper_plane_reset,
	.atomic_duplicate_state = drm_atomic_helper_plane_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_plane_destroy_state,
	.format_mod_supported = kite_plane_mod_supported,
};

static int kite_plane_init(struct kite_head *head, u32 index, enum drm_plane_type type,
			   const u32 *formats, unsigned int count)
{
	struct drm_plane *plane = &head->planes[index];
	int ret;

	ret = drm_universal_plane_init(&head->kdev->drm, plane, 1u << head->index,
				       &kite_plane_funcs, formats, count, kite_modifiers, type,
				       NULL);
	if (ret)
		return ret;
	drm_plane_helper_add(plane, type == DRM_PLANE_TYPE_PRIMARY ? &kite_primary_helpers :
								     &kite_plane_helpers);
	drm_plane_enable_fb_damage_clips(plane);
	return drm_plane_create_alpha_property(plane) ?:
	       drm_plane_create_zpos_immutable_property(plane, index) ?:
	       drm_plane_create_blend_mode_property(plane, BIT(DRM_MODE_BLEND_PIXEL_NONE) |
							   BIT(DRM_MODE_BLEND_PREMULTI) |
							   BIT(DRM_MODE_BLEND_COVERAGE));
}

/** kite_planes_init() - make a head's planes */
int kite_planes_init(struct kite_head *head)
{
	int ret;

	ret = kite_plane_init(head, KITE_HW_PLANE_INDEX_PRIMARY, DRM_PLANE_TYPE_PRIMARY,
			      kite_primary_formats, ARRAY_SIZE(kite_primary_formats)) ?:
	      kite_plane_init(head, KITE_HW_PLANE_INDEX_OVERLAY, DRM_PLANE_TYPE_OVERLAY,
			      kite_overlay_formats, ARRAY_SIZE(kite_overlay_formats)) ?:
	      kite_plane_init(head, KITE_HW_PLANE_INDEX_CURSOR, DRM_PLANE_TYPE_CURSOR,
			      kite_cursor_formats, ARRAY_SIZE(kite_cursor_formats));
	if (ret)
		return ret;
	return drm_plane_create_color_properties(&head->planes[KITE_HW_PLANE_INDEX_OVERLAY],
						 BIT(DRM_COLOR_YCBCR_BT601) |
							 BIT(DRM_COLOR_YCBCR_BT709),
						 BIT(DRM_COLOR_YCBCR_LIMITED_RANGE) |
							 BIT(DRM_COLOR_YCBCR_FULL_RANGE),
						 DRM_COLOR_YCBCR_BT601,
						 DRM_COLOR_YCBCR_LIMITED_RANGE);
}
