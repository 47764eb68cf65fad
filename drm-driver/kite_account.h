/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Accounts: who uses how much, who may, and who may have the device touch what.
 *
 * An account belongs to an open file, a user or a cgroup and is global to the module, so that limits and
 * rights outlive the eGPU they were set on. An owner is the set of accounts that one file charges:
 * its own, its user's, its cgroup's and those of the cgroup's parents. The kernel fills it in when
 * the file is opened; nothing a client says goes into it.
 *
 * Lifetime: files, buffers and VMs hold their owner, owners hold their accounts; an account with a
 * limit or a right of its own stays until that is taken back. Charging takes no lock and may happen in any
 * context; making, finding and putting owners may sleep.
 */
#ifndef _KITE_ACCOUNT_H_
#define _KITE_ACCOUNT_H_

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/sched.h>

#include "uapi/kite_drm.h"

#define KITE_RESOURCES (DRM_KITE_RESOURCE_QUEUES + 1)
#define KITE_ACCOUNT_KINDS (DRM_KITE_ACCOUNT_CGROUP + 1)
#define KITE_RIGHTS_ALL                                                         \
	(DRM_KITE_RIGHT_SYSTEM | DRM_KITE_RIGHT_EXPORT | DRM_KITE_RIGHT_IMPORT_READ | \
	 DRM_KITE_RIGHT_IMPORT_WRITE)
#define KITE_NO_LIMIT U64_MAX

struct drm_device;
struct drm_file;

/** struct kite_usage - one resource of an account */
struct kite_usage {
	/** @used: in use */
	atomic64_t used;
	/** @peak: most that was in use */
	atomic64_t peak;
	/** @refused: charges refused because of @limit */
	atomic64_t refused;
	/** @limit: most that may be used, or KITE_NO_LIMIT */
	u64 limit;
};

/** struct kite_account - somebody who is counted */
struct kite_account {
	/** @ref: owners, lookups, and one while @kept */
	struct kref ref;
	/** @node: in the table of accounts */
	struct hlist_node node;
	/** @id: who, see enum drm_kite_account_kind */
	u64 id;
	/** @kind: enum drm_kite_account_kind */
	u32 kind;
	/** @kept: it has a limit or a right of its own; under the table's lock */
	bool kept;
	/** @granted: enum drm_kite_dma_right; under the table's lock, read without */
	u32 granted;
	/** @denied: enum drm_kite_dma_right; under the table's lock, read without */
	u32 denied;
	/** @usage: by enum drm_kite_resource */
	struct kite_usage usage[KITE_RESOURCES];
};

/** struct kite_owner - whom a file charges */
struct kite_owner {
	/** @ref: its file, VMs and buffers */
	struct kref ref;
	/** @link: in the list of owners, while the file is open */
	struct list_head link;
	/** @pid: process that opened the file */
	pid_t pid;
	/** @process: its name */
	char process[TASK_COMM_LEN];
	/** @device: name of the eGPU's PCI function */
	char device[32];
	/** @count: accounts */
	u32 count;
	/** @accounts: client, user, cgroups from the inside out */
	struct kite_account *accounts[] __counted_by(count);
};

bool kite_usage_charge(struct kite_usage *usage, u64 amount);
void kite_usage_uncharge(struct kite_usage *usage, u64 amount);

struct kite_owner *kite_owner_create(struct drm_file *file);
struct kite_owner *kite_owner_get(struct kite_owner *owner);
void kite_owner_put(struct kite_owner *owner);
void kite_owner_close(struct kite_owner *owner);
bool kite_owner_try_charge(struct kite_owner *owner, u32 resource, u64 amount);
int kite_owner_charge(struct kite_owner *owner, u32 resource, u64 amount);
void kite_owner_uncharge(struct kite_owner *owner, u32 resource, u64 amount);
u64 kite_owner_left(const struct kite_owner *owner, u32 resource);
u32 kite_owner_rights(const struct kite_owner *owner);

bool kite_owner_has(const struct kite_owner *owner, u32 kind, u64 id);
u32 kite_default_rights(void);

int kite_account_read(u32 kind, u64 id, struct kite_account *out);
int kite_account_change(u32 kind, u64 id, void (*change)(struct kite_account *, const void *),
			const void *data);
void kite_accounts_visit(void (*visit)(const struct kite_account *, void *), void *data);
void kite_owners_visit(void (*visit)(const struct kite_owner *, void *), void *data);
void kite_accounts_fini(void);

int kite_ioctl_account(struct drm_device *drm, void *data, struct drm_file *file);
int kite_ioctl_dma_rights(struct drm_device *drm, void *data, struct drm_file *file);

int kite_proc_init(void);
void kite_proc_fini(void);

#endif /* _KITE_ACCOUNT_H_ */
