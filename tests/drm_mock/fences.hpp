// SPDX-License-Identifier: MIT
//
// Fences and syncobjs of the fake kernel, with the semantics of dma_fence, dma_fence_chain and
// drm_syncobj.
//
// Ownership: shared pointers, as the kernel counts references. Threading: everything here is
// guarded by the fake's one lock; changed() is notified after every signal. Failure: none here.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace kite::drm_mock {

/// close(2) past the preloaded one, for use below the fake's lock.
void raw_close(int fd);

/// A dma_fence.
struct Fence {
    bool signalled = false;
    int error = 0;             ///< as dma_fence_set_error, positive errno
    std::vector<int> sync_fds; ///< write ends of the pipes that stand for sync files
    /// Signals once; closes the write ends after a byte, so that the read ends poll readable.
    void signal(int with_error);
    ~Fence();
};
using FencePtr = std::shared_ptr<Fence>;

/// A drm_syncobj: nothing, one fence, or a chain of points.
struct Syncobj {
    struct Link {
        uint64_t point;
        FencePtr fence;
    };
    FencePtr single;         ///< binary payload
    std::vector<Link> chain; ///< points not known signalled, ascending
    uint64_t reached = 0;    ///< last signalled point
    bool is_chain = false;

    /// Replaces everything by one fence (null: nothing).
    void replace(FencePtr fence);
    /// Adds a point at the chain's end.
    void add(uint64_t point, FencePtr fence);
    /// Has the point (0: anything) a fence?
    bool available(uint64_t point);
    /// Is the point (0: all there is) signalled? False without a fence.
    bool signalled(uint64_t point);
    /// A fence that is signalled when the point is; null without one.
    FencePtr find(uint64_t point);
    /// Last signalled point; with `submitted` the last point.
    uint64_t query(bool submitted);

private:
    void prune();
};
using SyncobjPtr = std::shared_ptr<Syncobj>;

} // namespace kite::drm_mock
