// SPDX-License-Identifier: MIT
#include "basic_client.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "kite_hw/kite_hw.h"

namespace kite::drmtest {
namespace {

constexpr std::uint64_t kCommandBytes = 64 * 1024;

[[noreturn]] void fail(const char* what, int error) {
    std::fprintf(stderr, "%s: %s\n", what, std::strerror(error));
    std::abort();
}

int open_node() {
    for (int minor = 128; minor < 136; ++minor) {
        const std::string path = "/dev/dri/renderD" + std::to_string(minor);
        const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        drmVersionPtr version = drmGetVersion(fd);
        const bool kite = version != nullptr && std::strcmp(version->name, "kite") == 0;
        drmFreeVersion(version);
        if (kite) {
            return fd;
        }
        close(fd);
    }
    return -1;
}

std::int64_t deadline(double seconds) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec + static_cast<std::int64_t>(seconds * 1e9);
}

} // namespace

void Packets::word64(std::uint64_t value) {
    words_.push_back(static_cast<std::uint32_t>(value));
    words_.push_back(static_cast<std::uint32_t>(value >> 32));
}

Packets& Packets::fill(std::uint64_t va, std::uint64_t bytes, std::uint32_t value) {
    words_.push_back(KITE_HW_PACKET_HEADER(KITE_HW_PACKET_FILL_BUFFER, KITE_HW_FILL_BUFFER_DWORDS));
    word64(va);
    word64(bytes);
    words_.push_back(value);
    return *this;
}

Packets& Packets::copy(std::uint64_t from, std::uint64_t to, std::uint64_t bytes) {
    words_.push_back(KITE_HW_PACKET_HEADER(KITE_HW_PACKET_COPY_BUFFER, KITE_HW_COPY_BUFFER_DWORDS));
    word64(from);
    word64(to);
    word64(bytes);
    return *this;
}

Packets& Packets::wait(std::uint64_t va, std::uint32_t value) {
    words_.push_back(KITE_HW_PACKET_HEADER(KITE_HW_PACKET_WAIT_EVENT, KITE_HW_WAIT_EVENT_DWORDS));
    word64(va);
    words_.push_back(value);
    return *this;
}

bool Client::available() {
    const int fd = open_node();
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

Client::Client() : fd_(open_node()) {
    if (fd_ < 0) {
        fail("no kite render node", errno);
    }
    drm_kite_vm_create args{};
    call(DRM_IOCTL_KITE_VM_CREATE, &args, "VM_CREATE");
    vm_ = args.id;
    commands_ = create(kCommandBytes, DRM_KITE_BO_SYSTEM);
    bind(commands_, kCommandsVa, DRM_KITE_VM_BIND_READONLY);
}

Client::~Client() {
    destroy(commands_);
    close(fd_);
}

int Client::ioctl_error(unsigned long request, void* args) const {
    return drmIoctl(fd_, request, args) == 0 ? 0 : errno;
}

void Client::call(unsigned long request, void* args, const char* what) const {
    if (const int error = ioctl_error(request, args); error != 0) {
        fail(what, error);
    }
}

Buffer Client::create(std::uint64_t size, std::uint32_t flags, bool mapped) const {
    drm_kite_bo_create args{};
    args.size = size;
    args.flags = flags;
    call(DRM_IOCTL_KITE_BO_CREATE, &args, "BO_CREATE");
    Buffer buffer{args.handle, args.size, nullptr};
    if (mapped) {
        map(buffer);
    }
    return buffer;
}

void Client::map(Buffer& buffer) const {
    drm_kite_bo_mmap_offset args{};
    args.handle = buffer.handle;
    call(DRM_IOCTL_KITE_BO_MMAP_OFFSET, &args, "BO_MMAP_OFFSET");
    void* at = mmap(nullptr, buffer.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_,
                    static_cast<off_t>(args.offset));
    if (at == MAP_FAILED) {
        fail("mmap", errno);
    }
    buffer.words = static_cast<std::uint32_t*>(at);
}

void Client::destroy(Buffer& buffer) const {
    if (buffer.words != nullptr) {
        munmap(buffer.words, buffer.size);
    }
    drmCloseBufferHandle(fd_, buffer.handle);
    buffer = {};
}

int Client::bind_op(std::uint32_t op, std::uint32_t flags, std::uint32_t handle,
                    std::uint64_t offset, std::uint64_t va, std::uint64_t range) const {
    drm_kite_vm_bind_op one{};
    one.op = op;
    one.flags = flags;
    one.bo_handle = handle;
    one.bo_offset = offset;
    one.va = va;
    one.range = range;
    drm_kite_vm_bind args{};
    args.vm_id = vm_;
    args.ops = {sizeof one, 1, reinterpret_cast<std::uintptr_t>(&one)};
    return ioctl_error(DRM_IOCTL_KITE_VM_BIND, &args);
}

void Client::bind(const Buffer& buffer, std::uint64_t va, std::uint32_t flags) const {
    if (const int error = bind_op(DRM_KITE_VM_BIND_MAP, flags, buffer.handle, 0, va, buffer.size);
        error != 0) {
        fail("VM_BIND map", error);
    }
}

void Client::unbind(std::uint64_t va, std::uint64_t range) const {
    if (const int error = bind_op(DRM_KITE_VM_BIND_UNMAP, 0, 0, 0, va, range); error != 0) {
        fail("VM_BIND unmap", error);
    }
}

std::uint32_t Client::queue(std::uint32_t queue_class) const {
    drm_kite_queue_create args{};
    args.vm_id = vm_;
    args.queue_class = queue_class;
    args.priority = DRM_KITE_PRIORITY_NORMAL;
    call(DRM_IOCTL_KITE_QUEUE_CREATE, &args, "QUEUE_CREATE");
    return args.id;
}

std::uint32_t Client::syncobj() const {
    std::uint32_t handle = 0;
    if (drmSyncobjCreate(fd_, 0, &handle) != 0) {
        fail("syncobj", errno);
    }
    return handle;
}

int Client::wait(std::uint32_t syncobj, std::uint64_t point, double seconds) const {
    const int ret = point == 0
                        ? drmSyncobjWait(fd_, &syncobj, 1, deadline(seconds), 0, nullptr)
                        : drmSyncobjTimelineWait(fd_, &syncobj, &point, 1, deadline(seconds),
                                                 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, nullptr);
    return ret < 0 ? -ret : 0;
}

int Client::submit(std::uint32_t queue, const Packets& packets, std::uint32_t syncobj) {
    const std::size_t bytes = packets.words().size() * 4;
    if (used_ + bytes > kCommandBytes) {
        used_ = 0;
    }
    std::memcpy(commands_.words + used_ / 4, packets.words().data(), bytes);
    drm_kite_ib ib{kCommandsVa + used_, static_cast<std::uint32_t>(bytes), 0};
    drm_kite_sync sync{DRM_KITE_SYNC_SIGNAL, syncobj, 0};
    drm_kite_queue_submit args{};
    args.queue_id = queue;
    args.ibs = {sizeof ib, bytes == 0 ? 0U : 1U, reinterpret_cast<std::uintptr_t>(&ib)};
    args.syncs = {sizeof sync, syncobj == 0 ? 0U : 1U, reinterpret_cast<std::uintptr_t>(&sync)};
    used_ += bytes;
    return ioctl_error(DRM_IOCTL_KITE_QUEUE_SUBMIT, &args);
}

int Client::run(std::uint32_t queue, const Packets& packets) {
    const std::uint32_t done = syncobj();
    int error = submit(queue, packets, done);
    if (error == 0) {
        error = wait(done);
    }
    drmSyncobjDestroy(fd_, done);
    return error;
}

drm_kite_vm_get_state Client::vm_state() const {
    drm_kite_vm_get_state args{};
    args.vm_id = vm_;
    call(DRM_IOCTL_KITE_VM_GET_STATE, &args, "VM_GET_STATE");
    return args;
}

drm_kite_queue_get_state Client::queue_state(std::uint32_t queue) const {
    drm_kite_queue_get_state args{};
    args.id = queue;
    call(DRM_IOCTL_KITE_QUEUE_GET_STATE, &args, "QUEUE_GET_STATE");
    return args;
}

} // namespace kite::drmtest
