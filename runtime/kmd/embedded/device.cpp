// SPDX-License-Identifier: MIT
#include "runtime/kmd/embedded/device.hpp"

#include "base/env.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace kite::rt::kmd::embedded {
namespace {

constexpr uint64_t kPage = 4096;

std::string own_directory() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<void*>(&own_directory), &info) == 0 || !info.dli_fname)
        return {};
    std::string path = info.dli_fname;
    size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string(".") : path.substr(0, slash);
}

Result<dev::CreateFn> load_device() {
    static std::mutex mutex;
    static dev::CreateFn fn = nullptr;
    std::lock_guard lock(mutex);
    if (fn)
        return fn;
    std::string tried;
    auto attempt = [&](const std::string& path) -> bool {
        void* h = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (h)
            fn = reinterpret_cast<dev::CreateFn>(dlsym(h, "kite_device_create"));
        else
            tried += std::string(" [") + dlerror() + "]";
        return fn != nullptr;
    };
    auto forced = base::env_string(base::env::kDeviceLibrary);
    std::string dir = own_directory();
    bool ok = forced ? attempt(*forced)
                     : attempt(dir + "/libkite-device.so") ||
                           attempt(dir + "/../device/embed/libkite-device.so") ||
                           attempt(dir + "/../../device/embed/libkite-device.so") ||
                           attempt(dir + "/../libkite-device.so");
    if (!ok)
        return base::fail(base::ErrorCode::initialization_failed,
                          "cannot load libkite-device.so:{}", tried);
    return fn;
}

} // namespace

BoImpl::~BoImpl() {
    if (vram_) {
        vram_->release(offset_, size_);
        return;
    }
    if (host_)
        munmap(host_, size_);
    close(fd_);
}

Result<void*> BoImpl::map() {
    if (vram_)
        return vram_->host(offset_);
    std::lock_guard lock(mutex_);
    if (!host_) {
        void* p = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
        if (p == MAP_FAILED)
            return base::fail(base::ErrorCode::out_of_host_memory, "cannot map a buffer: {}",
                              base::errno_text(errno));
        host_ = p;
    }
    return host_;
}

Result<int> BoImpl::export_fd() {
    if (vram_)
        return base::fail(base::ErrorCode::invalid_argument, "buffer was not created exportable");
    int fd = fcntl(fd_, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return base::fail(base::ErrorCode::out_of_host_memory, "dup: {}", base::errno_text(errno));
    return fd;
}

Result<std::unique_ptr<Device>> DeviceImpl::open() {
    auto create = load_device();
    if (!create)
        return std::unexpected(create.error());
    auto d = std::make_unique<DeviceImpl>();
    dev::DeviceConfig config;
    if (int r = (*create)(&config, &d->device_); r != 0)
        return base::fail(base::ErrorCode::initialization_failed, "kite_device_create: {}",
                          base::errno_text(-r));
    const dev::DeviceInfo& info = d->device_->info();
    auto vram = Vram::open(info.vram_fd, info.vram_bytes);
    if (!vram)
        return std::unexpected(vram.error());
    d->vram_ = *vram;
    if (int r = d->device_->create_address_space(&d->space_); r != 0)
        return base::fail(base::ErrorCode::initialization_failed, "address space: {}",
                          base::errno_text(-r));
    d->facts_.backend = "embedded";
    d->facts_.sync_fds = true;
    d->facts_.description = info.description;
    d->facts_.wave_size = info.wave_size;
    d->facts_.vram_bytes = info.vram_bytes;
    d->facts_.vram_visible_bytes = info.vram_bytes;
    d->facts_.va_start = 0x10000;
    d->facts_.va_end = (uint64_t{1} << info.va_bits) - (uint64_t{2} << 20);
    std::memcpy(d->facts_.code_uuid, info.code_uuid, 16);
    return d;
}

DeviceImpl::~DeviceImpl() {
    if (space_)
        space_->destroy();
    vram_.reset();
    if (device_)
        device_->destroy();
}

Result<std::unique_ptr<Bo>> DeviceImpl::create_bo(const BoDesc& desc) {
    if (desc.size_bytes == 0 || desc.size_bytes > facts_.vram_bytes)
        return base::fail(base::ErrorCode::out_of_device_memory, "buffer of {} bytes",
                          desc.size_bytes);
    uint64_t size = (desc.size_bytes + kPage - 1) / kPage * kPage;
    if (!desc.exportable) {
        auto at = vram_->allocate(size);
        if (!at)
            return std::unexpected(at.error());
        return std::make_unique<BoImpl>(vram_, *at, size);
    }
    int fd = memfd_create("kite-buffer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return base::fail(base::ErrorCode::out_of_host_memory, "memfd: {}",
                          base::errno_text(errno));
    if (ftruncate(fd, static_cast<off_t>(size)) != 0) {
        close(fd);
        return base::fail(base::ErrorCode::out_of_device_memory, "memfd: {}",
                          base::errno_text(errno));
    }
    // A receiver of the fd must not be able to shrink memory that the GPU writes to.
    (void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    return std::make_unique<BoImpl>(fd, size);
}

Result<std::unique_ptr<Bo>> DeviceImpl::import_bo(int fd, uint64_t size_bytes) {
    off_t have = lseek(fd, 0, SEEK_END);
    if (size_bytes == 0 || have < 0 || static_cast<uint64_t>(have) < size_bytes)
        return base::fail(base::ErrorCode::invalid_argument, "imported memory is too small");
    // The device writes to it: whoever else holds it must not be able to take it away.
    if (int seals = fcntl(fd, F_GET_SEALS); seals < 0 || !(seals & F_SEAL_SHRINK))
        return base::fail(base::ErrorCode::invalid_argument,
                          "imported memory is not a sealed memfd");
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own < 0)
        return base::fail(base::ErrorCode::out_of_host_memory, "dup: {}", base::errno_text(errno));
    return std::make_unique<BoImpl>(own, (size_bytes + kPage - 1) / kPage * kPage);
}

Result<void> DeviceImpl::bind(uint64_t va, Bo& bo, uint64_t offset, uint64_t size) {
    auto& b = static_cast<BoImpl&>(bo);
    if ((va | offset | size) % kPage != 0 || offset > b.size_bytes() ||
        size > b.size_bytes() - offset)
        return base::fail(base::ErrorCode::invalid_argument, "bad bind");
    int r = space_->map(va, size, b.backing_fd(), b.backing_offset() + offset, false);
    if (r != 0)
        return base::fail(base::ErrorCode::out_of_device_memory, "bind: {}", base::errno_text(-r));
    return {};
}

Result<void> DeviceImpl::unbind(uint64_t va, uint64_t size) {
    int r = space_->unmap(va, size);
    if (r != 0)
        return base::fail(base::ErrorCode::invalid_argument, "unbind: {}", base::errno_text(-r));
    return {};
}

Result<std::unique_ptr<Queue>> DeviceImpl::create_queue(QueueClass) {
    auto q = std::make_unique<QueueImpl>(hub_);
    if (auto r = q->start(*device_, space_); !r)
        return std::unexpected(r.error());
    return q;
}

Result<std::unique_ptr<Timeline>> DeviceImpl::create_timeline(uint64_t initial) {
    return std::make_unique<TimelineImpl>(hub_, initial);
}

Result<std::unique_ptr<Timeline>> DeviceImpl::create_binary(bool signalled) {
    auto shared = SharedSync::create(true, signalled ? 1 : 0);
    if (!shared)
        return std::unexpected(shared.error());
    return std::make_unique<TimelineImpl>(hub_, std::move(*shared), true);
}

Result<std::unique_ptr<Timeline>> DeviceImpl::import_sync(int fd, bool binary) {
    auto shared = SharedSync::import(fd, binary);
    if (!shared)
        return std::unexpected(shared.error());
    return std::make_unique<TimelineImpl>(hub_, std::move(*shared), binary);
}

Result<void> DeviceImpl::wait(const WaitSet& set, uint64_t deadline_ns) {
    return hub_->wait(set, deadline_ns);
}

Result<ClockPair> DeviceImpl::clocks() {
    // The device counts CLOCK_MONOTONIC: both clocks are one.
    uint64_t now = device_->timestamp();
    return ClockPair{now, now, 0};
}

DeviceFacts probe() {
    DeviceFacts f;
    f.backend = "embedded";
    f.sync_fds = true;
    __builtin_cpu_init();
    bool interp = base::env_string(base::env::kExec).value_or("") == "interp";
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    f.wave_size = avx512 ? 16 : 8;
    if (auto w = base::env_number(base::env::kWaveSize, 8, 16); w && (*w == 8 || *w == 16))
        f.wave_size = static_cast<uint32_t>(*w);
    const char* isa = avx512 ? "AVX-512" : (__builtin_cpu_supports("avx2") ? "AVX2" : "SSE");
    f.description = interp ? "interpreter, " + std::to_string(f.wave_size) + " lanes"
                           : std::string(isa) + " JIT, " + std::to_string(f.wave_size) + " lanes";
    long pages = sysconf(_SC_PHYS_PAGES);
    f.vram_bytes = pages > 0 ? static_cast<uint64_t>(pages) * 4096 / 4 * 3 / (2u << 20) * (2u << 20)
                             : uint64_t{1} << 30;
    f.vram_visible_bytes = f.vram_bytes;
    // Build id of this library stands in for the code; refined by the device's own identity when it
    // is opened.
    const char* stamp = __DATE__ __TIME__;
    uint64_t h = 0xcbf29ce484222325u;
    for (const char* s = stamp; *s; ++s)
        h = (h ^ static_cast<unsigned char>(*s)) * 0x100000001b3u;
    h ^= f.wave_size;
    std::memcpy(f.code_uuid, &h, 8);
    std::memcpy(f.code_uuid + 8, "kiteGPU1", 8);
    return f;
}

} // namespace kite::rt::kmd::embedded
