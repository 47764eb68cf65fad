/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handles: what a file has by number, VMs and queues. A table is an xarray of struct kite_handle.
 *
 * Lifetime: an object embeds its handle, whose reference count is the object's; the table has one
 * reference. Numbers are small, positive and used again. Tables lock themselves.
 */
#ifndef _KITE_HANDLE_H_
#define _KITE_HANDLE_H_

#include <linux/kref.h>
#include <linux/xarray.h>

/** struct kite_handle - an object with a number */
struct kite_handle {
	/** @ref: table and users */
	struct kref ref;
	/** @id: number in its table */
	u32 id;
};

/**
 * kite_handle_publish() - put an object into a table
 * @table: the table, which takes over the caller's reference
 * @handle: of a finished object
 * @id: receives the number
 *
 * As soon as the object is in the table another thread can find and free it, so the number is read
 * under the table's lock. Nothing is reserved before: a reservation could be erased, too.
 * Returns 0 or an error, and then the reference is still the caller's.
 */
static inline int kite_handle_publish(struct xarray *table, struct kite_handle *handle, u32 *id)
{
	int ret;

	xa_lock(table);
	ret = __xa_alloc(table, &handle->id, handle, xa_limit_31b, GFP_KERNEL);
	if (!ret)
		*id = handle->id;
	xa_unlock(table);
	return ret;
}

/** kite_handle_lookup() - the object of a number, referenced, or NULL */
static inline struct kite_handle *kite_handle_lookup(struct xarray *table, u32 id)
{
	struct kite_handle *handle;

	xa_lock(table);
	handle = xa_load(table, id);
	if (handle)
		kref_get(&handle->ref);
	xa_unlock(table);
	return handle;
}

#endif /* _KITE_HANDLE_H_ */
