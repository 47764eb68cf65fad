// SPDX-License-Identifier: GPL-2.0
/*
 * ACCOUNT and DMA_RIGHTS: what an administrator sets and everybody may ask about themselves.
 */
#include <linux/capability.h>

#include "kite_account.h"
#include "kite_vm.h"

/* The account that arguments name, for somebody who may see it; 0 or an error. */
static int kite_account_name(struct drm_file *file, u32 kind, u64 *id, bool change)
{
	const struct kite_file *kfile = file->driver_priv;

	if (kind >= KITE_ACCOUNT_KINDS || (kind == DRM_KITE_ACCOUNT_UID && *id > U32_MAX))
		return -EINVAL;
	if (kind == DRM_KITE_ACCOUNT_CLIENT && !*id)
		*id = file->client_id;
	if ((change || !kite_owner_has(kfile->owner, kind, *id)) && !capable(CAP_SYS_ADMIN))
		return -EACCES;
	return 0;
}

static void kite_account_set_limit(struct kite_account *account, const void *data)
{
	const struct drm_kite_account *args = data;

	WRITE_ONCE(account->usage[args->resource].limit, args->limit);
}

/** kite_ioctl_account() - DRM_IOCTL_KITE_ACCOUNT */
int kite_ioctl_account(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_kite_account *args = data;
	bool set = args->flags & DRM_KITE_ACCOUNT_SET_LIMIT;
	struct kite_account account;
	const struct kite_usage *usage;
	int ret;

	if (args->pad || (args->flags & ~DRM_KITE_ACCOUNT_SET_LIMIT) ||
	    args->resource >= KITE_RESOURCES)
		return -EINVAL;
	ret = kite_account_name(file, args->kind, &args->id, set);
	if (!ret && set)
		ret = kite_account_change(args->kind, args->id, kite_account_set_limit, args);
	if (!ret)
		ret = kite_account_read(args->kind, args->id, &account);
	if (ret)
		return ret;
	usage = &account.usage[args->resource];
	args->limit = usage->limit;
	args->used = atomic64_read(&usage->used);
	args->peak = atomic64_read(&usage->peak);
	args->refused = atomic64_read(&usage->refused);
	return 0;
}

static void kite_account_set_rights(struct kite_account *account, const void *data)
{
	const struct drm_kite_dma_rights *args = data;
	u32 granted = account->granted & ~args->rights;
	u32 denied = account->denied & ~args->rights;

	if (args->op == DRM_KITE_RIGHTS_GRANT)
		granted |= args->rights;
	else if (args->op == DRM_KITE_RIGHTS_REVOKE)
		denied |= args->rights;
	WRITE_ONCE(account->granted, granted);
	WRITE_ONCE(account->denied, denied);
}

struct kite_rights_question {
	u64 client;
	u32 effective;
};

static void kite_rights_of_client(const struct kite_owner *owner, void *data)
{
	struct kite_rights_question *question = data;

	if (owner->accounts[0]->id == question->client)
		question->effective = kite_owner_rights(owner);
}

/** kite_ioctl_dma_rights() - DRM_IOCTL_KITE_DMA_RIGHTS */
int kite_ioctl_dma_rights(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_kite_dma_rights *args = data;
	struct kite_rights_question question;
	bool change = args->op != DRM_KITE_RIGHTS_CHECK;
	struct kite_account account;
	int ret;

	if (args->op > DRM_KITE_RIGHTS_RESET || (args->rights & ~KITE_RIGHTS_ALL) ||
	    change != !!args->rights)
		return -EINVAL;
	ret = kite_account_name(file, args->kind, &args->id, change);
	if (!ret && change)
		ret = kite_account_change(args->kind, args->id, kite_account_set_rights, args);
	/* A grant taken back by RESET may leave mappings without a right, too. */
	if (!ret && (args->op == DRM_KITE_RIGHTS_REVOKE || args->op == DRM_KITE_RIGHTS_RESET))
		ret = kite_vms_revoke(args->kind, args->id);
	if (!ret)
		ret = kite_account_read(args->kind, args->id, &account);
	if (ret)
		return ret;
	args->granted = account.granted;
	args->denied = account.denied;
	args->effective = (kite_default_rights() | account.granted) & ~account.denied;
	if (args->kind == DRM_KITE_ACCOUNT_CLIENT) {
		question = (struct kite_rights_question){ args->id, args->effective };
		kite_owners_visit(kite_rights_of_client, &question);
		args->effective = question.effective;
	}
	return 0;
}
