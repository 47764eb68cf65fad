// SPDX-License-Identifier: GPL-2.0
/*
 * VRAM for page tables.
 */
#include "kite_ptpool.h"

#include <linux/bitmap.h>
#include <linux/slab.h>

#include "kite_account.h"
#include "kite_bo.h"

#define KITE_CHUNK_BYTES SZ_64K
#define KITE_CHUNK_PAGES (KITE_CHUNK_BYTES >> KITE_PT_PAGE_SHIFT)

/** struct kite_ptpool_chunk - one pinned buffer */
struct kite_ptpool_chunk {
	/** @link: in &kite_device.ptpool.chunks */
	struct list_head link;
	/** @bo: the buffer */
	struct kite_bo *bo;
	/** @offset: in VRAM */
	u64 offset;
	/** @used: pages given out */
	DECLARE_BITMAP(used, KITE_CHUNK_PAGES);
};

/** kite_ptpool_init() - an empty pool */
int kite_ptpool_init(struct kite_device *kdev)
{
	mutex_init(&kdev->ptpool.lock);
	INIT_LIST_HEAD(&kdev->ptpool.chunks);
	return 0;
}

static bool kite_ptpool_try(struct kite_ptpool_chunk *chunk, u32 count, struct kite_pt_page *page)
{
	unsigned long at = bitmap_find_next_zero_area(chunk->used, KITE_CHUNK_PAGES, 0, count,
						      count - 1);

	if (at >= KITE_CHUNK_PAGES)
		return false;
	bitmap_set(chunk->used, at, count);
	page->offset = chunk->offset + ((u64)at << KITE_PT_PAGE_SHIFT);
	page->owner = chunk;
	return true;
}

/* @count aligned pages; the lock is not held while memory is allocated. */
static int kite_ptpool_get(struct kite_device *kdev, u32 count, struct kite_pt_page *page)
{
	struct kite_ptpool_chunk *chunk;
	bool system;
	u64 run;

	mutex_lock(&kdev->ptpool.lock);
	list_for_each_entry(chunk, &kdev->ptpool.chunks, link) {
		if (kite_ptpool_try(chunk, count, page)) {
			/* The next one who asks will probably find room here, too. */
			list_move(&chunk->link, &kdev->ptpool.chunks);
			mutex_unlock(&kdev->ptpool.lock);
			return 0;
		}
	}
	mutex_unlock(&kdev->ptpool.lock);

	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	chunk->bo = kite_bo_create_pinned(kdev, KITE_CHUNK_BYTES);
	if (IS_ERR(chunk->bo)) {
		int ret = PTR_ERR(chunk->bo);

		kfree(chunk);
		return ret;
	}
	chunk->offset = kite_bo_address(chunk->bo, 0, &run, &system);
	kite_ptpool_try(chunk, count, page);
	mutex_lock(&kdev->ptpool.lock);
	list_add(&chunk->link, &kdev->ptpool.chunks);
	mutex_unlock(&kdev->ptpool.lock);
	return 0;
}

static void kite_ptpool_put(struct kite_device *kdev, struct kite_owner *owner, u32 count,
			    struct kite_pt_page *page)
{
	struct kite_ptpool_chunk *chunk = page->owner;
	bool empty;

	mutex_lock(&kdev->ptpool.lock);
	bitmap_clear(chunk->used, (page->offset - chunk->offset) >> KITE_PT_PAGE_SHIFT, count);
	empty = bitmap_empty(chunk->used, KITE_CHUNK_PAGES);
	if (empty)
		list_del(&chunk->link);
	mutex_unlock(&kdev->ptpool.lock);
	kite_owner_uncharge(owner, DRM_KITE_RESOURCE_VRAM, (u64)count << KITE_PT_PAGE_SHIFT);
	if (empty) {
		kite_bo_destroy_pinned(chunk->bo);
		kfree(chunk);
	}
}

/* The same, and the owner charged for them. */
static int kite_ptpool_charge(struct kite_device *kdev, struct kite_owner *owner, u32 count,
			      struct kite_pt_page *page)
{
	u64 bytes = (u64)count << KITE_PT_PAGE_SHIFT;
	int ret = kite_owner_charge(owner, DRM_KITE_RESOURCE_VRAM, bytes);

	if (ret)
		return ret;
	ret = kite_ptpool_get(kdev, count, page);
	if (ret)
		kite_owner_uncharge(owner, DRM_KITE_RESOURCE_VRAM, bytes);
	return ret;
}

/** kite_ptpool_get_root() - VRAM for a directory */
int kite_ptpool_get_root(struct kite_device *kdev, struct kite_owner *owner,
			 struct kite_pt_page *page)
{
	return kite_ptpool_charge(kdev, owner, KITE_PT_ROOT_BYTES >> KITE_PT_PAGE_SHIFT, page);
}

/** kite_ptpool_put_root() - give a directory back */
void kite_ptpool_put_root(struct kite_device *kdev, struct kite_owner *owner,
			  struct kite_pt_page *page)
{
	kite_ptpool_put(kdev, owner, KITE_PT_ROOT_BYTES >> KITE_PT_PAGE_SHIFT, page);
}

/**
 * kite_ptpool_fill() - get tables
 * @kdev: the device
 * @owner: who is charged
 * @spare: receives them
 * @dirs: page tables that it shall hold
 * @tables: leaf tables that it shall hold
 *
 * Return: 0, -EDQUOT, -ENOSPC, -ENOMEM; what was added before an error stays.
 */
int kite_ptpool_fill(struct kite_device *kdev, struct kite_owner *owner,
		     struct kite_pt_spare *spare, u32 dirs, u32 tables)
{
	int ret;

	while (spare->nr_dirs < dirs) {
		struct kite_pt_dir *dir = kvzalloc(sizeof(*dir), GFP_KERNEL);

		if (!dir)
			return -ENOMEM;
		ret = kite_ptpool_charge(kdev, owner, 1, &dir->page);
		if (ret) {
			kvfree(dir);
			return ret;
		}
		kite_pt_spare_add_dir(spare, dir);
	}
	while (spare->nr_tables < tables) {
		struct kite_pt_table *table = kzalloc(sizeof(*table), GFP_KERNEL);

		if (!table)
			return -ENOMEM;
		ret = kite_ptpool_charge(kdev, owner, 1, &table->page);
		if (ret) {
			kfree(table);
			return ret;
		}
		kite_pt_spare_add_table(spare, table);
	}
	return 0;
}

/** kite_ptpool_drain() - give all tables of a list back */
void kite_ptpool_drain(struct kite_device *kdev, struct kite_owner *owner,
		       struct kite_pt_spare *spare)
{
	while (spare->dirs) {
		struct kite_pt_dir *dir = spare->dirs;

		spare->dirs = dir->next;
		kite_ptpool_put(kdev, owner, 1, &dir->page);
		kvfree(dir);
	}
	while (spare->tables) {
		struct kite_pt_table *table = spare->tables;

		spare->tables = table->next;
		kite_ptpool_put(kdev, owner, 1, &table->page);
		kfree(table);
	}
	spare->nr_dirs = 0;
	spare->nr_tables = 0;
}
