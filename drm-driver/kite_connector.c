// SPDX-License-Identifier: GPL-2.0
/*
 * Connectors: is there a monitor, and what does it say about itself.
 */
#include <drm/drm_atomic_state_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_edid.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_probe_helper.h>

#include "kite_device.h"
#include "kite_kms.h"
#include "kite_pm.h"

static struct kite_head *connector_to_kite_head(struct drm_connector *connector)
{
	return container_of(connector, struct kite_head, connector);
}

static u32 kite_connector_status(struct kite_head *head)
{
	u32 status = 0;
	int idx;

	if (!kite_pm_enter(head->kdev, &idx))
		return 0;
	if (!kite_device_error(head->kdev))
		status = kite_read(head->kdev, kite_head_reg(head, KITE_HW_REG_HEAD_STATUS));
	kite_pm_exit(head->kdev, idx);
	return status == ~0u ? 0 : status;
}

static enum drm_connector_status kite_connector_detect(struct drm_connector *connector, bool force)
{
	u32 status = kite_connector_status(connector_to_kite_head(connector));

	return status & 1u << KITE_HW_REG_HEAD_STATUS_CONNECTED_SHIFT ?
		       connector_status_connected : connector_status_disconnected;
}

/* Registers are slow, so a monitor's EDID is read once; mode_config.mutex is held. */
static int kite_edid_block(void *data, u8 *buf, unsigned int block, size_t len)
{
	struct kite_head *head = data;
	u32 change, i;
	int idx;

	if (block >= KITE_EDID_BLOCKS || len > EDID_LENGTH)
		return -EINVAL;
	if (!kite_pm_enter(head->kdev, &idx))
		return -ENODEV;
	change = readl(kite_head_vram(head, KITE_HEAD_WRITEBACK +
				      KITE_HW_HEAD_WRITEBACK_CONNECTOR_DW * 4));
	if (head->edid_change != change)
		head->edid_blocks = 0;
	head->edid_change = change;
	for (i = 0; i < EDID_LENGTH / 4 && !(head->edid_blocks & 1u << block); i++) {
		u32 at = (head->index * KITE_EDID_BLOCKS + block) * EDID_LENGTH + i * 4;

		head->edid[block][i] = kite_read(head->kdev, KITE_HW_REG_EDID + at);
	}
	head->edid_blocks |= 1u << block;
	memcpy(buf, head->edid[block], len);
	kite_pm_exit(head->kdev, idx);
	return 0;
}

static int kite_connector_get_modes(struct drm_connector *connector)
{
	struct kite_head *head = connector_to_kite_head(connector);
	const struct drm_edid *edid = drm_edid_read_custom(connector, kite_edid_block, head);
	int count;

	drm_edid_connector_update(connector, edid);
	count = drm_edid_connector_add_modes(connector);
	drm_edid_free(edid);
	if (count)
		return count;
	count = drm_add_modes_noedid(connector, KITE_FALLBACK_WIDTH, KITE_FALLBACK_HEIGHT);
	drm_set_preferred_mode(connector, KITE_FALLBACK_WIDTH, KITE_FALLBACK_HEIGHT);
	return count;
}

static const struct drm_connector_helper_funcs kite_connector_helpers = {
	.get_modes = kite_connector_get_modes,
};

static const struct drm_connector_funcs kite_connector_funcs = {
	.reset = drm_atomic_helper_connector_reset,
	.detect = kite_connector_detect,
	.fill_modes = drm_helper_probe_single_connector_modes,
	.destroy = drm_connector_cleanup,
	.atomic_duplicate_state = drm_atomic_helper_connector_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_connector_destroy_state,
};

static const struct drm_encoder_funcs kite_encoder_funcs = {
	.destroy = drm_encoder_cleanup,
};

/** kite_connector_init() - make a head's encoder and connector; its CRTC is there */
int kite_connector_init(struct kite_head *head)
{
	struct drm_device *drm = &head->kdev->drm;
	int ret;

	ret = drm_encoder_init(drm, &head->encoder, &kite_encoder_funcs, DRM_MODE_ENCODER_VIRTUAL,
			       NULL);
	if (ret)
		return ret;
	head->encoder.possible_crtcs = drm_crtc_mask(&head->crtc);
	ret = drm_connector_init(drm, &head->connector, &kite_connector_funcs,
				 DRM_MODE_CONNECTOR_VIRTUAL);
	if (ret)
		return ret;
	drm_connector_helper_add(&head->connector, &kite_connector_helpers);
	head->connector.polled = DRM_CONNECTOR_POLL_HPD;
	drm_connector_attach_edid_property(&head->connector);
	return drm_connector_attach_encoder(&head->connector, &head->encoder);
}
