#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Writes kite_conftest.h: one macro per question about the interfaces of the kernel that kite.ko is
# built for, 1 or 0, found by compiling a few lines. Called by Kbuild: conftest.sh CC CFLAGS OUTPUT.
# A probe must fail only for its own reason, so the first one checks that compiling works at all.
set -eu
cc=$1
cflags=$2
out=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# probe NAME CODE: NAME is 1 if CODE compiles without a warning.
probe() {
	{
		echo '#include <linux/module.h>'
		echo "$2"
	} >"$dir/$1.c"
	echo "$1" >>"$dir/names"
}

run() {
	if eval "$cc $cflags -Wno-missing-prototypes -Wno-missing-declarations -Werror=int-conversion \
		-Werror=implicit-function-declaration -Werror=incompatible-pointer-types \
		-fsyntax-only '$dir/$1.c'" >"$dir/$1.log" 2>&1; then
		echo 1 >"$dir/$1.result"
	else
		echo 0 >"$dir/$1.result"
	fi
}

probe KITE_HAVE_COMPILER 'int kite_probe;'
probe KITE_HAVE_GPU_BUDDY '
#include <linux/gpu_buddy.h>
int kite_probe(struct gpu_buddy *mm) { return gpu_buddy_init(mm, 0, 0); }'
probe KITE_HAVE_SCHED_INIT_ARGS '
#include <drm/gpu_scheduler.h>
int kite_probe(struct drm_gpu_scheduler *s, const struct drm_sched_init_args *a)
{ return drm_sched_init(s, a); }'
probe KITE_HAVE_SCHED_JOB_CLIENT '
#include <drm/gpu_scheduler.h>
int kite_probe(struct drm_sched_job *j, struct drm_sched_entity *e)
{ return drm_sched_job_init(j, e, 1, NULL, 0); }'
probe KITE_HAVE_SCHED_STAT_RESET '
#include <drm/gpu_scheduler.h>
int kite_probe(void) { return DRM_GPU_SCHED_STAT_RESET; }'
probe KITE_HAVE_GPUVM_MAP_REQ '
#include <drm/drm_gpuvm.h>
int kite_probe(struct drm_gpuvm *vm, const struct drm_gpuvm_map_req *r)
{ return drm_gpuvm_sm_map(vm, NULL, r); }'
probe KITE_HAVE_GPUVM_BO_OBTAIN_LOCKED '
#include <drm/drm_gpuvm.h>
void *kite_probe(struct drm_gpuvm *vm, struct drm_gem_object *o)
{ return drm_gpuvm_bo_obtain_locked(vm, o); }'
probe KITE_HAVE_RESIZE_EXCLUDE '
#include <linux/pci.h>
int kite_probe(struct pci_dev *d) { return pci_resize_resource(d, 0, 0, 0); }'
probe KITE_HAVE_DRIVER_GEM_GPUVA '
#include <drm/drm_drv.h>
int kite_probe(void) { return DRIVER_GEM_GPUVA; }'
probe KITE_HAVE_DRIVER_DATE '
#include <drm/drm_drv.h>
struct drm_driver kite_probe = { .date = "20260101" };'
probe KITE_HAVE_TTM_BO_FINI '
#include <drm/ttm/ttm_bo.h>
void kite_probe(struct ttm_buffer_object *bo) { ttm_bo_fini(bo); }'
probe KITE_HAVE_TTM_ALLOC_FLAGS '
#include <drm/ttm/ttm_device.h>
int kite_probe(struct ttm_device *d)
{ return ttm_device_init(d, NULL, NULL, NULL, NULL, TTM_ALLOCATION_PROPAGATE_ENOSPC); }'
probe KITE_HAVE_WEDGED_EVENT '
#include <drm/drm_drv.h>
int kite_probe(struct drm_device *d)
{ return drm_dev_wedged_event(d, DRM_WEDGE_RECOVERY_REBIND); }'
probe KITE_HAVE_WEDGED_EVENT_INFO '
#include <drm/drm_drv.h>
int kite_probe(struct drm_device *d)
{ return drm_dev_wedged_event(d, DRM_WEDGE_RECOVERY_REBIND, NULL); }'
probe KITE_HAVE_GEM_IS_IMPORTED '
#include <drm/drm_gem.h>
int kite_probe(const struct drm_gem_object *o) { return drm_gem_is_imported(o); }'
probe KITE_HAVE_ATOMIC_COMMIT_STRUCT '
#include <drm/drm_atomic.h>
int kite_probe(struct drm_atomic_commit *s) { return s->allow_modeset; }'
probe KITE_HAVE_FB_CREATE_INFO '
#include <drm/drm_gem_framebuffer_helper.h>
void *kite_probe(struct drm_device *d, struct drm_file *f, const struct drm_format_info *i,
		 const struct drm_mode_fb_cmd2 *c)
{ return drm_gem_fb_create_with_dirty(d, f, i, c); }'
probe KITE_HAVE_CLIENT_SETUP_TOP '
#include <drm/drm_client_setup.h>
void kite_probe(struct drm_device *d) { drm_client_setup(d, NULL); }'
probe KITE_HAVE_CLIENT_SETUP '
#include <drm/clients/drm_client_setup.h>
void kite_probe(struct drm_device *d) { drm_client_setup(d, NULL); }'

for name in $(cat "$dir/names"); do
	run "$name" &
done
wait

if [ "$(cat "$dir/KITE_HAVE_COMPILER.result")" != 1 ]; then
	echo "conftest.sh: compiling for this kernel fails:" >&2
	cat "$dir/KITE_HAVE_COMPILER.log" >&2
	exit 1
fi
{
	echo '/* SPDX-License-Identifier: GPL-2.0 */'
	echo '/* What this kernel offers; written by conftest.sh. */'
	for name in $(cat "$dir/names"); do
		echo "#define $name $(cat "$dir/$name.result")"
	done
} >"$out"
