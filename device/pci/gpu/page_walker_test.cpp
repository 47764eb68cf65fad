// SPDX-License-Identifier: MIT
// Walks of tables made by hand, and of random ones against a slow model.
#include "device/pci/gpu/page_walker.hpp"

#include "kite_hw/registers.hpp"

#include <gtest/gtest.h>
#include <random>

namespace kite::dev::pci {
namespace {

constexpr uint64_t kDirectory = 0x2000, kTable = 0x4000, kLeaf = 0x5000;
constexpr uint64_t kMiB2 = 2 << 20;
using PageRun = Run; // testing::Test has a Run of its own

class PageWalker : public testing::Test {
protected:
    Vram vram = *Vram::create(16 << 20);
    std::atomic<uint32_t> stop{0};

    void set(uint64_t table, uint64_t index, uint64_t value) {
        vram.store(table + index * 8, value);
    }
    Walk walk(uint64_t from = 0, uint64_t to = kVaBytes, size_t max_runs = 1000) {
        return walk_page_tables(vram, kDirectory, from, to, max_runs, stop);
    }
    void chain() {
        set(kDirectory, 0, kTable | 1);
        set(kTable, 0, kLeaf | 1);
    }
};

TEST_F(PageWalker, EmptyTablesMapNothing) {
    EXPECT_TRUE(walk().runs.empty());
    chain();
    const Walk w = walk();
    EXPECT_TRUE(w.runs.empty());
    EXPECT_FALSE(w.fault);
}

TEST_F(PageWalker, NeighboursMergeWhenTheirMemoryDoes) {
    chain();
    set(kLeaf, 0, 0x100003);
    set(kLeaf, 1, 0x101003);
    set(kLeaf, 2, 0x10200b);  // read-only
    set(kLeaf, 3, 0x9000003); // outside VRAM? checked below
    set(kLeaf, 3, 0x300007);  // system
    set(kLeaf, 4, 0x301007);
    set(kLeaf, 5, 0x13); // holes
    set(kLeaf, 6, 0x13);
    set(kTable, 1, 0x200003); // a large page
    const Walk w = walk();
    ASSERT_FALSE(w.fault) << *w.fault;
    const std::vector<PageRun> expected = {
        {.va = 0, .size = 0x2000, .address = 0x100000},
        {.va = 0x2000, .size = 0x1000, .address = 0x102000, .read_only = true},
        {.va = 0x3000, .size = 0x2000, .address = 0x300000, .memory = PageRun::Memory::system},
        {.va = 0x5000, .size = 0x2000, .address = 0, .memory = PageRun::Memory::zero},
        {.va = kMiB2, .size = kMiB2, .address = 0x200000}};
    EXPECT_EQ(w.runs, expected);
    // A part of it, cut at both ends.
    const Walk part = walk(0x1000, kMiB2 + 0x3000);
    ASSERT_EQ(part.runs.size(), 5u);
    EXPECT_EQ(part.runs[0], (PageRun{.va = 0x1000, .size = 0x1000, .address = 0x101000}));
    EXPECT_EQ(part.runs[4], (PageRun{.va = kMiB2, .size = 0x3000, .address = 0x200000}));
    const Walk inside = walk(kMiB2 + 0x5000, kMiB2 + 0x6000);
    ASSERT_EQ(inside.runs.size(), 1u);
    EXPECT_EQ(inside.runs[0], (PageRun{.va = kMiB2 + 0x5000, .size = 0x1000, .address = 0x205000}));
}

TEST_F(PageWalker, MalformedEntriesAreNamed) {
    chain();
    const struct {
        uint64_t table, index, value;
        const char* text;
    } cases[] = {
        {kLeaf, 1, 0x1000003 | (uint64_t{1} << 40),
         "leaf table entry for 0x1000: the page lies "
         "outside VRAM"},
        {kLeaf, 1, 0x1000003, "leaf table entry for 0x1000: the page lies outside VRAM"},
        {kLeaf, 1, 0x100001, "leaf table entry for 0x1000: not a leaf"},
        {kLeaf, 1, 0x100023, "leaf table entry for 0x1000: reserved bits are set"},
        {kLeaf, 1, 0x100013, "leaf table entry for 0x1000: a hole has an address"},
        {kLeaf, 1, 0xfffffffffffff007, "leaf table entry for 0x1000: the bus address wraps"},
        {kTable, 1, 0x101003, "page table entry for 0x200000: the page is misaligned"},
        {kTable, 1, 0xfffffff001, "page table entry for 0x200000: the table lies outside VRAM"},
        {kTable, 1, 0x6009, "page table entry for 0x200000: a table has leaf bits"},
        {kDirectory, 1, 0x100003, "directory entry for 0x40000000: a leaf in the directory"},
        {kDirectory, 1023, 0x1000001,
         "directory entry for 0xffc0000000: the table lies outside "
         "VRAM"},
    };
    for (const auto& c : cases) {
        set(c.table, c.index, c.value);
        const Walk w = walk();
        EXPECT_EQ(w.fault.value_or("none"), c.text);
        set(c.table, c.index, 0xfe); // not valid: other bits are ignored
        EXPECT_FALSE(walk().fault);
    }
}

TEST_F(PageWalker, TablesThatPointAtThemselvesEnd) {
    set(kDirectory, 0, kDirectory | 1);
    set(kDirectory, 1, 0);
    const Walk w = walk();
    // Directory as page table as leaf table: the last level says "not a leaf".
    EXPECT_EQ(w.fault.value_or("none"), "leaf table entry for 0x0: not a leaf");
}

TEST_F(PageWalker, RunsAreLimitedAndWalksCanBeStopped) {
    chain();
    for (uint64_t i = 0; i < 512; i += 2) {
        set(kLeaf, i, 0x100003);
    }
    EXPECT_EQ(walk(0, kVaBytes, 256).runs.size(), 256u);
    EXPECT_TRUE(walk(0, kVaBytes, 255).fault.has_value());
    // Every address of the space through one table each: stopped after the first.
    for (uint64_t i = 0; i < 1024; ++i) {
        set(kDirectory, i, kTable | 1);
    }
    for (uint64_t i = 0; i < 512; ++i) {
        set(kTable, i, kLeaf | 1);
        set(kLeaf, i, 0);
    }
    stop = 1;
    EXPECT_TRUE(walk().runs.empty());
}

TEST_F(PageWalker, RandomTablesFollowAModel) {
    std::mt19937 random(7);
    for (int round = 0; round < 50; ++round) {
        chain();
        std::vector<std::optional<PageRun>> pages(512);
        for (uint64_t i = 0; i < 512; ++i) {
            const uint64_t kind = random() % 6;
            const uint64_t page = (0x100 + (random() % 3 != 0 ? i : random() % 512)) << 12;
            const bool read_only = random() % 8 == 0;
            uint64_t value = 0;
            if (kind >= 1 && kind <= 4) {
                const bool system = kind == 4;
                value = page | 3 | (system ? 4u : 0u) | (read_only ? 8u : 0u);
                pages[i] =
                    PageRun{.va = i << 12,
                            .size = 4096,
                            .address = page,
                            .memory = system ? PageRun::Memory::system : PageRun::Memory::vram,
                            .read_only = read_only};
            } else if (kind == 5) {
                value = 0x13;
                pages[i] = PageRun{.va = i << 12, .size = 4096, .memory = PageRun::Memory::zero};
            }
            set(kLeaf, i, value);
        }
        const uint64_t from = random() % 512, to = from + random() % (513 - from);
        const Walk w = walk(from << 12, to << 12);
        ASSERT_FALSE(w.fault);
        std::vector<std::optional<PageRun>> seen(512);
        for (const PageRun& run : w.runs) {
            for (uint64_t at = 0; at < run.size; at += 4096) {
                PageRun page = run;
                page.va += at;
                page.address += run.memory == PageRun::Memory::zero ? 0 : at;
                page.size = 4096;
                seen[page.va >> 12] = page;
            }
        }
        for (uint64_t i = 0; i < 512; ++i) {
            const bool inside = i >= from && i < to;
            ASSERT_EQ(seen[i], inside ? pages[i] : std::nullopt) << i;
        }
    }
}

} // namespace
} // namespace kite::dev::pci
