// SPDX-License-Identifier: MIT
#include "device/raster/bins.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace kite::dev::raster {
namespace {

const BinnedPrim* put(WorkerBins& bins, size_t bin, uint32_t sequence) {
    auto* prim = static_cast<BinnedPrim*>(bins.arena.allocate(sizeof(BinnedPrim)));
    prim->sequence = sequence;
    bins.push(bin, prim);
    return prim;
}

TEST(Bins, ListsOfAllWorkersMergeInBatchOrder) {
    WorkerBins workers[3];
    for (WorkerBins& w : workers) {
        w.reset(4);
    }
    // Batches of different lengths, many longer than a chunk, dealt out unevenly.
    std::vector<const BinnedPrim*> expected;
    for (uint32_t sequence = 0; sequence < 60; ++sequence) {
        WorkerBins& worker = workers[sequence * 7 % 5 % 3];
        for (uint32_t i = 0; i < 1 + sequence * 11 % 40; ++i) {
            expected.push_back(put(worker, 2, sequence));
            put(worker, 1, sequence);
        }
    }
    WorkerBins* const all[] = {&workers[0], &workers[1], &workers[2]};
    TileCursor cursor(all, 2);
    for (const BinnedPrim* prim : expected) {
        ASSERT_EQ(cursor.next(), prim);
    }
    EXPECT_EQ(cursor.next(), nullptr);
    EXPECT_EQ(TileCursor(all, 3).next(), nullptr);
    workers[1].reset(4);
    EXPECT_TRUE(workers[1].touched().empty());
    EXPECT_EQ(workers[1].head(2), nullptr);
}

} // namespace
} // namespace kite::dev::raster
