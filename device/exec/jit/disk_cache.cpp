// SPDX-License-Identifier: MIT
#include "device/exec/jit/disk_cache.hpp"

#include "base/hash.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace kite::dev::exec::jit {

namespace {

constexpr uint64_t kMagic = 0x31454843'4554494bull; // "KITECHE1"
constexpr size_t kMaxObject = size_t{64} << 20;

struct FileHead {
    uint64_t magic, generator, source_bytes, object_bytes, checksum;
};

// A descriptor that closes itself.
struct File {
    int fd;
    explicit File(int f) : fd(f) {}
    ~File() {
        if (fd >= 0) {
            close(fd);
        }
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
};

bool read_all(int fd, void* data, size_t bytes) {
    auto* p = static_cast<char*>(data);
    while (bytes > 0) {
        const ssize_t n = read(fd, p, bytes);
        if (n <= 0) {
            return false;
        }
        p += n;
        bytes -= static_cast<size_t>(n);
    }
    return true;
}

bool write_all(int fd, const void* data, size_t bytes) {
    const auto* p = static_cast<const char*>(data);
    while (bytes > 0) {
        const ssize_t n = write(fd, p, bytes);
        if (n <= 0) {
            return false;
        }
        p += n;
        bytes -= static_cast<size_t>(n);
    }
    return true;
}

} // namespace

std::unique_ptr<DiskCache> DiskCache::open(const std::string& directory,
                                           const std::string& generator) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    struct stat info{};
    // Code from a directory that others may write is not trusted.
    if (stat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != geteuid() ||
        (info.st_mode & 022) != 0) {
        return nullptr;
    }
    return std::unique_ptr<DiskCache>(new DiskCache(directory, base::hash64(generator)));
}

std::string DiskCache::path(std::span<const std::byte> source) const {
    char name[40];
    std::snprintf(name, sizeof(name), "/%016llx.kobj",
                  static_cast<unsigned long long>(base::hash64(source, generator_)));
    return directory_ + name;
}

std::vector<std::byte> DiskCache::load(std::span<const std::byte> source) const {
    const File file(::open(path(source).c_str(), O_RDONLY | O_CLOEXEC));
    FileHead head{};
    if (file.fd < 0 || !read_all(file.fd, &head, sizeof(head)) || head.magic != kMagic ||
        head.generator != generator_ || head.source_bytes != source.size() ||
        head.object_bytes > kMaxObject) {
        return {};
    }
    std::vector<std::byte> kept(source.size());
    std::vector<std::byte> object(head.object_bytes);
    if (!read_all(file.fd, kept.data(), kept.size()) ||
        !std::equal(kept.begin(), kept.end(), source.begin()) ||
        !read_all(file.fd, object.data(), object.size()) || base::hash64(object) != head.checksum) {
        return {};
    }
    return object;
}

void DiskCache::store(std::span<const std::byte> source, std::span<const std::byte> object) const {
    static std::atomic<unsigned> counter{0};
    const std::string final_path = path(source);
    const std::string temporary =
        final_path + "." + std::to_string(getpid()) + "." + std::to_string(counter++);
    bool ok = false;
    {
        const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        const FileHead head{kMagic, generator_, source.size(), object.size(), base::hash64(object)};
        ok = file.fd >= 0 && write_all(file.fd, &head, sizeof(head)) &&
             write_all(file.fd, source.data(), source.size()) &&
             write_all(file.fd, object.data(), object.size());
    }
    if (!ok || std::rename(temporary.c_str(), final_path.c_str()) != 0) {
        unlink(temporary.c_str());
    }
}

} // namespace kite::dev::exec::jit
