// SPDX-License-Identifier: GPL-2.0
/*
 * hwmon: temperature, power, energy and fan, where lm-sensors and the like look for them. While the
 * device sleeps its sensors have no value (ENODATA).
 */
#include <linux/hwmon.h>

#include "kite_device.h"
#include "kite_telemetry.h"

#if IS_REACHABLE(CONFIG_HWMON)

static umode_t kite_hwmon_visible(const void *data, enum hwmon_sensor_types type, u32 attr,
				  int channel)
{
	return 0444;
}

static int kite_hwmon_temperature(const struct drm_kite_telemetry *t, u32 attr, long *value)
{
	switch (attr) {
	case hwmon_temp_input:
		*value = t->temperature_mc;
		return 0;
	case hwmon_temp_max:
		*value = t->temperature_limit_mc;
		return 0;
	case hwmon_temp_crit:
		*value = t->temperature_critical_mc;
		return 0;
	case hwmon_temp_max_alarm:
		*value = !!(t->flags & DRM_KITE_TELEMETRY_THROTTLED);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int kite_hwmon_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel,
			   long *value)
{
	struct kite_device *kdev = dev_get_drvdata(dev);
	struct drm_kite_telemetry t;

	kite_telemetry_read(kdev, &t);
	if (!(t.flags & DRM_KITE_TELEMETRY_SENSORS))
		return t.flags & DRM_KITE_TELEMETRY_ASLEEP ? -ENODATA : -ENODEV;
	switch (type) {
	case hwmon_temp:
		return kite_hwmon_temperature(&t, attr, value);
	case hwmon_power:
		*value = t.power_uw;
		return 0;
	case hwmon_energy:
		*value = t.energy_uj;
		return 0;
	case hwmon_fan:
		*value = t.fan_rpm;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int kite_hwmon_label(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel,
			    const char **text)
{
	*text = "GPU";
	return 0;
}

static const struct hwmon_ops kite_hwmon_ops = {
	.is_visible = kite_hwmon_visible,
	.read = kite_hwmon_read,
	.read_string = kite_hwmon_label,
};

static const struct hwmon_channel_info *const kite_hwmon_channels[] = {
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT | HWMON_T_MAX | HWMON_T_CRIT | HWMON_T_MAX_ALARM |
				 HWMON_T_LABEL),
	HWMON_CHANNEL_INFO(power, HWMON_P_INPUT | HWMON_P_LABEL),
	HWMON_CHANNEL_INFO(energy, HWMON_E_INPUT | HWMON_E_LABEL),
	HWMON_CHANNEL_INFO(fan, HWMON_F_INPUT | HWMON_F_LABEL),
	NULL
};

static const struct hwmon_chip_info kite_hwmon_chip = {
	.ops = &kite_hwmon_ops,
	.info = kite_hwmon_channels,
};

/** kite_hwmon_register() - show the sensors, if there are any; ends with the binding */
void kite_hwmon_register(struct kite_device *kdev)
{
	struct device *dev = kdev->drm.dev;
	struct device *hwmon;

	if (!(kdev->features & (1u << KITE_HW_REG_FEATURES_TELEMETRY_SHIFT)))
		return;
	hwmon = devm_hwmon_device_register_with_info(dev, "kite", kdev, &kite_hwmon_chip, NULL);
	if (IS_ERR(hwmon))
		drm_warn(&kdev->drm, "no hwmon device: %ld\n", PTR_ERR(hwmon));
}

#else

void kite_hwmon_register(struct kite_device *kdev)
{
}

#endif
