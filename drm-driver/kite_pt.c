// SPDX-License-Identifier: GPL-2.0
/*
 * Page-table arithmetic; see kite_pt.h.
 */
#include "kite_pt.h"

#ifdef __KERNEL__
#include <linux/bug.h>
#include <linux/minmax.h>
#include <linux/string.h>
#endif

#include "kite_hw.h"

#define KITE_PT_PAGE (1ull << KITE_PT_PAGE_SHIFT)
#define KITE_PT_SLOT (1ull << KITE_PT_SLOT_SHIFT)
#define KITE_PT_VALID (1ull << KITE_HW_PAGE_TABLE_ENTRY_VALID_SHIFT)
#define KITE_PT_LEAF (1ull << KITE_HW_PAGE_TABLE_ENTRY_LEAF_SHIFT)
#define KITE_PT_ZERO_LEAF \
	(KITE_PT_VALID | KITE_PT_LEAF | (1ull << KITE_HW_PAGE_TABLE_ENTRY_ZERO_SHIFT))

/** struct kite_pt_span - the part of a range in one slot */
struct kite_pt_span {
	/** @dir: index of the page table */
	u32 dir;
	/** @slot: index of the slot in it */
	u32 slot;
	/** @first: first entry of the leaf table */
	u32 first;
	/** @count: entries */
	u32 count;
};

static struct kite_pt_span kite_pt_span(u64 va, u64 end)
{
	u64 stop = min((va | (KITE_PT_SLOT - 1)) + 1, end);
	struct kite_pt_span span = {
		.dir = (u32)(va >> KITE_PT_DIR_SHIFT) & (KITE_PT_ROOT_ENTRIES - 1),
		.slot = (u32)(va >> KITE_PT_SLOT_SHIFT) & (KITE_PT_ENTRIES - 1),
		.first = (u32)(va >> KITE_PT_PAGE_SHIFT) & (KITE_PT_ENTRIES - 1),
		.count = (u32)((stop - va) >> KITE_PT_PAGE_SHIFT),
	};

	return span;
}

static u64 kite_pt_span_bytes(const struct kite_pt_span *span)
{
	return (u64)span->count << KITE_PT_PAGE_SHIFT;
}

/* The address where the next 1 GiB begins, for skipping page tables that do not exist. */
static u64 kite_pt_next_dir(u64 va)
{
	return (va | ((1ull << KITE_PT_DIR_SHIFT) - 1)) + 1;
}

/** kite_pt_spare_add_dir() - put a page table on the list */
void kite_pt_spare_add_dir(struct kite_pt_spare *spare, struct kite_pt_dir *dir)
{
	dir->next = spare->dirs;
	spare->dirs = dir;
	spare->nr_dirs++;
}

/** kite_pt_spare_add_table() - put a leaf table on the list */
void kite_pt_spare_add_table(struct kite_pt_spare *spare, struct kite_pt_table *table)
{
	table->next = spare->tables;
	spare->tables = table;
	spare->nr_tables++;
}

static struct kite_pt_dir *kite_pt_spare_get_dir(struct kite_pt_spare *spare)
{
	struct kite_pt_dir *dir = spare->dirs;

	spare->dirs = dir->next;
	spare->nr_dirs--;
	return dir;
}

static struct kite_pt_table *kite_pt_spare_get_table(struct kite_pt_spare *spare)
{
	struct kite_pt_table *table = spare->tables;

	spare->tables = table->next;
	spare->nr_tables--;
	return table;
}

/**
 * kite_pt_init() - an empty address space
 * @pt: to initialise
 * @root: VRAM offset of 8 KiB for the directory
 * @write: stores an entry
 * @priv: for @write
 */
void kite_pt_init(struct kite_pt *pt, u64 root,
		  void (*write)(void *priv, u64 offset, u64 entry), void *priv)
{
	u32 i;

	memset(pt, 0, sizeof(*pt));
	pt->root = root;
	pt->write = write;
	pt->priv = priv;
	for (i = 0; i < KITE_PT_ROOT_ENTRIES; i++)
		write(priv, root + i * 8, 0);
}

/* Whether an operation must find a leaf table in a slot. */
static bool kite_pt_wants_table(const struct kite_pt_slot *slot, const struct kite_pt_span *span,
				enum kite_pt_kind kind)
{
	if (kind == KITE_PT_MAP)
		return true;
	if (span->count == KITE_PT_ENTRIES)
		return false;
	if (kind == KITE_PT_ZERO)
		return true;
	/* Taking a part of what is nothing and will be nothing is nothing. */
	return slot && (slot->state != KITE_PT_SLOT_NONE || slot->pins);
}

/**
 * kite_pt_need() - how many tables kite_pt_pin() would take
 * @pt: the address space
 * @va: first address
 * @range: bytes
 * @kind: the operation
 * @dirs: incremented by page tables
 * @tables: incremented by leaf tables
 */
void kite_pt_need(const struct kite_pt *pt, u64 va, u64 range, enum kite_pt_kind kind,
		  u32 *dirs, u32 *tables)
{
	u64 end = va + range;
	u32 counted = KITE_PT_ROOT_ENTRIES;

	while (va < end) {
		struct kite_pt_span span = kite_pt_span(va, end);
		const struct kite_pt_dir *dir = pt->dirs[span.dir];
		const struct kite_pt_slot *slot = dir ? &dir->slots[span.slot] : NULL;

		if (!dir && kind == KITE_PT_CLEAR) {
			va = kite_pt_next_dir(va);
			continue;
		}
		if (!dir && counted != span.dir) {
			counted = span.dir;
			++*dirs;
		}
		if ((!slot || !slot->table) && kite_pt_wants_table(slot, &span, kind))
			++*tables;
		va += kite_pt_span_bytes(&span);
	}
}

static struct kite_pt_dir *kite_pt_new_dir(struct kite_pt *pt, u32 index,
					   struct kite_pt_spare *spare)
{
	struct kite_pt_dir *dir = kite_pt_spare_get_dir(spare);
	u32 i;

	dir->born = pt->seq;
	dir->pins = 0;
	dir->live = 0;
	memset(dir->slots, 0, sizeof(dir->slots));
	for (i = 0; i < KITE_PT_ENTRIES; i++)
		pt->write(pt->priv, dir->page.offset + i * 8, 0);
	pt->dirs[index] = dir;
	return dir;
}

/**
 * kite_pt_pin() - make sure that an operation finds its tables
 * @pt: the address space
 * @va: first address
 * @range: bytes
 * @kind: the operation
 * @spare: holds at least what kite_pt_need() said
 *
 * Return: number of the operation, for kite_pt_unpin().
 */
u64 kite_pt_pin(struct kite_pt *pt, u64 va, u64 range, enum kite_pt_kind kind,
		struct kite_pt_spare *spare)
{
	u64 end = va + range;

	pt->seq++;
	while (va < end) {
		struct kite_pt_span span = kite_pt_span(va, end);
		struct kite_pt_dir *dir = pt->dirs[span.dir];
		struct kite_pt_slot *slot;

		if (!dir && kind == KITE_PT_CLEAR) {
			va = kite_pt_next_dir(va);
			continue;
		}
		if (!dir)
			dir = kite_pt_new_dir(pt, span.dir, spare);
		slot = &dir->slots[span.slot];
		if (!slot->table && kite_pt_wants_table(slot, &span, kind))
			slot->table = kite_pt_spare_get_table(spare);
		slot->pins++;
		dir->pins++;
		va += kite_pt_span_bytes(&span);
	}
	return pt->seq;
}

/**
 * kite_pt_unpin() - an operation has taken effect, or will never run
 * @pt: the address space
 * @va: as given to kite_pt_pin()
 * @range: as given to kite_pt_pin()
 * @seq: what kite_pt_pin() returned
 * @spare: receives tables that are of no use any more
 */
void kite_pt_unpin(struct kite_pt *pt, u64 va, u64 range, u64 seq, struct kite_pt_spare *spare)
{
	u64 end = va + range;

	while (va < end) {
		struct kite_pt_span span = kite_pt_span(va, end);
		struct kite_pt_dir *dir = pt->dirs[span.dir];
		struct kite_pt_slot *slot;

		/* A page table that came later was not pinned by this operation. */
		if (!dir || dir->born > seq) {
			va = kite_pt_next_dir(va);
			continue;
		}
		slot = &dir->slots[span.slot];
		slot->pins--;
		dir->pins--;
		if (!slot->pins && slot->table && slot->state != KITE_PT_SLOT_TABLE) {
			kite_pt_spare_add_table(spare, slot->table);
			slot->table = NULL;
		}
		if (!dir->pins && !dir->live) {
			pt->dirs[span.dir] = NULL;
			kite_pt_spare_add_dir(spare, dir);
		}
		va += kite_pt_span_bytes(&span);
	}
}

/* The entry that points to a slot in a state. */
static u64 kite_pt_slot_entry(const struct kite_pt_slot *slot, u32 state)
{
	if (state == KITE_PT_SLOT_TABLE)
		return KITE_PT_VALID | slot->table->page.offset;
	return state == KITE_PT_SLOT_ZERO ? KITE_PT_ZERO_LEAF : 0;
}

/* Change what a slot is, and what points to it. */
static void kite_pt_set_state(struct kite_pt *pt, u32 index, u32 slot_index, u32 state)
{
	struct kite_pt_dir *dir = pt->dirs[index];
	struct kite_pt_slot *slot = &dir->slots[slot_index];

	if (slot->state == state)
		return;
	pt->write(pt->priv, dir->page.offset + slot_index * 8, kite_pt_slot_entry(slot, state));

	if (slot->state == KITE_PT_SLOT_NONE && !dir->live++)
		pt->write(pt->priv, pt->root + index * 8, KITE_PT_VALID | dir->page.offset);
	if (state == KITE_PT_SLOT_NONE && !--dir->live)
		pt->write(pt->priv, pt->root + index * 8, 0);
	slot->state = state;
}

/* Make a slot a leaf table that says what the slot was. */
static struct kite_pt_table *kite_pt_make_table(struct kite_pt *pt,
						const struct kite_pt_span *span)
{
	struct kite_pt_slot *slot = &pt->dirs[span->dir]->slots[span->slot];
	struct kite_pt_table *table = slot->table;
	bool zero = slot->state == KITE_PT_SLOT_ZERO;
	u32 i;

	if (slot->state == KITE_PT_SLOT_TABLE)
		return table;
	for (i = 0; i < KITE_PT_ENTRIES; i++)
		pt->write(pt->priv, table->page.offset + i * 8, zero ? KITE_PT_ZERO_LEAF : 0);
	memset(table->valid, zero ? 0xff : 0, sizeof(table->valid));
	table->used = zero ? KITE_PT_ENTRIES : 0;
	kite_pt_set_state(pt, span->dir, span->slot, KITE_PT_SLOT_TABLE);
	return table;
}

static void kite_pt_set_entry(struct kite_pt *pt, struct kite_pt_table *table, u32 i, u64 entry)
{
	u64 bit = 1ull << (i % 64);
	u64 *word = &table->valid[i / 64];

	pt->write(pt->priv, table->page.offset + i * 8, entry);
	if (entry && !(*word & bit))
		table->used++;
	if (!entry && (*word & bit))
		table->used--;
	*word = entry ? *word | bit : *word & ~bit;
}

/**
 * kite_pt_map() - map contiguous memory
 * @pt: the address space
 * @va: first address, pinned for KITE_PT_MAP
 * @address: VRAM offset or bus address
 * @bytes: whole pages
 * @flags: &enum kite_pt_flags
 */
void kite_pt_map(struct kite_pt *pt, u64 va, u64 address, u64 bytes, u32 flags)
{
	u64 end = va + bytes;
	u64 bits = KITE_PT_VALID | KITE_PT_LEAF;

	if (flags & KITE_PT_SYSTEM)
		bits |= 1ull << KITE_HW_PAGE_TABLE_ENTRY_SYSTEM_SHIFT;
	if (flags & KITE_PT_READ_ONLY)
		bits |= 1ull << KITE_HW_PAGE_TABLE_ENTRY_READ_ONLY_SHIFT;
	while (va < end) {
		struct kite_pt_span span = kite_pt_span(va, end);
		struct kite_pt_table *table = kite_pt_make_table(pt, &span);
		u32 i;

		for (i = 0; i < span.count; i++) {
			kite_pt_set_entry(pt, table, span.first + i, address | bits);
			address += KITE_PT_PAGE;
		}
		va += kite_pt_span_bytes(&span);
	}
}

/**
 * kite_pt_zero() - make a range read as zeros
 * @pt: the address space
 * @va: first address, pinned for KITE_PT_ZERO
 * @range: bytes
 */
void kite_pt_zero(struct kite_pt *pt, u64 va, u64 range)
{
	u64 end = va + range;

	while (va < end) {
		struct kite_pt_span span = kite_pt_span(va, end);
		struct kite_pt_slot *slot = &pt->dirs[span.dir]->slots[span.slot];
		struct kite_pt_table *table;
		u32 i;

		va += kite_pt_span_bytes(&span);
		if (span.count == KITE_PT_ENTRIES) {
			kite_pt_set_state(pt, span.dir, span.slot, KITE_PT_SLOT_ZERO);
			continue;
		}
		if (slot->state == KITE_PT_SLOT_ZERO)
			continue;
		table = kite_pt_make_table(pt, &span);
		for (i = 0; i < span.count; i++)
			kite_pt_set_entry(pt, table, span.first + i, KITE_PT_ZERO_LEAF);
	}
}

/**
 * kite_pt_clear() - make a range nothing
 * @pt: the address space
 * @va: first address, pinned for KITE_PT_CLEAR
 * @range: bytes
 */
void kite_pt_clear(struct kite_pt *pt, u64 va, u64 range)
{
	u64 end = va + range;

	while (va < end) {
		struct kite_pt_span span = kite_pt_span(va, end);
		struct kite_pt_dir *dir = pt->dirs[span.dir];
		struct kite_pt_slot *slot;
		struct kite_pt_table *table;
		u32 i;

		if (!dir) {
			va = kite_pt_next_dir(va);
			continue;
		}
		va += kite_pt_span_bytes(&span);
		slot = &dir->slots[span.slot];
		if (slot->state == KITE_PT_SLOT_NONE)
			continue;
		if (span.count == KITE_PT_ENTRIES) {
			kite_pt_set_state(pt, span.dir, span.slot, KITE_PT_SLOT_NONE);
			continue;
		}
		table = kite_pt_make_table(pt, &span);
		for (i = 0; i < span.count; i++)
			kite_pt_set_entry(pt, table, span.first + i, 0);
		if (!table->used)
			kite_pt_set_state(pt, span.dir, span.slot, KITE_PT_SLOT_NONE);
	}
}

/**
 * kite_pt_forget() - the VRAM lost its contents: write the tables anew, without pages
 * @pt: the address space
 *
 * Slots stay what they are, so that tables that will be needed again are not given away: holes of
 * whole slots are back, leaf tables are empty until the caller has filled them.
 */
void kite_pt_forget(struct kite_pt *pt)
{
	u32 i, j, k;

	for (i = 0; i < KITE_PT_ROOT_ENTRIES; i++) {
		struct kite_pt_dir *dir = pt->dirs[i];

		pt->write(pt->priv, pt->root + i * 8,
			  dir && dir->live ? KITE_PT_VALID | dir->page.offset : 0);
		if (!dir)
			continue;
		for (j = 0; j < KITE_PT_ENTRIES; j++) {
			struct kite_pt_slot *slot = &dir->slots[j];
			struct kite_pt_table *table = slot->table;

			pt->write(pt->priv, dir->page.offset + j * 8,
				  kite_pt_slot_entry(slot, slot->state));
			if (slot->state != KITE_PT_SLOT_TABLE)
				continue;
			for (k = 0; k < KITE_PT_ENTRIES; k++)
				pt->write(pt->priv, table->page.offset + k * 8, 0);
			memset(table->valid, 0, sizeof(table->valid));
			table->used = 0;
		}
	}
}

/**
 * kite_pt_take_all() - the address space ends: take all its tables, whatever is pinned
 * @pt: the address space; nothing uses it any more
 * @spare: receives the tables
 */
void kite_pt_take_all(struct kite_pt *pt, struct kite_pt_spare *spare)
{
	u32 i, j;

	for (i = 0; i < KITE_PT_ROOT_ENTRIES; i++) {
		struct kite_pt_dir *dir = pt->dirs[i];

		if (!dir)
			continue;
		pt->dirs[i] = NULL;
		for (j = 0; j < KITE_PT_ENTRIES; j++)
			if (dir->slots[j].table)
				kite_pt_spare_add_table(spare, dir->slots[j].table);
		kite_pt_spare_add_dir(spare, dir);
	}
}
