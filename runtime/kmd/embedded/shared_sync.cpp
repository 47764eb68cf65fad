// SPDX-License-Identifier: MIT
#include "runtime/kmd/embedded/shared_sync.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace kite::rt::kmd::embedded {
namespace {

constexpr uint64_t kMagic = 0x636e79732e65746bu; // "kte.sync"
constexpr size_t kBytes = 4096;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW;

} // namespace

struct SharedSync::Page {
    uint64_t magic;
    uint64_t binary;
    uint64_t word;
};

base::Result<std::unique_ptr<SharedSync>> SharedSync::create(bool binary, uint64_t initial) {
    const int fd = memfd_create("kite-sync", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, kBytes) != 0 || fcntl(fd, F_ADD_SEALS, kSeals) != 0) {
        const int error = errno;
        if (fd >= 0)
            close(fd);
        return base::fail(base::ErrorCode::out_of_host_memory, "sync memory: {}",
                          base::errno_text(error));
    }
    void* p = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        close(fd);
        return base::fail(base::ErrorCode::out_of_host_memory, "sync memory: {}",
                          base::errno_text(errno));
    }
    auto* page = static_cast<Page*>(p);
    *page = {kMagic, binary ? 1u : 0u, initial};
    return std::unique_ptr<SharedSync>(new SharedSync(fd, page));
}

base::Result<std::unique_ptr<SharedSync>> SharedSync::import(int fd, bool binary) {
    const auto refused = [] {
        return base::fail(base::ErrorCode::invalid_argument,
                          "the descriptor is no sync object of this kind");
    };
    // The seals keep the owner from taking the page away under a reader.
    const int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & kSeals) != kSeals || lseek(fd, 0, SEEK_END) != off_t{kBytes})
        return refused();
    const int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own < 0)
        return base::fail(base::ErrorCode::out_of_host_memory, "dup: {}", base::errno_text(errno));
    void* p = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0);
    if (p == MAP_FAILED) {
        close(own);
        return refused();
    }
    std::unique_ptr<SharedSync> s(new SharedSync(own, static_cast<Page*>(p)));
    if (s->page_->magic != kMagic || s->page_->binary != (binary ? 1u : 0u))
        return refused();
    return s;
}

SharedSync::~SharedSync() {
    munmap(page_, kBytes);
    close(fd_);
}

base::Result<int> SharedSync::export_fd() const {
    const int fd = fcntl(fd_, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return base::fail(base::ErrorCode::out_of_host_memory, "dup: {}", base::errno_text(errno));
    return fd;
}

uint64_t SharedSync::value() const {
    return std::atomic_ref(page_->word).load(std::memory_order_acquire);
}

void SharedSync::raise(uint64_t value) {
    std::atomic_ref word(page_->word);
    uint64_t seen = word.load(std::memory_order_relaxed);
    while (seen < value && !word.compare_exchange_weak(seen, value, std::memory_order_acq_rel))
        ;
}

bool SharedSync::exchange(bool signalled) {
    return std::atomic_ref(page_->word).exchange(signalled ? 1 : 0, std::memory_order_acq_rel) != 0;
}

} // namespace kite::rt::kmd::embedded
