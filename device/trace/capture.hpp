// SPDX-License-Identifier: MIT
// A capture file, read and checked: what replay and its tools work on.
//
// parse() looks at every record once: sizes, numbers of objects and chunks, ranges and checksums
// are sound afterwards; chunks are unpacked when asked for. The bytes are hostile: a bad file gives
// ErrorCode::corrupt with the record's position, never a crash, and memory use is bounded by the
// file's size. A file that ends inside a record is cut off there and `truncated` set.
// Ownership: Capture refers to the bytes it was made of; load() keeps them. Read-only after
// parsing, so thread-safe.
#pragma once

#include "base/hash.hpp"
#include "base/result.hpp"
#include "device/trace/format.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kite::dev::trace {

/// How one submission ended.
struct Result {
    uint32_t status = 0;              ///< dev::Status
    std::vector<ChangeEntry> changes; ///< pages it changed
};

/// One submission and what happened before it.
struct Submission {
    uint32_t space = 0;                  ///< address space
    std::vector<MappingRecord> mappings; ///< changes of address spaces since the one before
    std::vector<WriteEntry> writes;      ///< memory that changed since the one before
    std::vector<BufferEntry> buffers;    ///< packets
    std::optional<Result> result;        ///< absent if the recording ends here
};

/// How to read.
struct ParseOptions {
    bool checksums = true; ///< false: believe every record (for fuzzing)
};

/// See the head of this file.
class Capture {
public:
    /// Checks a file in memory, which must outlive the result.
    [[nodiscard]] static base::Result<Capture> parse(std::span<const std::byte> bytes,
                                                     const ParseOptions& options = {});
    /// Reads a file.
    [[nodiscard]] static base::Result<Capture> load(const std::string& path);

    /// Lanes and address bits of the recorded device.
    [[nodiscard]] uint32_t wave_size() const { return head_.wave_size; }
    [[nodiscard]] uint32_t va_bits() const { return head_.va_bits; }
    /// Sizes of the memory objects.
    [[nodiscard]] std::span<const uint64_t> objects() const { return objects_; }
    /// Submissions in execution order.
    [[nodiscard]] std::span<const Submission> submissions() const { return submissions_; }
    /// True if the file ends inside a record.
    [[nodiscard]] bool truncated() const { return truncated_; }
    /// Unpacks a chunk into `out` (kPageBytes long); @return its bytes.
    [[nodiscard]] base::Result<std::span<const std::byte>> chunk(uint32_t number,
                                                                 std::span<std::byte> out) const;

private:
    using Bytes = std::span<const std::byte>;
    struct Chunk {
        uint32_t bytes = 0;
        Bytes packed;
    };
    [[nodiscard]] base::Result<> read_head(Bytes& rest);
    [[nodiscard]] base::Result<> read_record(RecordType type, Bytes payload);
    [[nodiscard]] base::Result<> read_mapping(Bytes payload);
    [[nodiscard]] base::Result<> read_submission(Bytes payload);
    [[nodiscard]] base::Result<> read_result(Bytes payload);
    [[nodiscard]] base::Result<> check_page(uint32_t object, uint64_t page) const;

    FileHead head_{};
    std::vector<uint64_t> objects_;
    std::vector<Chunk> chunks_;
    std::vector<MappingRecord> waiting_; // mappings of the submission to come
    std::vector<Submission> submissions_;
    bool truncated_ = false;
    std::shared_ptr<const std::vector<std::byte>> file_; // what load() read
};

} // namespace kite::dev::trace
