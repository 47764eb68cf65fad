// SPDX-License-Identifier: MIT
#include "device/trace/file_writer.hpp"

#include "base/hash.hpp"
#include "base/log.hpp"
#include "kite_hw/isa.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace kite::dev::trace {

namespace {
constexpr size_t kFlushAt = size_t{8} << 20;
}

base::Result<std::unique_ptr<FileWriter>> FileWriter::create(const std::string& path,
                                                             uint32_t wave_size, uint32_t va_bits,
                                                             uint64_t limit_bytes) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return base::fail(base::ErrorCode::io, "cannot create {}: {}", path,
                          base::errno_text(errno));
    }
    std::unique_ptr<FileWriter> writer(new FileWriter(fd, path, limit_bytes));
    FileHead head{.magic = kFileMagic,
                  .version = kFileVersion,
                  .page_bytes = kPageBytes,
                  .isa_version = hw::kIsaVersion,
                  .wave_size = wave_size,
                  .va_bits = va_bits,
                  .reserved = 0,
                  .checksum = 0};
    head.checksum = base::hash64(bytes_of(head).first(offsetof(FileHead, checksum)));
    writer->append(bytes_of(head));
    writer->flush();
    return writer;
}

void FileWriter::fail(const std::string& why) {
    if (!failed_) {
        KITE_LOG(warn, "recording into {} ends: {}", path_, why);
    }
    failed_ = true;
    buffer_ = {};
}

void FileWriter::append(std::span<const std::byte> bytes) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void FileWriter::record(RecordType type, std::initializer_list<std::span<const std::byte>> parts) {
    if (failed_) {
        return;
    }
    const size_t at = buffer_.size();
    RecordHead head{.type = static_cast<uint32_t>(type), .reserved = 0, .bytes = 0, .checksum = 0};
    append(bytes_of(head));
    for (const auto& part : parts) {
        append(part);
    }
    const auto payload = std::span<const std::byte>(buffer_).subspan(at + sizeof(head));
    head.bytes = payload.size();
    head.checksum = base::hash64(payload, head.type);
    const auto bytes = bytes_of(head);
    std::copy(bytes.begin(), bytes.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(at));
    if (written_ + buffer_.size() > limit_) {
        buffer_.resize(at);
        flush();
        fail("it reached its size limit (KITE_CAPTURE_MB)");
    } else if (buffer_.size() >= kFlushAt) {
        flush();
    }
}

void FileWriter::flush() {
    std::span<const std::byte> rest(buffer_);
    while (!rest.empty()) {
        const ssize_t n = write(fd_.get(), rest.data(), rest.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            fail(base::errno_text(errno));
            return;
        }
        written_ += static_cast<uint64_t>(n);
        rest = rest.subspan(static_cast<size_t>(n));
    }
    buffer_.clear();
}

} // namespace kite::dev::trace
