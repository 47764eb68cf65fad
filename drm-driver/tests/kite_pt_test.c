// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite of the page-table arithmetic; part of kite.ko on kernels with KUnit.
 */
#include <kunit/test.h>

#include "../kite_pt.h"

#include "kite_hw.h"

#define KITE_TEST_PAGE (1ull << KITE_PT_PAGE_SHIFT)
#define KITE_TEST_SLOT (1ull << KITE_PT_SLOT_SHIFT)
#define KITE_TEST_TABLES 8
#define KITE_TEST_WORDS ((2 + 2 * KITE_TEST_TABLES) * KITE_PT_ENTRIES)

/** struct kite_pt_test - page tables in plain memory */
struct kite_pt_test {
	/** @pt: what is tested */
	struct kite_pt *pt;
	/** @vram: directory, then page tables, then leaf tables */
	u64 *vram;
	/** @spare: tables to be had */
	struct kite_pt_spare spare;
};

static void kite_pt_test_write(void *priv, u64 offset, u64 entry)
{
	struct kite_pt_test *t = priv;

	if (offset / 8 < KITE_TEST_WORDS)
		t->vram[offset / 8] = entry;
}

static u64 kite_pt_test_walk(struct kite_pt_test *t, u64 va)
{
	u64 entry = t->vram[va >> KITE_PT_DIR_SHIFT];

	if (!(entry & 1))
		return 0;
	entry = t->vram[(entry & ~0xfffull) / 8 + ((va >> KITE_PT_SLOT_SHIFT) & 511)];
	if (!(entry & 1) || (entry & 2))
		return entry;
	return t->vram[(entry & ~0xfffull) / 8 + ((va >> KITE_PT_PAGE_SHIFT) & 511)];
}

static void kite_pt_test_do(struct kunit *test, enum kite_pt_kind kind, u64 va, u64 range, u64 to)
{
	struct kite_pt_test *t = test->priv;
	u32 dirs = 0, tables = 0;
	u64 seq;

	kite_pt_need(t->pt, va, range, kind, &dirs, &tables);
	KUNIT_ASSERT_LE(test, dirs, t->spare.nr_dirs);
	KUNIT_ASSERT_LE(test, tables, t->spare.nr_tables);
	seq = kite_pt_pin(t->pt, va, range, kind, &t->spare);
	if (kind == KITE_PT_MAP)
		kite_pt_map(t->pt, va, to, range, 0);
	else if (kind == KITE_PT_ZERO)
		kite_pt_zero(t->pt, va, range);
	else
		kite_pt_clear(t->pt, va, range);
	kite_pt_unpin(t->pt, va, range, seq, &t->spare);
}

static int kite_pt_test_init(struct kunit *test)
{
	struct kite_pt_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	u32 i;

	if (!t)
		return -ENOMEM;
	t->pt = kunit_kzalloc(test, sizeof(*t->pt), GFP_KERNEL);
	t->vram = kunit_kzalloc(test, KITE_TEST_WORDS * sizeof(u64), GFP_KERNEL);
	if (!t->pt || !t->vram)
		return -ENOMEM;
	for (i = 0; i < KITE_TEST_TABLES; i++) {
		struct kite_pt_dir *dir = kunit_kzalloc(test, sizeof(*dir), GFP_KERNEL);
		struct kite_pt_table *table = kunit_kzalloc(test, sizeof(*table), GFP_KERNEL);

		if (!dir || !table)
			return -ENOMEM;
		dir->page.offset = (2 + i) * KITE_TEST_PAGE;
		table->page.offset = (2 + KITE_TEST_TABLES + i) * KITE_TEST_PAGE;
		kite_pt_spare_add_dir(&t->spare, dir);
		kite_pt_spare_add_table(&t->spare, table);
	}
	kite_pt_init(t->pt, 0, kite_pt_test_write, t);
	test->priv = t;
	return 0;
}

static void kite_pt_test_map(struct kunit *test)
{
	struct kite_pt_test *t = test->priv;
	u64 va = (1ull << KITE_PT_DIR_SHIFT) - KITE_TEST_PAGE;

	kite_pt_test_do(test, KITE_PT_MAP, va, 2 * KITE_TEST_PAGE, 0x40000);
	KUNIT_EXPECT_EQ(test, kite_pt_test_walk(t, va), 0x40003ull);
	KUNIT_EXPECT_EQ(test, kite_pt_test_walk(t, va + KITE_TEST_PAGE), 0x41003ull);
	KUNIT_EXPECT_EQ(test, kite_pt_test_walk(t, va + 2 * KITE_TEST_PAGE), 0ull);
	kite_pt_test_do(test, KITE_PT_CLEAR, va, 2 * KITE_TEST_PAGE, 0);
	KUNIT_EXPECT_EQ(test, kite_pt_test_walk(t, va), 0ull);
	KUNIT_EXPECT_EQ(test, t->spare.nr_dirs, KITE_TEST_TABLES);
	KUNIT_EXPECT_EQ(test, t->spare.nr_tables, KITE_TEST_TABLES);
}

static void kite_pt_test_hole(struct kunit *test)
{
	struct kite_pt_test *t = test->priv;
	u64 zero = 3 | 1ull << KITE_HW_PAGE_TABLE_ENTRY_ZERO_SHIFT;

	kite_pt_test_do(test, KITE_PT_ZERO, 0, 4 * KITE_TEST_SLOT, 0);
	KUNIT_EXPECT_EQ(test, t->spare.nr_tables, KITE_TEST_TABLES);
	kite_pt_test_do(test, KITE_PT_MAP, KITE_TEST_SLOT, KITE_TEST_PAGE, 0x9000);
	KUNIT_EXPECT_EQ(test, kite_pt_test_walk(t, KITE_TEST_SLOT), 0x9003ull);
	KUNIT_EXPECT_EQ(test, kite_pt_test_walk(t, KITE_TEST_SLOT + KITE_TEST_PAGE), zero);
	KUNIT_EXPECT_EQ(test, kite_pt_test_walk(t, 0), zero);
	KUNIT_EXPECT_EQ(test, t->spare.nr_tables, KITE_TEST_TABLES - 1);
	kite_pt_test_do(test, KITE_PT_CLEAR, 0, 4 * KITE_TEST_SLOT, 0);
	KUNIT_EXPECT_EQ(test, t->spare.nr_tables, KITE_TEST_TABLES);
}

static struct kunit_case kite_pt_cases[] = {
	KUNIT_CASE(kite_pt_test_map),
	KUNIT_CASE(kite_pt_test_hole),
	{}
};

static struct kunit_suite kite_pt_suite = {
	.name = "kite_pt",
	.init = kite_pt_test_init,
	.test_cases = kite_pt_cases,
};
kunit_test_suite(kite_pt_suite);
