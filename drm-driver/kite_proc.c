// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/swarm/gpu: accounts, clients, rights and address spaces as text, for all eGPUs.
 *
 * One table a file, a line of names first, columns separated by blanks. stats is for everybody, the
 * rest tells about other people's work and is for the administrator.
 */
#include <linux/moduleparam.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "kite_account.h"
#include "kite_telemetry.h"
#include "kite_vm.h"

static bool kite_proc_swarm;
module_param_named(proc_swarm, kite_proc_swarm, bool, 0444);
MODULE_PARM_DESC(proc_swarm, "Make /proc/swarm/gpu (default N)");

static struct proc_dir_entry *kite_proc_dir;

static const char *const kite_kinds[KITE_ACCOUNT_KINDS] = { "client", "uid", "cgroup" };
static const char *const kite_resources[KITE_RESOURCES] = { "vram", "system", "vms", "queues" };

static void kite_proc_limit(struct seq_file *m, u64 limit)
{
	if (limit == KITE_NO_LIMIT)
		seq_puts(m, " max");
	else
		seq_printf(m, " %llu", limit);
}

static void kite_proc_rights(struct seq_file *m, u32 rights)
{
	static const char *const names[] = { "system", "export", "import_read", "import_write" };
	const char *before = " ";
	u32 i;

	if (!rights)
		seq_puts(m, " -");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(rights & (1u << i)))
			continue;
		seq_printf(m, "%s%s", before, names[i]);
		before = ",";
	}
}

static void kite_proc_count(const struct kite_owner *owner, void *data)
{
	++*(u32 *)data;
}

static int stats_show(struct seq_file *m, void *unused)
{
	struct kite_device *kdev;
	u32 clients = 0;

	kite_owners_visit(kite_proc_count, &clients);
	seq_printf(m, "clients %u\n", clients);
	seq_puts(m, "device vram_size vram_used state resets temperature_mc power_uw fan_rpm "
		    "speed_percent link_in link_out graphics_ns compute_ns copy_ns\n");
	mutex_lock(&kite_devices_lock);
	list_for_each_entry(kdev, &kite_devices, link) {
		struct drm_kite_telemetry t;
		u64 used;

		kite_telemetry_read(kdev, &t);
		mutex_lock(&kdev->vram.lock);
		used = kite_vram_used(&kdev->vram);
		mutex_unlock(&kdev->vram.lock);
		seq_printf(m, "%s %llu %llu %d %d", pci_name(kdev->pdev),
			   kdev->vram.size - KITE_VRAM_CARVEOUT, used, atomic_read(&kdev->state),
			   atomic_read(&kdev->reset_count));
		if (t.flags & DRM_KITE_TELEMETRY_SENSORS)
			seq_printf(m, " %u %u %u %u", t.temperature_mc, t.power_uw, t.fan_rpm,
				   t.speed_percent);
		else
			seq_puts(m, " - - - -");
		if (t.flags & DRM_KITE_TELEMETRY_LINK)
			seq_printf(m, " %llu %llu", t.link_in, t.link_out);
		else
			seq_puts(m, " - -");
		seq_printf(m, " %llu %llu %llu\n", t.engine_busy_ns[DRM_KITE_QUEUE_GRAPHICS],
			   t.engine_busy_ns[DRM_KITE_QUEUE_COMPUTE],
			   t.engine_busy_ns[DRM_KITE_QUEUE_COPY]);
	}
	mutex_unlock(&kite_devices_lock);
	return 0;
}

static void kite_proc_quota(const struct kite_account *account, void *data)
{
	struct seq_file *m = data;
	u32 i;

	for (i = 0; i < KITE_RESOURCES; i++) {
		const struct kite_usage *usage = &account->usage[i];

		seq_printf(m, "%s %llu %s %llu", kite_kinds[account->kind], account->id,
			   kite_resources[i], (u64)atomic64_read(&usage->used));
		kite_proc_limit(m, usage->limit);
		seq_printf(m, " %llu %llu\n", (u64)atomic64_read(&usage->peak),
			   (u64)atomic64_read(&usage->refused));
	}
}

static int quotas_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "kind id resource used limit peak refused\n");
	kite_accounts_visit(kite_proc_quota, m);
	return 0;
}

static void kite_proc_memory(const struct kite_owner *owner, void *data)
{
	const struct kite_usage *usage = owner->accounts[0]->usage;
	struct seq_file *m = data;

	seq_printf(m, "%llu %d %s %llu %llu %llu %llu\n", owner->accounts[0]->id, owner->pid,
		   owner->device, (u64)atomic64_read(&usage[DRM_KITE_RESOURCE_VRAM].used),
		   (u64)atomic64_read(&usage[DRM_KITE_RESOURCE_VRAM].peak),
		   (u64)atomic64_read(&usage[DRM_KITE_RESOURCE_SYSTEM].used),
		   (u64)atomic64_read(&usage[DRM_KITE_RESOURCE_SYSTEM].peak));
}

static int allocations_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "client pid device vram vram_peak system system_peak\n");
	kite_owners_visit(kite_proc_memory, m);
	return 0;
}

static void kite_proc_account_rights(const struct kite_account *account, void *data)
{
	struct seq_file *m = data;

	if (!account->granted && !account->denied)
		return;
	seq_printf(m, "%s %llu", kite_kinds[account->kind], account->id);
	kite_proc_rights(m, account->granted);
	kite_proc_rights(m, account->denied);
	seq_putc(m, '\n');
}

static int dma_perms_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "kind id granted denied\n");
	seq_puts(m, "default -");
	kite_proc_rights(m, kite_default_rights());
	seq_puts(m, " -\n");
	kite_accounts_visit(kite_proc_account_rights, m);
	return 0;
}

static int contexts_show(struct seq_file *m, void *unused)
{
	struct kite_device *kdev;
	struct kite_vm *vm;

	seq_puts(m, "device context client pid state process\n");
	mutex_lock(&kite_devices_lock);
	list_for_each_entry(kdev, &kite_devices, link) {
		mutex_lock(&kdev->vms_lock);
		list_for_each_entry(vm, &kdev->vms, link)
			seq_printf(m, "%s %u %llu %d %u %s\n", pci_name(kdev->pdev), vm->context,
				   vm->client, vm->pid, READ_ONCE(vm->state.state), vm->process);
		mutex_unlock(&kdev->vms_lock);
	}
	mutex_unlock(&kite_devices_lock);
	return 0;
}

static void kite_proc_agent(const struct kite_owner *owner, void *data)
{
	struct seq_file *m = data;

	seq_printf(m, "%llu %d %s %llu", owner->accounts[0]->id, owner->pid, owner->device,
		   owner->accounts[1]->id);
	if (owner->count > 2)
		seq_printf(m, " %llu", owner->accounts[2]->id);
	else
		seq_puts(m, " -");
	kite_proc_rights(m, kite_owner_rights(owner));
	seq_printf(m, " %s\n", owner->process);
}

static int agents_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "client pid device uid cgroup rights process\n");
	kite_owners_visit(kite_proc_agent, m);
	return 0;
}

/** kite_proc_init() - make the files, if the module parameter asks for them */
int kite_proc_init(void)
{
	static const struct {
		const char *name;
		umode_t mode;
		int (*show)(struct seq_file *, void *);
	} files[] = {
		{ "stats", 0444, stats_show },
		{ "quotas", 0400, quotas_show },
		{ "allocations", 0400, allocations_show },
		{ "dma_perms", 0400, dma_perms_show },
		{ "contexts", 0400, contexts_show },
		{ "agents", 0400, agents_show },
	};
	struct proc_dir_entry *gpu;
	u32 i;

	if (!kite_proc_swarm)
		return 0;
	kite_proc_dir = proc_mkdir("swarm", NULL);
	gpu = kite_proc_dir ? proc_mkdir("gpu", kite_proc_dir) : NULL;
	for (i = 0; i < ARRAY_SIZE(files) && gpu; i++)
		if (!proc_create_single(files[i].name, files[i].mode, gpu, files[i].show))
			gpu = NULL;
	if (gpu)
		return 0;
	kite_proc_fini();
	return -ENOMEM;
}

/** kite_proc_fini() - remove the files */
void kite_proc_fini(void)
{
	if (kite_proc_dir)
		proc_remove(kite_proc_dir);
	kite_proc_dir = NULL;
}
