// SPDX-License-Identifier: GPL-2.0
/*
 * A module as small as can be that uses a DRM helper module: what ./kite doctor --module says about
 * it, whole and doctored, is compared with what the kernel does.
 */
#include <linux/kobject.h>
#include <linux/module.h>

#include <drm/drm_exec.h>

static int __init standin_init(void)
{
	struct kobject *gpl_only;
	struct drm_exec exec;

	drm_exec_init(&exec, 0, 0);
	drm_exec_fini(&exec);
	gpl_only = kobject_create_and_add("standin", kernel_kobj);
	if (!gpl_only)
		return -ENOMEM;
	kobject_put(gpl_only);
	return 0;
}

static void __exit standin_exit(void)
{
}

module_init(standin_init);
module_exit(standin_exit);
MODULE_DESCRIPTION("Stand-in for tests of module loading");
MODULE_LICENSE("GPL");
