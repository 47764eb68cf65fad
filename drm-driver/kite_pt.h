/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page tables of one GPU address space: directory (1 GiB entries) -> page table (2 MiB) -> leaf table
 * (4 KiB), in VRAM, with a shadow here that says what is in use.
 *
 * Pure arithmetic: no allocation, no locks, no hardware but the write hook; built in userspace, too,
 * where it is tested. The life of an operation on a range: kite_pt_need() and kite_pt_pin() in the
 * ioctl, which supplies tables; kite_pt_map(), kite_pt_zero() or kite_pt_clear() when its turn comes,
 * which cannot fail; kite_pt_unpin() when the device has seen it, which gives unused tables back.
 * Operations write in the order in which they were pinned. The caller serialises all calls.
 *
 * A 2 MiB slot is nothing, a hole of zeros (one entry), or a leaf table; a table that lost its last
 * page is unlinked at once but freed only when nobody has it pinned.
 */
#ifndef _KITE_PT_H_
#define _KITE_PT_H_

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include "kite_pt_port.h"
#endif

#define KITE_PT_PAGE_SHIFT 12
#define KITE_PT_SLOT_SHIFT 21
#define KITE_PT_DIR_SHIFT 30
#define KITE_PT_ENTRIES 512
#define KITE_PT_ROOT_ENTRIES 1024
#define KITE_PT_ROOT_BYTES (KITE_PT_ROOT_ENTRIES * 8)

/** enum kite_pt_kind - what an operation does to its range */
enum kite_pt_kind {
	/** @KITE_PT_MAP: pages */
	KITE_PT_MAP,
	/** @KITE_PT_ZERO: reads give zero */
	KITE_PT_ZERO,
	/** @KITE_PT_CLEAR: nothing */
	KITE_PT_CLEAR,
};

/** enum kite_pt_flags - properties of mapped pages */
enum kite_pt_flags {
	/** @KITE_PT_SYSTEM: the address is a bus address, not a VRAM offset */
	KITE_PT_SYSTEM = 1,
	/** @KITE_PT_READ_ONLY: GPU writes fault */
	KITE_PT_READ_ONLY = 2,
};

/** struct kite_pt_page - 4 KiB of VRAM for a table */
struct kite_pt_page {
	/** @offset: in VRAM */
	u64 offset;
	/** @owner: of the allocator */
	void *owner;
};

/** struct kite_pt_table - a leaf table */
struct kite_pt_table {
	/** @next: in a &struct kite_pt_spare */
	struct kite_pt_table *next;
	/** @page: its memory */
	struct kite_pt_page page;
	/** @valid: bit per entry that maps something */
	u64 valid[KITE_PT_ENTRIES / 64];
	/** @used: bits set in @valid */
	u32 used;
};

/** enum kite_pt_slot_state - what 2 MiB are */
enum kite_pt_slot_state {
	/** @KITE_PT_SLOT_NONE: nothing */
	KITE_PT_SLOT_NONE = 0,
	/** @KITE_PT_SLOT_ZERO: zeros */
	KITE_PT_SLOT_ZERO,
	/** @KITE_PT_SLOT_TABLE: what the table says */
	KITE_PT_SLOT_TABLE,
};

/** struct kite_pt_slot - 2 MiB of address space */
struct kite_pt_slot {
	/** @table: leaf table, linked or in reserve, or NULL */
	struct kite_pt_table *table;
	/** @pins: operations that have not finished */
	u32 pins;
	/** @state: &enum kite_pt_slot_state */
	u32 state;
};

/** struct kite_pt_dir - a page table: 1 GiB of address space */
struct kite_pt_dir {
	/** @next: in a &struct kite_pt_spare */
	struct kite_pt_dir *next;
	/** @page: its memory */
	struct kite_pt_page page;
	/** @born: number of the operation that brought it */
	u64 born;
	/** @pins: sum of the slots' pins */
	u64 pins;
	/** @live: slots that are not empty; the directory points here if there are any */
	u32 live;
	/** @slots: the slots */
	struct kite_pt_slot slots[KITE_PT_ENTRIES];
};

/** struct kite_pt_spare - tables on their way in or out */
struct kite_pt_spare {
	/** @dirs: list of page tables */
	struct kite_pt_dir *dirs;
	/** @nr_dirs: its length */
	u32 nr_dirs;
	/** @tables: list of leaf tables */
	struct kite_pt_table *tables;
	/** @nr_tables: its length */
	u32 nr_tables;
};

/** struct kite_pt - page tables of one address space */
struct kite_pt {
	/** @root: VRAM offset of the directory */
	u64 root;
	/** @write: store an entry at a VRAM offset */
	void (*write)(void *priv, u64 offset, u64 entry);
	/** @priv: for @write */
	void *priv;
	/** @seq: operations pinned so far */
	u64 seq;
	/** @dirs: page tables that exist */
	struct kite_pt_dir *dirs[KITE_PT_ROOT_ENTRIES];
};

void kite_pt_init(struct kite_pt *pt, u64 root,
		  void (*write)(void *priv, u64 offset, u64 entry), void *priv);
void kite_pt_need(const struct kite_pt *pt, u64 va, u64 range, enum kite_pt_kind kind,
		  u32 *dirs, u32 *tables);
u64 kite_pt_pin(struct kite_pt *pt, u64 va, u64 range, enum kite_pt_kind kind,
		struct kite_pt_spare *spare);
void kite_pt_unpin(struct kite_pt *pt, u64 va, u64 range, u64 seq, struct kite_pt_spare *spare);
void kite_pt_map(struct kite_pt *pt, u64 va, u64 address, u64 bytes, u32 flags);
void kite_pt_zero(struct kite_pt *pt, u64 va, u64 range);
void kite_pt_clear(struct kite_pt *pt, u64 va, u64 range);
void kite_pt_forget(struct kite_pt *pt);
void kite_pt_take_all(struct kite_pt *pt, struct kite_pt_spare *spare);
void kite_pt_spare_add_dir(struct kite_pt_spare *spare, struct kite_pt_dir *dir);
void kite_pt_spare_add_table(struct kite_pt_spare *spare, struct kite_pt_table *table);

#endif /* _KITE_PT_H_ */
