// SPDX-License-Identifier: MIT
#include "device/trace/capture.hpp"

#include "kite_hw/isa.hpp"
#include "kite_hw/limits.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <zstd.h>

namespace kite::dev::trace {

using base::ErrorCode;
using base::fail;

namespace {

constexpr uint64_t kLargestObject = uint64_t{1} << 42;

// Takes a plain structure off the front; false if there is not enough.
template <class T>
bool take(std::span<const std::byte>& bytes, T& out) {
    if (bytes.size() < sizeof(T)) {
        return false;
    }
    std::memcpy(&out, bytes.data(), sizeof(T));
    bytes = bytes.subspan(sizeof(T));
    return true;
}

// Takes `count` structures; false if there are not as many.
template <class T>
bool take_array(std::span<const std::byte>& bytes, uint32_t count, std::vector<T>& out) {
    if (bytes.size() / sizeof(T) < count) {
        return false;
    }
    if (count == 0) {
        return true;
    }
    out.resize(count);
    std::memcpy(out.data(), bytes.data(), count * sizeof(T));
    bytes = bytes.subspan(count * sizeof(T));
    return true;
}

bool whole_pages(uint64_t a, uint64_t b) {
    return (a | b) % hw::limits::kPageBytes == 0;
}

} // namespace

base::Result<> Capture::read_head(Bytes& rest) {
    const Bytes all = rest;
    if (!take(rest, head_) || head_.magic != kFileMagic) {
        return fail(ErrorCode::corrupt, "not a capture file");
    }
    if (head_.version != kFileVersion || head_.page_bytes != kPageBytes) {
        return fail(ErrorCode::unsupported, "capture file of version {}; this program reads {}",
                    head_.version, kFileVersion);
    }
    if (base::hash64(all.first(offsetof(FileHead, checksum))) != head_.checksum) {
        return fail(ErrorCode::corrupt, "the file's head is damaged");
    }
    if (head_.isa_version != hw::kIsaVersion) {
        return fail(ErrorCode::unsupported,
                    "recorded with instruction set version {}; this device has {}",
                    head_.isa_version, hw::kIsaVersion);
    }
    if ((head_.wave_size != 8 && head_.wave_size != 16) || head_.va_bits < 32 ||
        head_.va_bits > hw::limits::kVaBits) {
        return fail(ErrorCode::corrupt, "a device with {} lanes and {} address bits",
                    head_.wave_size, head_.va_bits);
    }
    return {};
}

base::Result<> Capture::check_page(uint32_t object, uint64_t page) const {
    if (object >= objects_.size()) {
        return fail(ErrorCode::corrupt, "memory object {} does not exist", object);
    }
    if (page > kLargestObject / kPageBytes || page * kPageBytes >= objects_[object]) {
        return fail(ErrorCode::corrupt, "page {} lies outside memory object {}", page, object);
    }
    return {};
}

base::Result<> Capture::read_mapping(Bytes payload) {
    MappingRecord m;
    if (!take(payload, m) || !payload.empty()) {
        return fail(ErrorCode::corrupt, "a mapping of {} bytes", payload.size());
    }
    const uint64_t end = uint64_t{1} << head_.va_bits;
    if (m.bytes == 0 || m.va >= end || m.bytes > end - m.va || !whole_pages(m.va, m.bytes)) {
        return fail(ErrorCode::corrupt, "a mapping of {:#x} bytes at {:#x}", m.bytes, m.va);
    }
    if (m.mapped != 0 &&
        (m.object >= objects_.size() || m.offset % hw::limits::kPageBytes != 0 ||
         m.offset > objects_[m.object] || m.bytes > objects_[m.object] - m.offset)) {
        return fail(ErrorCode::corrupt, "the mapping at {:#x} reaches outside memory object {}",
                    m.va, m.object);
    }
    waiting_.push_back(m);
    return {};
}

base::Result<> Capture::read_submission(Bytes payload) {
    SubmissionRecord head;
    Submission s;
    if (!take(payload, head) || !take_array(payload, head.buffers, s.buffers) ||
        !take_array(payload, head.writes, s.writes) || !payload.empty()) {
        return fail(ErrorCode::corrupt, "a submission whose counts do not fit its size");
    }
    for (const WriteEntry& w : s.writes) {
        if (auto ok = check_page(w.object, w.page); !ok) {
            return ok;
        }
        if (w.chunk != kZeroChunk && w.chunk >= chunks_.size()) {
            return fail(ErrorCode::corrupt, "chunk {} does not exist", w.chunk);
        }
    }
    s.space = head.space;
    s.mappings = std::move(waiting_);
    waiting_.clear();
    submissions_.push_back(std::move(s));
    return {};
}

base::Result<> Capture::read_result(Bytes payload) {
    ResultRecord head;
    Result r;
    if (!take(payload, head) || !take_array(payload, head.changes, r.changes) || !payload.empty()) {
        return fail(ErrorCode::corrupt, "a result whose count does not fit its size");
    }
    if (submissions_.empty() || submissions_.back().result) {
        return fail(ErrorCode::corrupt, "a result without submission");
    }
    for (const ChangeEntry& c : r.changes) {
        if (auto ok = check_page(c.object, c.page); !ok) {
            return ok;
        }
    }
    r.status = head.status;
    submissions_.back().result = std::move(r);
    return {};
}

base::Result<> Capture::read_record(RecordType type, Bytes payload) {
    switch (type) {
    case RecordType::object: {
        ObjectRecord object;
        if (!take(payload, object) || !payload.empty() || object.bytes > kLargestObject) {
            return fail(ErrorCode::corrupt, "a bad memory object");
        }
        objects_.push_back(object.bytes);
        return {};
    }
    case RecordType::chunk: {
        ChunkRecord chunk;
        if (!take(payload, chunk) || chunk.bytes == 0 || chunk.bytes > kPageBytes) {
            return fail(ErrorCode::corrupt, "a bad chunk");
        }
        chunks_.push_back({.bytes = chunk.bytes, .packed = payload});
        return {};
    }
    case RecordType::mapping:
        return read_mapping(payload);
    case RecordType::submission:
        return read_submission(payload);
    case RecordType::result:
        return read_result(payload);
    }
    return fail(ErrorCode::corrupt, "unknown record type {}", static_cast<uint32_t>(type));
}

base::Result<Capture> Capture::parse(std::span<const std::byte> bytes,
                                     const ParseOptions& options) {
    Capture capture;
    Bytes rest = bytes;
    if (auto ok = capture.read_head(rest); !ok) {
        return std::unexpected(std::move(ok.error()));
    }
    while (!rest.empty()) {
        const auto position = static_cast<size_t>(rest.data() - bytes.data());
        RecordHead head;
        if (!take(rest, head) || head.bytes > rest.size()) {
            capture.truncated_ = true;
            break;
        }
        const Bytes payload = rest.first(static_cast<size_t>(head.bytes));
        rest = rest.subspan(payload.size());
        if (head.reserved != 0 ||
            (options.checksums && base::hash64(payload, head.type) != head.checksum)) {
            return fail(ErrorCode::corrupt, "the record at byte {} is damaged (checksum)",
                        position);
        }
        if (auto ok = capture.read_record(static_cast<RecordType>(head.type), payload); !ok) {
            return fail(ErrorCode::corrupt, "the record at byte {}: {}", position,
                        ok.error().message);
        }
    }
    return capture;
}

base::Result<Capture> Capture::load(const std::string& path) {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    const auto size = in ? static_cast<std::streamoff>(in.tellg()) : -1;
    if (size < 0) {
        return fail(ErrorCode::io, "cannot read {}: {}", path, base::errno_text(errno));
    }
    auto file = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(size));
    in.seekg(0);
    if (!in.read(reinterpret_cast<char*>(file->data()), size)) {
        return fail(ErrorCode::io, "cannot read {}", path);
    }
    auto capture = parse(*file);
    if (!capture) {
        return fail(capture.error().code, "{}: {}", path, capture.error().message);
    }
    capture->file_ = std::move(file);
    return capture;
}

base::Result<std::span<const std::byte>> Capture::chunk(uint32_t number,
                                                        std::span<std::byte> out) const {
    const Chunk& c = chunks_.at(number);
    const size_t n = ZSTD_decompress(out.data(), out.size(), c.packed.data(), c.packed.size());
    if (ZSTD_isError(n) != 0 || n != c.bytes) {
        return fail(ErrorCode::corrupt, "chunk {} does not unpack to {} bytes", number, c.bytes);
    }
    return std::span<const std::byte>(out).first(n);
}

} // namespace kite::dev::trace
