// SPDX-License-Identifier: MIT
#include "tests/drm_mock/fences.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace kite::drm_mock {

void raw_close(int fd) {
    (void)syscall(SYS_close, fd);
}

void Fence::signal(int with_error) {
    if (signalled)
        return;
    signalled = true;
    error = with_error;
    for (int fd : sync_fds) {
        (void)!write(fd, "s", 1);
        raw_close(fd);
    }
    sync_fds.clear();
}

Fence::~Fence() {
    for (int fd : sync_fds)
        raw_close(fd);
}

void Syncobj::prune() {
    size_t n = 0;
    while (n < chain.size() && chain[n].fence->signalled)
        reached = chain[n++].point;
    chain.erase(chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(n));
}

void Syncobj::replace(FencePtr fence) {
    chain.clear();
    reached = 0;
    is_chain = false;
    single = std::move(fence);
}

void Syncobj::add(uint64_t point, FencePtr fence) {
    prune();
    if (!is_chain) {
        if (single)
            chain.push_back({0, single});
        single = nullptr;
        is_chain = true;
    }
    uint64_t last = chain.empty() ? reached : chain.back().point;
    chain.push_back({point > last ? point : last, std::move(fence)});
}

bool Syncobj::available(uint64_t point) {
    if (!is_chain)
        return single && point == 0;
    return point == 0 || query(true) >= point;
}

bool Syncobj::signalled(uint64_t point) {
    if (!is_chain)
        return single && point == 0 && single->signalled;
    prune();
    if (point == 0)
        return chain.empty();
    return reached >= point;
}

FencePtr Syncobj::find(uint64_t point) {
    if (!available(point))
        return nullptr;
    if (!is_chain)
        return single;
    prune();
    // A link stands for everything before it: hand out the last unsignalled one at or before it.
    FencePtr found;
    for (const Link& l : chain) {
        found = l.fence;
        if (point != 0 && l.point >= point)
            break;
    }
    if (!found || signalled(point)) {
        found = std::make_shared<Fence>();
        found->signalled = true;
    }
    return found;
}

uint64_t Syncobj::query(bool submitted) {
    prune();
    if (!is_chain)
        return 0;
    return submitted && !chain.empty() ? chain.back().point : reached;
}

} // namespace kite::drm_mock
