// SPDX-License-Identifier: MIT
#include "device/pci/bus/guest_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <sys/stat.h>

namespace kite::dev::pci {

namespace {
constexpr uint64_t kPage = 4096;
}

int GuestMemory::map(uint64_t address, uint64_t size, uint64_t offset, bool writable,
                     base::UniqueFd fd) {
    Range range{.size = size, .offset = offset, .writable = writable, .file = nullptr, .view = {}};
    FileKey key{};
    if (fd) {
        struct stat status{};
        if (fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) || address % kPage != 0 ||
            size % kPage != 0 || offset % kPage != 0 || status.st_size < 0 ||
            offset > static_cast<uint64_t>(status.st_size) ||
            size > static_cast<uint64_t>(status.st_size) - offset) {
            return EINVAL;
        }
        key = {status.st_dev, status.st_ino};
    }
    const std::unique_lock lock(mutex_);
    if (ranges_.size() >= kMaxRanges) {
        return ENOSPC;
    }
    const uint64_t last = address + (size - 1);
    const auto next = ranges_.upper_bound(last);
    if (next != ranges_.begin()) {
        const auto& [start, before] = *std::prev(next);
        if (start + (before.size - 1) >= address) {
            return EEXIST;
        }
    }
    if (fd) {
        std::weak_ptr<File>& known = files_[key];
        range.file = known.lock();
        // A file that was known read-only is replaced by one that can be written.
        const bool usable =
            range.file != nullptr &&
            (!writable || (fcntl(range.file->fd.get(), F_GETFL) & O_ACCMODE) == O_RDWR);
        if (!usable) {
            range.file = std::make_shared<File>(File{std::move(fd)});
            known = range.file;
        }
        auto view = base::Mapping::file(range.file->fd.get(), size, offset,
                                        writable ? base::Mapping::Access::read_write
                                                 : base::Mapping::Access::read);
        if (!view) {
            return ENOMEM;
        }
        range.view = std::move(*view);
    }
    ranges_.emplace(address, std::move(range));
    return 0;
}

int GuestMemory::unmap(uint64_t address, uint64_t size) {
    const std::unique_lock lock(mutex_);
    const auto it = ranges_.find(address);
    if (it == ranges_.end() || it->second.size != size) {
        return ENOENT;
    }
    ranges_.erase(it);
    std::erase_if(files_, [](const auto& entry) { return entry.second.expired(); });
    return 0;
}

void GuestMemory::clear() {
    const std::unique_lock lock(mutex_);
    ranges_.clear();
    files_.clear();
}

const std::pair<const uint64_t, GuestMemory::Range>* GuestMemory::range_of(uint64_t address) const {
    const auto next = ranges_.upper_bound(address);
    if (next == ranges_.begin()) {
        return nullptr;
    }
    const auto& entry = *std::prev(next);
    return address - entry.first < entry.second.size && entry.second.file != nullptr ? &entry
                                                                                     : nullptr;
}

std::optional<GuestMemory::Place> GuestMemory::locate(uint64_t address) const {
    const auto* entry = range_of(address);
    if (entry == nullptr) {
        return std::nullopt;
    }
    const auto& [start, range] = *entry;
    const uint64_t into = address - start;
    return Place{.fd = range.file->fd.get(),
                 .offset = range.offset + into,
                 .size = range.size - into,
                 .writable = range.writable};
}

uint64_t GuestMemory::copy(uint64_t address, std::byte* host, uint64_t size, bool to_guest) const {
    const std::shared_lock lock(mutex_);
    const auto* entry = range_of(address);
    if (entry == nullptr || (to_guest && !entry->second.writable)) {
        return 0;
    }
    const uint64_t into = address - entry->first;
    const uint64_t n = std::min({size, kChunk, entry->second.size - into});
    std::byte* guest = entry->second.view.bytes().data() + into;
    std::memcpy(to_guest ? guest : host, to_guest ? host : guest, n);
    return n;
}

} // namespace kite::dev::pci
