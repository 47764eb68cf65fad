// SPDX-License-Identifier: GPL-2.0
/*
 * Accounts, owners, charging and rights.
 */
#include "kite_account.h"

#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/device.h>
#include <linux/hashtable.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>

/* Deeper cgroups are charged to their nearest this many ancestors. */
#define KITE_CGROUPS_MAX 16

static uint kite_dma_rights = DRM_KITE_RIGHT_SYSTEM | DRM_KITE_RIGHT_EXPORT;
module_param_named(dma_rights, kite_dma_rights, uint, 0444);
MODULE_PARM_DESC(dma_rights,
		 "What every client may have the device do outside of VRAM: 1 buffers in system memory, 2 export, 4 read and 8 write other devices' buffers (default 3)");

static DEFINE_MUTEX(kite_accounts_lock);
static DEFINE_HASHTABLE(kite_accounts, 8);
static LIST_HEAD(kite_owners);

/**
 * kite_usage_charge() - use more, if the limit lets
 * @usage: the resource
 * @amount: how much more
 *
 * Exact with any number of threads: a charge is refused only if it would not have fit.
 *
 * Return: whether it fitted.
 */
bool kite_usage_charge(struct kite_usage *usage, u64 amount)
{
	s64 used = atomic64_read(&usage->used);
	s64 peak;
	u64 now;

	do {
		u64 limit = READ_ONCE(usage->limit);

		if ((u64)used > limit || amount > limit - (u64)used || amount > S64_MAX - used)
			return false;
		now = (u64)used + amount;
	} while (!atomic64_try_cmpxchg(&usage->used, &used, (s64)now));

	peak = atomic64_read(&usage->peak);
	while ((u64)peak < now && !atomic64_try_cmpxchg(&usage->peak, &peak, (s64)now))
		;
	return true;
}

/** kite_usage_uncharge() - use less */
void kite_usage_uncharge(struct kite_usage *usage, u64 amount)
{
	WARN_ON_ONCE(atomic64_sub_return((s64)amount, &usage->used) < 0);
}

/* Charges all, or none and tells who refused. */
static struct kite_usage *kite_owner_refuser(struct kite_owner *owner, u32 resource, u64 amount)
{
	struct kite_usage *refuser;
	u32 i;

	for (i = 0; i < owner->count; i++)
		if (!kite_usage_charge(&owner->accounts[i]->usage[resource], amount))
			break;
	if (i == owner->count)
		return NULL;
	refuser = &owner->accounts[i]->usage[resource];
	while (i--)
		kite_usage_uncharge(&owner->accounts[i]->usage[resource], amount);
	return refuser;
}

/** kite_owner_try_charge() - as kite_owner_charge(), but a refusal is not counted */
bool kite_owner_try_charge(struct kite_owner *owner, u32 resource, u64 amount)
{
	return !kite_owner_refuser(owner, resource, amount);
}

/** kite_owner_charge() - charge all accounts of an owner, or none; returns 0 or -EDQUOT */
int kite_owner_charge(struct kite_owner *owner, u32 resource, u64 amount)
{
	struct kite_usage *refuser = kite_owner_refuser(owner, resource, amount);

	if (!refuser)
		return 0;
	atomic64_inc(&refuser->refused);
	return -EDQUOT;
}

/** kite_owner_uncharge() - undo kite_owner_charge() */
void kite_owner_uncharge(struct kite_owner *owner, u32 resource, u64 amount)
{
	u32 i;

	for (i = 0; i < owner->count; i++)
		kite_usage_uncharge(&owner->accounts[i]->usage[resource], amount);
}

/** kite_owner_left() - what the limits leave, or KITE_NO_LIMIT */
u64 kite_owner_left(const struct kite_owner *owner, u32 resource)
{
	u64 left = KITE_NO_LIMIT;
	u32 i;

	for (i = 0; i < owner->count; i++) {
		const struct kite_usage *usage = &owner->accounts[i]->usage[resource];
		u64 limit = READ_ONCE(usage->limit);
		u64 used = atomic64_read(&usage->used);

		if (limit != KITE_NO_LIMIT)
			left = min(left, limit > used ? limit - used : 0);
	}
	return left;
}

/** kite_owner_rights() - enum drm_kite_dma_right that an owner has now */
u32 kite_owner_rights(const struct kite_owner *owner)
{
	u32 granted = kite_default_rights();
	u32 denied = 0;
	u32 i;

	for (i = 0; i < owner->count; i++) {
		granted |= READ_ONCE(owner->accounts[i]->granted);
		denied |= READ_ONCE(owner->accounts[i]->denied);
	}
	return granted & ~denied;
}

static struct kite_account *kite_account_find(u32 kind, u64 id)
{
	struct kite_account *account;

	lockdep_assert_held(&kite_accounts_lock);
	hash_for_each_possible(kite_accounts, account, node, id)
		if (account->kind == kind && account->id == id)
			return account;
	return NULL;
}

/* The account, referenced; @spare is used and cleared if there was none. Nothing is allocated here. */
static struct kite_account *kite_account_get(u32 kind, u64 id, struct kite_account **spare)
{
	struct kite_account *account = kite_account_find(kind, id);
	u32 i;

	if (account) {
		kref_get(&account->ref);
		return account;
	}
	account = *spare;
	*spare = NULL;
	kref_init(&account->ref);
	account->kind = kind;
	account->id = id;
	for (i = 0; i < KITE_RESOURCES; i++)
		account->usage[i].limit = KITE_NO_LIMIT;
	hash_add(kite_accounts, &account->node, id);
	return account;
}

static void kite_account_release(struct kref *ref)
{
	struct kite_account *account = container_of(ref, struct kite_account, ref);

	lockdep_assert_held(&kite_accounts_lock);
	hash_del(&account->node);
	kfree(account);
}

/* Keep it exactly as long as there is something to remember; the table's lock is held. */
static void kite_account_keep(struct kite_account *account)
{
	bool keep = account->granted || account->denied;
	u32 i;

	for (i = 0; i < KITE_RESOURCES; i++)
		keep |= account->usage[i].limit != KITE_NO_LIMIT;
	if (keep == account->kept || account->kind == DRM_KITE_ACCOUNT_CLIENT)
		return;
	account->kept = keep;
	if (keep)
		kref_get(&account->ref);
	else
		kref_put(&account->ref, kite_account_release);
}

/* Ids of the accounts of the calling process; returns how many. */
static u32 kite_owner_ids(struct drm_file *file, u32 *kinds, u64 *ids)
{
	u32 count = 0;

	kinds[count] = DRM_KITE_ACCOUNT_CLIENT;
	ids[count++] = file->client_id;
	kinds[count] = DRM_KITE_ACCOUNT_UID;
	ids[count++] = from_kuid(&init_user_ns, current_euid());
#ifdef CONFIG_CGROUPS
	rcu_read_lock();
	for (struct cgroup *cgroup = task_dfl_cgroup(current); cgroup && count < KITE_CGROUPS_MAX + 2;
	     cgroup = cgroup_parent(cgroup)) {
		kinds[count] = DRM_KITE_ACCOUNT_CGROUP;
		ids[count++] = cgroup_id(cgroup);
	}
	rcu_read_unlock();
#endif
	return count;
}

/** kite_owner_create() - whom the file that is being opened charges; NULL without memory */
struct kite_owner *kite_owner_create(struct drm_file *file)
{
	struct kite_account *spares[KITE_CGROUPS_MAX + 2] = {};
	u32 kinds[KITE_CGROUPS_MAX + 2];
	u64 ids[KITE_CGROUPS_MAX + 2];
	bool admin = capable(CAP_SYS_ADMIN);
	struct kite_owner *owner;
	u32 i, count;

	count = kite_owner_ids(file, kinds, ids);
	owner = kzalloc(struct_size(owner, accounts, count), GFP_KERNEL);
	for (i = 0; i < count && owner; i++) {
		spares[i] = kzalloc(sizeof(*spares[i]), GFP_KERNEL);
		if (!spares[i]) {
			kfree(owner);
			owner = NULL;
		}
	}
	if (owner) {
		kref_init(&owner->ref);
		owner->count = count;
		owner->pid = task_tgid_nr(current);
		get_task_comm(owner->process, current->group_leader);
		strscpy(owner->device, dev_name(file->minor->dev->dev), sizeof(owner->device));
		mutex_lock(&kite_accounts_lock);
		for (i = 0; i < count; i++)
			owner->accounts[i] = kite_account_get(kinds[i], ids[i], &spares[i]);
		/* Administrators would grant it to themselves. */
		if (admin)
			owner->accounts[0]->granted = KITE_RIGHTS_ALL;
		list_add_tail(&owner->link, &kite_owners);
		mutex_unlock(&kite_accounts_lock);
	}
	for (i = 0; i < count; i++)
		kfree(spares[i]);
	return owner;
}

/** kite_owner_get() - one reference more */
struct kite_owner *kite_owner_get(struct kite_owner *owner)
{
	kref_get(&owner->ref);
	return owner;
}

static void kite_owner_release(struct kref *ref)
{
	struct kite_owner *owner = container_of(ref, struct kite_owner, ref);
	u32 i;

	for (i = 0; i < owner->count; i++)
		kref_put(&owner->accounts[i]->ref, kite_account_release);
	mutex_unlock(&kite_accounts_lock);
	kfree(owner);
}

/** kite_owner_put() - one reference less */
void kite_owner_put(struct kite_owner *owner)
{
	kref_put_mutex(&owner->ref, kite_owner_release, &kite_accounts_lock);
}

/** kite_owner_close() - its file is closed: it is nobody's client any more */
void kite_owner_close(struct kite_owner *owner)
{
	mutex_lock(&kite_accounts_lock);
	list_del(&owner->link);
	mutex_unlock(&kite_accounts_lock);
	kite_owner_put(owner);
}

/** kite_accounts_fini() - the module goes: forget limits and rights; nobody owns anything any more */
void kite_accounts_fini(void)
{
	struct kite_account *account;
	struct hlist_node *next;
	u32 i;

	mutex_lock(&kite_accounts_lock);
	hash_for_each_safe(kite_accounts, i, next, account, node) {
		WARN_ON(kref_read(&account->ref) != 1);
		hash_del(&account->node);
		kfree(account);
	}
	mutex_unlock(&kite_accounts_lock);
}

/**
 * kite_account_read() - copy an account
 * @kind: enum drm_kite_account_kind
 * @id: whose
 * @out: what is known; of users and cgroups nobody has heard of, an empty one
 *
 * Return: 0, or -ENOENT for a client that is not open.
 */
int kite_account_read(u32 kind, u64 id, struct kite_account *out)
{
	const struct kite_account *account;
	u32 i;

	memset(out, 0, sizeof(*out));
	out->kind = kind;
	out->id = id;
	for (i = 0; i < KITE_RESOURCES; i++)
		out->usage[i].limit = KITE_NO_LIMIT;
	mutex_lock(&kite_accounts_lock);
	account = kite_account_find(kind, id);
	if (account)
		*out = *account;
	mutex_unlock(&kite_accounts_lock);
	return account || kind != DRM_KITE_ACCOUNT_CLIENT ? 0 : -ENOENT;
}

/**
 * kite_account_change() - give an account limits and rights
 * @kind: enum drm_kite_account_kind
 * @id: whose
 * @change: what to do to it, with @data; may not sleep on memory
 * @data: for @change
 *
 * Return: 0, -ENOENT for a client that is not open, -ENOMEM.
 */
int kite_account_change(u32 kind, u64 id, void (*change)(struct kite_account *, const void *),
			const void *data)
{
	struct kite_account *spare = kzalloc(sizeof(*spare), GFP_KERNEL);
	struct kite_account *account;
	int ret = 0;

	if (!spare)
		return -ENOMEM;
	mutex_lock(&kite_accounts_lock);
	if (kind == DRM_KITE_ACCOUNT_CLIENT && !kite_account_find(kind, id)) {
		ret = -ENOENT;
	} else {
		account = kite_account_get(kind, id, &spare);
		change(account, data);
		kite_account_keep(account);
		kref_put(&account->ref, kite_account_release);
	}
	mutex_unlock(&kite_accounts_lock);
	kfree(spare);
	return ret;
}

/** kite_owner_has() - whether an account is among those of an owner */
bool kite_owner_has(const struct kite_owner *owner, u32 kind, u64 id)
{
	u32 i;

	for (i = 0; i < owner->count; i++)
		if (owner->accounts[i]->kind == kind && owner->accounts[i]->id == id)
			return true;
	return false;
}

/** kite_default_rights() - enum drm_kite_dma_right that everybody has */
u32 kite_default_rights(void)
{
	return kite_dma_rights & KITE_RIGHTS_ALL;
}

/** kite_accounts_visit() - show every account; @visit may not come back here */
void kite_accounts_visit(void (*visit)(const struct kite_account *, void *), void *data)
{
	const struct kite_account *account;
	u32 i;

	mutex_lock(&kite_accounts_lock);
	hash_for_each(kite_accounts, i, account, node)
		visit(account, data);
	mutex_unlock(&kite_accounts_lock);
}

/** kite_owners_visit() - show the owner of every open file; @visit may not come back here */
void kite_owners_visit(void (*visit)(const struct kite_owner *, void *), void *data)
{
	const struct kite_owner *owner;

	mutex_lock(&kite_accounts_lock);
	list_for_each_entry(owner, &kite_owners, link)
		visit(owner, data);
	mutex_unlock(&kite_accounts_lock);
}
