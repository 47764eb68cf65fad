// SPDX-License-Identifier: MIT
// Page tables of kite.ko against a model of pages; see README.md.
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <unordered_map>

extern "C" {
#include "kite_pt.h"
}
#include "kite_hw/kite_hw.h"

namespace {

constexpr u64 kPage = 4096;
constexpr u64 kSlot = 2 << 20;
constexpr u64 kGig = 1 << 30;
constexpr u64 kZero = 1ULL << 4;

/// VRAM that knows which pages are tables, and an allocator of tables.
class Vram {
public:
    u64 allocate(u64 pages = 1) {
        const u64 at = next_;
        next_ += pages * kPage;
        for (u64 i = 0; i < pages; ++i) {
            live_.insert(at + i * kPage);
        }
        return at;
    }
    void free(u64 at) { ASSERT_EQ(live_.erase(at), 1U) << "freed twice"; }
    void write(u64 at, u64 entry) {
        ASSERT_TRUE(live_.contains(at & ~(kPage - 1))) << "write to a freed table";
        words_[at] = entry;
    }
    u64 read(u64 at) const {
        EXPECT_TRUE(live_.contains(at & ~(kPage - 1))) << "walk into a freed table";
        const auto found = words_.find(at);
        return found == words_.end() ? 0xbad0bad0bad0bad1ULL : found->second;
    }
    std::size_t live() const { return live_.size(); }

private:
    u64 next_ = 0x100000;
    std::set<u64> live_;
    std::unordered_map<u64, u64> words_;
};

/// One operation, pinned.
struct Operation {
    kite_pt_kind kind;
    u64 va, range, address, seq;
    u32 flags;
};

class PageTables : public testing::Test {
protected:
    PageTables() : pt_(std::make_unique<kite_pt>()) {
        root_ = vram_.allocate(2);
        kite_pt_init(pt_.get(), root_, &PageTables::write, this);
    }
    ~PageTables() override {
        kite_pt_spare spare{};
        kite_pt_take_all(pt_.get(), &spare);
        drain(spare);
    }

    static void write(void* self, u64 offset, u64 entry) {
        static_cast<PageTables*>(self)->vram_.write(offset, entry);
    }

    void drain(kite_pt_spare& spare) {
        while (spare.dirs != nullptr) {
            kite_pt_dir* dir = spare.dirs;
            spare.dirs = dir->next;
            vram_.free(dir->page.offset);
            std::free(dir);
        }
        while (spare.tables != nullptr) {
            kite_pt_table* table = spare.tables;
            spare.tables = table->next;
            vram_.free(table->page.offset);
            std::free(table);
        }
    }

    Operation pin(kite_pt_kind kind, u64 va, u64 range, u64 address = 0, u32 flags = 0) {
        u32 dirs = 0;
        u32 tables = 0;
        kite_pt_need(pt_.get(), va, range, kind, &dirs, &tables);
        kite_pt_spare spare{};
        for (u32 i = 0; i < dirs; ++i) {
            auto* dir = static_cast<kite_pt_dir*>(std::malloc(sizeof(kite_pt_dir)));
            dir->page.offset = vram_.allocate();
            kite_pt_spare_add_dir(&spare, dir);
        }
        for (u32 i = 0; i < tables; ++i) {
            auto* table = static_cast<kite_pt_table*>(std::malloc(sizeof(kite_pt_table)));
            table->page.offset = vram_.allocate();
            kite_pt_spare_add_table(&spare, table);
        }
        const u64 seq = kite_pt_pin(pt_.get(), va, range, kind, &spare);
        EXPECT_EQ(spare.nr_dirs, 0U) << "need() and pin() disagree";
        EXPECT_EQ(spare.nr_tables, 0U) << "need() and pin() disagree";
        return {kind, va, range, address, seq, flags};
    }

    void apply(const Operation& op) {
        switch (op.kind) {
        case KITE_PT_MAP:
            kite_pt_map(pt_.get(), op.va, op.address, op.range, op.flags);
            break;
        case KITE_PT_ZERO:
            kite_pt_zero(pt_.get(), op.va, op.range);
            break;
        case KITE_PT_CLEAR:
            kite_pt_clear(pt_.get(), op.va, op.range);
            break;
        }
        for (u64 at = 0; at < op.range; at += kPage) {
            const u64 page = op.va + at;
            if (op.kind == KITE_PT_CLEAR) {
                model_.erase(page);
            } else if (op.kind == KITE_PT_ZERO) {
                model_[page] = 3 | kZero;
            } else {
                const u64 bits = ((op.flags & KITE_PT_SYSTEM) != 0 ? 4U : 0U) |
                                 ((op.flags & KITE_PT_READ_ONLY) != 0 ? 8U : 0U);
                model_[page] = (op.address + at) | 3 | bits;
            }
        }
    }

    void unpin(const Operation& op) {
        kite_pt_spare spare{};
        kite_pt_unpin(pt_.get(), op.va, op.range, op.seq, &spare);
        drain(spare);
    }

    void run(kite_pt_kind kind, u64 va, u64 range, u64 address = 0, u32 flags = 0) {
        const Operation op = pin(kind, va, range, address, flags);
        apply(op);
        unpin(op);
    }

    /// What the device finds at an address: an entry's bits, or 0.
    u64 walk(u64 va) const {
        const u64 top = vram_.read(root_ + (va >> 30) * 8);
        if ((top & 1) == 0) {
            return 0;
        }
        EXPECT_EQ(top & 0xffe, 0U);
        const u64 middle = vram_.read((top & ~0xfffULL) + ((va >> 21) & 511) * 8);
        if ((middle & 1) == 0) {
            return 0;
        }
        if ((middle & 2) != 0) {
            EXPECT_EQ(middle, 3 | kZero);
            return middle;
        }
        return vram_.read((middle & ~0xfffULL) + ((va >> 12) & 511) * 8);
    }

    void check(u64 va, u64 range) const {
        for (u64 page = va; page < va + range; page += kPage) {
            const auto found = model_.find(page);
            const u64 want = found == model_.end() ? 0 : found->second;
            const u64 got = walk(page);
            ASSERT_EQ((got & 1) != 0 ? got : 0, want) << std::hex << page;
        }
    }

    Vram vram_;
    std::unique_ptr<kite_pt> pt_;
    u64 root_ = 0;
    std::map<u64, u64> model_;
};

TEST_F(PageTables, MapsAndForgets) {
    run(KITE_PT_MAP, kSlot - kPage, 2 * kPage, 0x5000, KITE_PT_READ_ONLY);
    check(0, 2 * kSlot);
    EXPECT_EQ(vram_.live(), 2U + 1 + 2);
    run(KITE_PT_CLEAR, kSlot - kPage, 2 * kPage);
    check(0, 2 * kSlot);
    EXPECT_EQ(vram_.live(), 2U);
}

TEST_F(PageTables, HolesAreOneEntryUntilSplit) {
    run(KITE_PT_ZERO, kGig - 4 * kSlot, 8 * kSlot);
    EXPECT_EQ(vram_.live(), 2U + 2);
    run(KITE_PT_MAP, kGig, kPage, 0x7000, KITE_PT_SYSTEM);
    EXPECT_EQ(vram_.live(), 2U + 2 + 1);
    check(kGig - 5 * kSlot, 10 * kSlot);
    run(KITE_PT_ZERO, kGig, kPage);
    check(kGig - 5 * kSlot, 10 * kSlot);
    run(KITE_PT_CLEAR, kGig - 4 * kSlot + kPage, 8 * kSlot - 2 * kPage);
    check(kGig - 5 * kSlot, 10 * kSlot);
    run(KITE_PT_CLEAR, 0, 1ULL << 40);
    EXPECT_EQ(vram_.live(), 2U);
}

TEST_F(PageTables, ClearingNothingNeedsNothing) {
    const Operation op = pin(KITE_PT_CLEAR, kPage, (1ULL << 40) - 2 * kPage);
    EXPECT_EQ(vram_.live(), 2U);
    // Tables that come while it waits are not its own.
    const Operation map = pin(KITE_PT_MAP, kSlot, kPage, 0x1000);
    apply(op);
    unpin(op);
    apply(map);
    unpin(map);
    check(0, 2 * kSlot);
    EXPECT_EQ(vram_.live(), 2U + 2);
}

TEST_F(PageTables, ForgettingKeepsTablesAndHoles) {
    const Operation first = pin(KITE_PT_MAP, kSlot, 4 * kPage, 0x1000);
    apply(first);
    run(KITE_PT_ZERO, 2 * kSlot, 2 * kSlot);
    kite_pt_forget(pt_.get());
    for (u64 at = 0; at < 4 * kPage; at += kPage) {
        model_.erase(kSlot + at);
    }
    check(0, 5 * kSlot);
    unpin(first);
    // What was mapped can be mapped again without new tables.
    u32 dirs = 0;
    u32 tables = 0;
    kite_pt_need(pt_.get(), kSlot, 4 * kPage, KITE_PT_MAP, &dirs, &tables);
    EXPECT_EQ(dirs + tables, 0U);
    run(KITE_PT_MAP, kSlot, 4 * kPage, 0x9000);
    check(0, 5 * kSlot);
    run(KITE_PT_CLEAR, 0, 5 * kSlot);
    EXPECT_EQ(vram_.live(), 2U);
}

class RandomTables : public PageTables, public testing::WithParamInterface<unsigned> {};

TEST_P(RandomTables, AgreeWithTheModel) {
    std::mt19937_64 random(GetParam());
    const u64 base = 3 * kGig - 4 * kSlot;
    const u64 span = 8 * kSlot;
    std::deque<Operation> waiting;
    std::deque<Operation> finished;
    for (int step = 0; step < 150; ++step) {
        // Ranges: anything, whole slots, or a few pages.
        u64 first = random() % (span / kPage);
        u64 pages = random() % 3 == 0 ? 1 + random() % 8 : 1 + random() % (span / kPage);
        if (random() % 4 == 0) {
            first &= ~511ULL;
            pages = (pages + 511) & ~511ULL;
        }
        pages = std::min(pages, span / kPage - first);
        const auto kind = static_cast<kite_pt_kind>(random() % 3);
        waiting.push_back(pin(kind, base + first * kPage, pages * kPage,
                              (random() & 0xffffff) << 12, static_cast<u32>(random() % 4)));
        while (!waiting.empty() && random() % 3 != 0) {
            apply(waiting.front());
            finished.push_back(waiting.front());
            waiting.pop_front();
            if (step % 8 == 0) {
                check(base, span);
            }
        }
        while (!finished.empty() && random() % 2 == 0) {
            unpin(finished.front());
            finished.pop_front();
        }
        if (HasFatalFailure()) {
            return;
        }
    }
    for (const Operation& op : waiting) {
        apply(op);
        finished.push_back(op);
    }
    for (const Operation& op : finished) {
        unpin(op);
    }
    check(base, span);
    run(KITE_PT_CLEAR, base, span);
    EXPECT_EQ(vram_.live(), 2U) << "tables leak";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomTables, testing::Range(1U, 9U));

} // namespace
