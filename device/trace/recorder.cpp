// SPDX-License-Identifier: MIT
#include "device/trace/recorder.hpp"

#include "base/env.hpp"
#include "base/log.hpp"
#include "device/trace/page.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

namespace kite::dev::trace {

namespace {

constexpr int64_t kDefaultLimitMib = 4096;
constexpr int kLevel = 1;
constexpr base::Hash128 kUnknown{.lo = ~uint64_t{0}, .hi = ~uint64_t{0}};

std::string program_name() {
    std::string name = program_invocation_short_name;
    for (char& c : name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
        c = plain ? c : '_';
    }
    return name.empty() ? "program" : name;
}

} // namespace

Recorder::Recorder(std::unique_ptr<FileWriter> file)
    : file_(std::move(file)), page_(kPageBytes), packed_(ZSTD_compressBound(kPageBytes)),
      zstd_(ZSTD_createCCtx()) {}

Recorder::~Recorder() {
    ZSTD_freeCCtx(zstd_);
}

base::Result<std::unique_ptr<Recorder>> Recorder::create(const std::string& directory,
                                                         uint32_t wave_size, uint32_t va_bits) {
    static std::atomic<unsigned> counter{0};
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    const std::string path = directory + "/" + program_name() + "-" + std::to_string(getpid()) +
                             "-" + std::to_string(counter++) + ".kitecap";
    const auto mib = base::env_number(base::env::kCaptureMb, 1, int64_t{1} << 30);
    auto file = FileWriter::create(path, wave_size, va_bits,
                                   static_cast<uint64_t>(mib.value_or(kDefaultLimitMib)) << 20);
    if (!file) {
        return std::unexpected(std::move(file.error()));
    }
    KITE_LOG(info, "recording into {}", path);
    return std::unique_ptr<Recorder>(new Recorder(std::move(*file)));
}

uint32_t Recorder::add_space() {
    const std::lock_guard lock(mutex_);
    spaces_.try_emplace(next_space_);
    return next_space_++;
}

void Recorder::remove_space(uint32_t space) {
    const std::lock_guard lock(mutex_);
    cut(spaces_[space], 0, UINT64_MAX);
    spaces_.erase(space);
}

Recorder::Object* Recorder::object_of(int fd) {
    struct stat info{};
    if (fstat(fd, &info) != 0) {
        return nullptr;
    }
    for (const auto& object : objects_) {
        if (object->device == info.st_dev && object->inode == info.st_ino) {
            return object.get();
        }
    }
    auto object = std::make_unique<Object>();
    object->fd.reset(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (object->fd.get() < 0) {
        return nullptr;
    }
    object->number = next_object_++;
    object->device = info.st_dev;
    object->inode = info.st_ino;
    file_->record(RecordType::object,
                  {bytes_of(ObjectRecord{.bytes = static_cast<uint64_t>(info.st_size)})});
    objects_.push_back(std::move(object));
    return objects_.back().get();
}

// Without mappings the file may vanish and its inode number be used again.
void Recorder::release(Object* object) {
    if (--object->mappings == 0) {
        std::erase_if(objects_, [&](const auto& o) { return o.get() == object; });
    }
}

void Recorder::cut(Space& space, uint64_t va, uint64_t end) {
    auto it = space.upper_bound(va);
    if (it != space.begin()) {
        --it;
    }
    while (it != space.end() && it->first < end) {
        const uint64_t start = it->first;
        const Mapping old = it->second;
        if (old.end <= va) {
            ++it;
            continue;
        }
        it = space.erase(it);
        if (start < va) {
            Mapping left = old;
            left.end = va;
            left.object->mappings += 1;
            space.emplace(start, left);
        }
        if (old.end > end) {
            Mapping right = old;
            right.offset += end - start;
            right.object->mappings += 1;
            it = space.emplace(end, right).first;
        }
        release(old.object);
    }
}

void Recorder::map(uint32_t space, uint64_t va, uint64_t bytes, int fd, uint64_t offset,
                   bool read_only) {
    const std::lock_guard lock(mutex_);
    Object* object = object_of(fd);
    if (object == nullptr) {
        KITE_LOG(warn, "a buffer at {:#x} will be missing in the recording", va);
        return;
    }
    object->mappings += 1;
    cut(spaces_[space], va, va + bytes);
    spaces_[space].insert_or_assign(
        va, Mapping{.end = va + bytes, .offset = offset, .object = object, .read_only = read_only});
    file_->record(RecordType::mapping, {bytes_of(MappingRecord{.space = space,
                                                               .mapped = 1,
                                                               .va = va,
                                                               .bytes = bytes,
                                                               .offset = offset,
                                                               .object = object->number,
                                                               .read_only = read_only})});
}

void Recorder::unmap(uint32_t space, uint64_t va, uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    cut(spaces_[space], va, va + bytes);
    file_->record(RecordType::mapping, {bytes_of(MappingRecord{.space = space,
                                                               .mapped = 0,
                                                               .va = va,
                                                               .bytes = bytes,
                                                               .offset = 0,
                                                               .object = 0,
                                                               .read_only = 0})});
}

// Pages of [begin, end) that hold data, and those that held some when they were recorded last.
void Recorder::visit_range(Object& object, uint64_t begin, uint64_t end, const Visitor& see) {
    const auto became_zero = [&](uint64_t from, uint64_t to) {
        std::vector<uint64_t> gone;
        for (auto it = object.pages.lower_bound(from); it != object.pages.end() && it->first < to;
             ++it) {
            gone.push_back(it->first);
        }
        for (const uint64_t page : gone) {
            see(object, page, {}, {});
        }
    };
    uint64_t page = begin / kPageBytes;
    const uint64_t last = (end + kPageBytes - 1) / kPageBytes;
    while (page < last) {
        const off_t data = lseek(object.fd.get(), static_cast<off_t>(page * kPageBytes), SEEK_DATA);
        const uint64_t from =
            data < 0 ? last : std::min(static_cast<uint64_t>(data) / kPageBytes, last);
        became_zero(page, from);
        const off_t hole = from < last ? lseek(object.fd.get(), data, SEEK_HOLE) : 0;
        const uint64_t to =
            hole <= 0 ? from
                      : std::min((static_cast<uint64_t>(hole) + kPageBytes - 1) / kPageBytes, last);
        for (uint64_t p = from; p < to; ++p) {
            const ssize_t n = pread(object.fd.get(), page_.data(), page_.size(),
                                    static_cast<off_t>(p * kPageBytes));
            const auto bytes =
                std::span<const std::byte>(page_).first(n > 0 ? static_cast<size_t>(n) : 0);
            const base::Hash128 hash = page_hash(bytes);
            if (hash == base::Hash128{}) {
                became_zero(p, p + 1);
            } else {
                see(object, p, hash, bytes);
            }
        }
        if (to <= page) {
            break; // the rest is a hole, or the file can't tell
        }
        page = to;
    }
}

void Recorder::visit(const Space& space, const Visitor& see) {
    struct Range {
        Object* object;
        uint64_t begin, end;
    };
    std::vector<Range> ranges;
    for (const auto& [va, m] : space) {
        ranges.push_back({m.object, m.offset / kPageBytes * kPageBytes, m.offset + m.end - va});
    }
    std::ranges::sort(ranges, [](const Range& a, const Range& b) {
        return std::pair(a.object->number, a.begin) < std::pair(b.object->number, b.begin);
    });
    for (size_t i = 0; i < ranges.size();) {
        Range r = ranges[i++];
        const auto page_end = [&] { return (r.end + kPageBytes - 1) / kPageBytes * kPageBytes; };
        while (i < ranges.size() && ranges[i].object == r.object && ranges[i].begin <= page_end()) {
            r.end = std::max(r.end, ranges[i++].end);
        }
        visit_range(*r.object, r.begin, r.end, see);
    }
}

uint32_t Recorder::chunk_of(const base::Hash128& hash, std::span<const std::byte> bytes) {
    if (bytes.empty()) {
        return kZeroChunk;
    }
    const auto [it, fresh] = chunks_.try_emplace(hash, next_chunk_);
    if (fresh) {
        const size_t packed = ZSTD_compressCCtx(zstd_, packed_.data(), packed_.size(), bytes.data(),
                                                bytes.size(), kLevel);
        const ChunkRecord head{.bytes = static_cast<uint32_t>(bytes.size()), .reserved = 0};
        file_->record(RecordType::chunk,
                      {bytes_of(head), std::span<const std::byte>(packed_).first(packed)});
        ++next_chunk_;
    }
    return it->second;
}

void Recorder::begin(uint32_t space, std::span<const IndirectBuffer> buffers) {
    order_.lock();
    const std::lock_guard lock(mutex_);
    if (file_->failed()) {
        return;
    }
    std::vector<WriteEntry> writes;
    visit(spaces_[space], [&](Object& object, uint64_t page, const base::Hash128& hash,
                              std::span<const std::byte> bytes) {
        const auto known = object.pages.find(page);
        if (known != object.pages.end() && known->second == hash && !bytes.empty()) {
            return;
        }
        writes.push_back({.object = object.number, .chunk = chunk_of(hash, bytes), .page = page});
        if (bytes.empty()) {
            object.pages.erase(page);
        } else {
            object.pages.insert_or_assign(page, hash);
        }
    });
    std::vector<BufferEntry> entries;
    for (const IndirectBuffer& b : buffers) {
        entries.push_back({.va = b.address, .dwords = b.dwords, .reserved = 0});
    }
    const SubmissionRecord head{.space = space,
                                .buffers = static_cast<uint32_t>(entries.size()),
                                .writes = static_cast<uint32_t>(writes.size()),
                                .reserved = 0};
    file_->record(RecordType::submission, {bytes_of(head), std::as_bytes(std::span(entries)),
                                           std::as_bytes(std::span(writes))});
    file_->flush(); // what the GPU dies of is in the file before it dies
}

void Recorder::finish(uint32_t space, Status status) {
    {
        const std::lock_guard lock(mutex_);
        std::vector<ChangeEntry> changes;
        if (!file_->failed()) {
            visit(spaces_[space], [&](Object& object, uint64_t page, const base::Hash128& hash,
                                      std::span<const std::byte> bytes) {
                const auto known = object.pages.find(page);
                if (known == object.pages.end() || known->second != hash || bytes.empty()) {
                    changes.push_back(
                        {.object = object.number, .reserved = 0, .page = page, .hash = hash.lo});
                    // Noted again at the next submission even if the application puts the old
                    // content back: a replay has the new one by then.
                    object.pages.insert_or_assign(page, kUnknown);
                }
            });
        }
        const ResultRecord head{.status = static_cast<uint32_t>(status),
                                .changes = static_cast<uint32_t>(changes.size())};
        file_->record(RecordType::result, {bytes_of(head), std::as_bytes(std::span(changes))});
        file_->flush();
    }
    order_.unlock();
}

} // namespace kite::dev::trace
