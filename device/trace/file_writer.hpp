// SPDX-License-Identifier: MIT
// Writes a capture file: records with checksums, buffered, in one growing file.
//
// Owned by the recorder, used under its lock. flush() hands everything to the kernel, so that what
// was flushed outlives the process. Failure (a full disk, the size limit) is sticky: record() and
// flush() then do nothing and failed() says so; the file stays readable up to its last whole
// record.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "device/trace/format.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kite::dev::trace {

/// See the head of this file.
class FileWriter {
public:
    /// Creates the file (it must not exist) and writes its head.
    [[nodiscard]] static base::Result<std::unique_ptr<FileWriter>>
    create(const std::string& path, uint32_t wave_size, uint32_t va_bits, uint64_t limit_bytes);

    /// Appends a record whose payload is `parts`, one after the other.
    void record(RecordType type, std::initializer_list<std::span<const std::byte>> parts);
    /// Hands what is buffered to the kernel.
    void flush();
    /// True once something could not be written.
    [[nodiscard]] bool failed() const { return failed_; }

private:
    FileWriter(int fd, std::string path, uint64_t limit)
        : fd_(fd), path_(std::move(path)), limit_(limit) {}
    void append(std::span<const std::byte> bytes);
    void fail(const std::string& why);

    base::UniqueFd fd_;
    std::string path_;
    uint64_t limit_;
    uint64_t written_ = 0;
    std::vector<std::byte> buffer_;
    bool failed_ = false;
};

/// The bytes of a plain value.
template <class T>
[[nodiscard]] std::span<const std::byte> bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

} // namespace kite::dev::trace
