// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs (dri/N/): rings, vms, vram, system. Everything but memory behind the BARs, which may be
 * gone, is read from the driver's own state.
 */
#include <drm/drm_debugfs.h>
#include <drm/ttm/ttm_resource.h>

#include "kite_pm.h"
#include "kite_vm.h"

static struct kite_device *kite_debugfs_device(struct seq_file *m)
{
	struct drm_debugfs_entry *entry = m->private;

	return to_kite_device(entry->dev);
}

static int kite_debugfs_rings(struct seq_file *m, void *unused)
{
	struct kite_device *kdev = kite_debugfs_device(m);
	u32 i;
	int idx;

	seq_printf(m, "device state %d, resets %d\n", atomic_read(&kdev->state),
		   atomic_read(&kdev->reset_count));
	if (!kite_pm_enter(kdev, &idx))
		return 0;
	for (i = 0; i < kdev->nr_rings; i++) {
		struct kite_ring *ring = &kdev->rings[i];
		u64 done = kite_ring_done_seqno(ring);

		spin_lock_irq(&ring->lock);
		seq_printf(m, "ring %u %s: submitted %llu, done %llu, entries %u, busy %llu ns, kills %d, error %d\n",
			   i, ring->name, ring->seqno, done, ring->wptr, ring->busy_ns,
			   atomic_read(&ring->reset_count), ring->error);
		spin_unlock_irq(&ring->lock);
	}
	kite_pm_exit(kdev, idx);
	return 0;
}

static int kite_debugfs_vms(struct seq_file *m, void *unused)
{
	struct kite_device *kdev = kite_debugfs_device(m);
	struct kite_vm *vm;

	mutex_lock(&kdev->vms_lock);
	list_for_each_entry(vm, &kdev->vms, link) {
		struct drm_gpuva *va;

		/* A VM on its way out is still in the list. */
		if (!kref_get_unless_zero(&vm->handle.ref))
			continue;
		seq_printf(m, "vm %u of client %llu (%s, %d): context %u, state %u\n", vm->handle.id,
			   vm->client, vm->process, vm->pid, vm->context,
			   READ_ONCE(vm->state.state));
		mutex_lock(&vm->lock);
		drm_gpuvm_for_each_va(va, &vm->base)
			seq_printf(m, "  %#llx-%#llx %s%s offset %#llx\n", va->va.addr,
				   va->va.addr + va->va.range,
				   va->gem.obj ? "buffer" : "sparse",
				   to_kite_va(va)->read_only ? " read-only" : "", va->gem.offset);
		mutex_unlock(&vm->lock);
		kite_vm_put(vm);
	}
	mutex_unlock(&kdev->vms_lock);
	return 0;
}

static int kite_debugfs_memory(struct seq_file *m, u32 mem_type)
{
	struct drm_printer p = drm_seq_file_printer(m);

	ttm_resource_manager_debug(ttm_manager_type(&kite_debugfs_device(m)->ttm, mem_type), &p);
	return 0;
}

static int kite_debugfs_vram(struct seq_file *m, void *unused)
{
	return kite_debugfs_memory(m, TTM_PL_VRAM);
}

static int kite_debugfs_system(struct seq_file *m, void *unused)
{
	return kite_debugfs_memory(m, TTM_PL_TT);
}

static const struct drm_debugfs_info kite_debugfs_files[] = {
	{ "rings", kite_debugfs_rings, 0, NULL },
	{ "vms", kite_debugfs_vms, 0, NULL },
	{ "vram", kite_debugfs_vram, 0, NULL },
	{ "system", kite_debugfs_system, 0, NULL },
};

/** kite_debugfs_init() - &drm_driver.debugfs_init */
void kite_debugfs_init(struct drm_minor *minor)
{
	drm_debugfs_add_files(minor->dev, kite_debugfs_files, ARRAY_SIZE(kite_debugfs_files));
}
