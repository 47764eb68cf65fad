// SPDX-License-Identifier: MIT
// A timeline's value or a binary object's state in memory that several processes map: what an
// opaque semaphore or fence descriptor of the embedded back end names.
//
// The memory is a sealed memfd of one page: a magic number, the kind and one 64-bit word, which
// only atomic operations touch. Nobody is woken: whoever waits for it looks again after a pause
// (TimelineHub). Ownership: every process maps it for itself; the word lives until the last mapping
// and descriptor are gone. Threading: thread- and process-safe. Failure: a descriptor that is no
// such memory, or of the other kind, is refused; what the other process writes can only be a value.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <memory>

namespace kite::rt::kmd::embedded {

/// The shared word.
class SharedSync {
public:
    /// New memory with a first value (binary: 0 or 1).
    [[nodiscard]] static base::Result<std::unique_ptr<SharedSync>> create(bool binary,
                                                                          uint64_t initial);
    /// Maps another process's; takes no ownership of fd.
    [[nodiscard]] static base::Result<std::unique_ptr<SharedSync>> import(int fd, bool binary);
    ~SharedSync();
    SharedSync(const SharedSync&) = delete;
    SharedSync& operator=(const SharedSync&) = delete;

    /// A new descriptor, owned by the caller.
    [[nodiscard]] base::Result<int> export_fd() const;
    /// Value now.
    [[nodiscard]] uint64_t value() const;
    /// Raises a timeline, never lowers it.
    void raise(uint64_t value);
    /// Sets a binary object. @return what it was before
    bool exchange(bool signalled);

private:
    struct Page;
    SharedSync(int fd, Page* page) : fd_(fd), page_(page) {}
    int fd_;
    Page* page_;
};

} // namespace kite::rt::kmd::embedded
