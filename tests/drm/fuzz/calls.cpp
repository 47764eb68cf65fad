// SPDX-License-Identifier: MIT
#include "calls.hpp"

#include "drm-driver/uapi/kite_drm.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <span>

namespace kite::fuzz {
namespace {

constexpr size_t kMostObjects = 24;
constexpr uint64_t kPage = 4096;
/// Everything the interface may answer; anything else is a fault of the kernel's.
constexpr std::array kKnown{0,      EINVAL, ENOENT, EFAULT, ENOMEM,    ENOSPC, EACCES,     EPERM,
                            ENODEV, EIO,    EINTR,  EAGAIN, ECANCELED, EBUSY,  EOPNOTSUPP, ETIME,
                            E2BIG,  EBADF,  ENOTTY, ENXIO,  EOVERFLOW, EEXIST, ERANGE,     ESRCH};

double now() {
    using namespace std::chrono;
    return duration<double>(steady_clock::now().time_since_epoch()).count();
}

} // namespace

void Tally::add(const Tally& other) {
    for (const auto& [call, answers] : other.answers_) {
        for (const auto& [error, times] : answers) {
            answers_[call][error] += times;
        }
    }
}

void Tally::print() const {
    for (const auto& [call, answers] : answers_) {
        std::printf("%-20s", call.c_str());
        for (const auto& [error, times] : answers) {
            std::printf(" %s:%" PRIu64, error == 0 ? "ok" : strerrorname_np(error), times);
        }
        std::printf("\n");
    }
}

Caller::~Caller() {
    for (const Mapping& mapping : mappings_) {
        munmap(mapping.at, mapping.bytes);
    }
}

uint32_t Caller::pick(const std::vector<uint32_t>& known) {
    if (known.empty() || chance(5)) {
        return chance(50) ? static_cast<uint32_t>(below(32)) : static_cast<uint32_t>(random_());
    }
    return known[below(known.size())];
}

uint64_t Caller::address() {
    static constexpr std::array<uint64_t, 6> kCorners{0,          kPage,      1ull << 38,
                                                      1ull << 39, 1ull << 47, ~0ull};
    if (chance(8)) {
        return kCorners[below(kCorners.size())] - below(2) * kPage;
    }
    // A small range, so that mappings overlap and split each other.
    return (1ull << 32) + below(512) * kPage * (chance(20) ? 512 : 1);
}

uint64_t Caller::size() {
    if (chance(4)) {
        return random_();
    }
    return (1 + below(chance(10) ? 2048 : 32)) * kPage;
}

template <typename T>
void Caller::bend(T& value) {
    if (!chance(15)) {
        return;
    }
    auto bytes = std::as_writable_bytes(std::span(&value, 1));
    for (uint64_t i = 0, times = 1 + below(3); i < times; ++i) {
        bytes[below(bytes.size())] =
            static_cast<std::byte>(chance(50) ? 1u << below(8) : random_());
    }
}

template <typename T>
int Caller::call(const char* name, unsigned long request, T& value) {
    const double started = now();
    const int error = ioctl(file_, request, &value) == 0 ? 0 : errno;
    const double seconds = now() - started;
    tally_.count(name, error);
    if (seconds > slow_seconds_) {
        std::printf("%s took %.1f s\n", name, seconds);
        good_ = false;
    }
    if (std::ranges::find(kKnown, error) == kKnown.end()) {
        std::printf("%s answered %s\n", name, strerrorname_np(error));
        good_ = false;
    }
    return error;
}

void Caller::query() {
    std::array<char, 512> block{};
    drm_kite_dev_query arguments{.type = static_cast<uint32_t>(below(4)),
                                 .size = static_cast<uint32_t>(below(block.size())),
                                 .pointer =
                                     chance(80) ? reinterpret_cast<uintptr_t>(block.data()) : 0};
    const uint32_t room = arguments.size;
    bend(arguments);
    arguments.size = std::min(arguments.size, room); // the block is this program's own memory
    if (arguments.pointer != 0 && arguments.pointer != reinterpret_cast<uintptr_t>(block.data())) {
        arguments.pointer = kPage; // nothing is mapped there
    }
    call("dev_query", DRM_IOCTL_KITE_DEV_QUERY, arguments);
}

void Caller::get_time() {
    drm_kite_get_time arguments{};
    bend(arguments);
    call("get_time", DRM_IOCTL_KITE_GET_TIME, arguments);
}

void Caller::vm_create() {
    drm_kite_vm_create arguments{};
    bend(arguments);
    if (vms_.size() < 6 && call("vm_create", DRM_IOCTL_KITE_VM_CREATE, arguments) == 0) {
        vms_.push_back(arguments.id);
    }
}

void Caller::vm_destroy() {
    drm_kite_vm_destroy arguments{.id = pick(vms_), .pad = 0};
    bend(arguments);
    if (call("vm_destroy", DRM_IOCTL_KITE_VM_DESTROY, arguments) == 0) {
        std::erase(vms_, arguments.id);
    }
}

void Caller::vm_bind() {
    std::array<drm_kite_vm_bind_op, 6> ops{};
    for (drm_kite_vm_bind_op& op : ops) {
        op.op = static_cast<uint32_t>(below(4));
        op.va = address();
        op.range = size();
        if (op.op == DRM_KITE_VM_BIND_MAP) {
            op.bo_handle = pick(bos_);
            op.bo_offset = below(4) * kPage;
            op.flags = chance(20) ? DRM_KITE_VM_BIND_READONLY : 0;
        } else if (op.op == DRM_KITE_VM_BIND_UNMAP_BO) {
            op.bo_handle = pick(bos_);
            op.va = op.range = 0;
        }
        bend(op);
    }
    std::array<drm_kite_sync, 3> syncs{};
    for (drm_kite_sync& sync : syncs) {
        sync.handle = pick(syncs_);
        sync.flags = chance(70) ? DRM_KITE_SYNC_SIGNAL : 0;
        if (chance(50)) {
            sync.flags |= DRM_KITE_SYNC_TIMELINE;
            sync.value = 1 + below(1000);
        }
        bend(sync);
    }
    drm_kite_vm_bind arguments{};
    arguments.vm_id = pick(vms_);
    arguments.flags = chance(50) ? DRM_KITE_VM_BIND_ASYNC : 0;
    arguments.ops = {.stride = sizeof(ops[0]),
                     .count = static_cast<uint32_t>(below(ops.size() + 1)),
                     .array = reinterpret_cast<uintptr_t>(ops.data())};
    if (arguments.flags != 0) {
        arguments.syncs = {.stride = sizeof(syncs[0]),
                           .count = static_cast<uint32_t>(below(syncs.size() + 1)),
                           .array = reinterpret_cast<uintptr_t>(syncs.data())};
    }
    bend(arguments);
    call("vm_bind", DRM_IOCTL_KITE_VM_BIND, arguments);
}

void Caller::vm_state() {
    drm_kite_vm_get_state arguments{};
    arguments.vm_id = pick(vms_);
    bend(arguments);
    if (call("vm_get_state", DRM_IOCTL_KITE_VM_GET_STATE, arguments) == 0 &&
        arguments.state != DRM_KITE_VM_USABLE) {
        drm_kite_vm_destroy gone{.id = arguments.vm_id, .pad = 0}; // banned: make room for another
        call("vm_destroy", DRM_IOCTL_KITE_VM_DESTROY, gone);
        std::erase(vms_, arguments.vm_id);
    }
}

void Caller::bo_create() {
    drm_kite_bo_create arguments{};
    arguments.size = size();
    arguments.flags = static_cast<uint32_t>(1 + below(7));
    arguments.exclusive_vm_id = chance(30) ? pick(vms_) : 0;
    bend(arguments);
    // More would only make TTM swap, which takes all the time there is.
    arguments.size = std::min<uint64_t>(arguments.size, chance(1) ? ~0ull : 8ull << 20);
    if (bos_.size() < kMostObjects && call("bo_create", DRM_IOCTL_KITE_BO_CREATE, arguments) == 0) {
        bos_.push_back(arguments.handle);
    }
}

void Caller::bo_map() {
    if (!mappings_.empty() && chance(50)) {
        const Mapping mapping = mappings_.back();
        mappings_.pop_back();
        munmap(mapping.at, mapping.bytes);
        return;
    }
    drm_kite_bo_mmap_offset arguments{};
    arguments.handle = pick(bos_);
    bend(arguments);
    if (call("bo_mmap_offset", DRM_IOCTL_KITE_BO_MMAP_OFFSET, arguments) != 0) {
        return;
    }
    void* at = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file_,
                    static_cast<off_t>(arguments.offset));
    if (at == MAP_FAILED) {
        tally_.count("mmap", errno);
        return;
    }
    tally_.count("mmap", 0);
    auto* words = static_cast<volatile uint32_t*>(at);
    for (size_t i = 0; i < 64; ++i) { // packets to run: nothing, nonsense, or what was there
        words[i] = chance(50) ? 0 : static_cast<uint32_t>(random_());
    }
    mappings_.push_back({at, kPage});
}

void Caller::bo_info() {
    drm_kite_bo_info arguments{};
    arguments.handle = pick(bos_);
    if (chance(40)) {
        arguments.flags = DRM_KITE_BO_SET_LABEL;
        std::memset(arguments.label, 'x', below(sizeof(arguments.label) + 1));
    }
    bend(arguments);
    call("bo_info", DRM_IOCTL_KITE_BO_INFO, arguments);
}

void Caller::bo_madvise() {
    drm_kite_bo_madvise arguments{};
    arguments.handle = pick(bos_);
    arguments.advice = static_cast<uint32_t>(below(2));
    bend(arguments);
    call("bo_madvise", DRM_IOCTL_KITE_BO_MADVISE, arguments);
}

void Caller::bo_close() {
    drm_gem_close arguments{.handle = pick(bos_), .pad = 0};
    if (call("gem_close", DRM_IOCTL_GEM_CLOSE, arguments) == 0) {
        std::erase(bos_, arguments.handle);
    }
}

void Caller::bo_prime() {
    drm_prime_handle out{.handle = pick(bos_), .flags = DRM_RDWR | DRM_CLOEXEC, .fd = -1};
    if (call("prime_export", DRM_IOCTL_PRIME_HANDLE_TO_FD, out) != 0) {
        return;
    }
    drm_prime_handle in{.handle = 0, .flags = 0, .fd = out.fd};
    if (call("prime_import", DRM_IOCTL_PRIME_FD_TO_HANDLE, in) == 0 &&
        std::ranges::find(bos_, in.handle) == bos_.end()) {
        bos_.push_back(in.handle);
    }
    close(out.fd);
}

void Caller::queue_create() {
    drm_kite_queue_create arguments{};
    arguments.vm_id = pick(vms_);
    arguments.queue_class = static_cast<uint32_t>(below(3));
    arguments.priority = static_cast<uint32_t>(below(3));
    bend(arguments);
    if (queues_.size() < 12 && call("queue_create", DRM_IOCTL_KITE_QUEUE_CREATE, arguments) == 0) {
        queues_.push_back(arguments.id);
    }
}

void Caller::queue_destroy() {
    drm_kite_queue_destroy arguments{.id = pick(queues_), .pad = 0};
    bend(arguments);
    if (call("queue_destroy", DRM_IOCTL_KITE_QUEUE_DESTROY, arguments) == 0) {
        std::erase(queues_, arguments.id);
    }
}

void Caller::queue_submit() {
    std::array<drm_kite_ib, 4> ibs{};
    for (drm_kite_ib& ib : ibs) {
        ib.va = address();
        ib.size = static_cast<uint32_t>(4 * (1 + below(64)));
        bend(ib);
    }
    std::array<drm_kite_sync, 3> syncs{};
    for (drm_kite_sync& sync : syncs) {
        sync.handle = pick(syncs_);
        sync.flags = chance(70) ? DRM_KITE_SYNC_SIGNAL : 0;
        if (chance(50)) {
            sync.flags |= DRM_KITE_SYNC_TIMELINE;
            sync.value = 1 + below(1000);
        }
        bend(sync);
    }
    drm_kite_queue_submit arguments{};
    arguments.queue_id = pick(queues_);
    arguments.ibs = {.stride = sizeof(ibs[0]),
                     .count = static_cast<uint32_t>(below(ibs.size() + 1)),
                     .array = reinterpret_cast<uintptr_t>(ibs.data())};
    arguments.syncs = {.stride = sizeof(syncs[0]),
                       .count = static_cast<uint32_t>(below(syncs.size() + 1)),
                       .array = reinterpret_cast<uintptr_t>(syncs.data())};
    bend(arguments);
    call("queue_submit", DRM_IOCTL_KITE_QUEUE_SUBMIT, arguments);
}

void Caller::queue_state() {
    drm_kite_queue_get_state arguments{};
    arguments.id = pick(queues_);
    bend(arguments);
    if (call("queue_get_state", DRM_IOCTL_KITE_QUEUE_GET_STATE, arguments) == 0 &&
        arguments.state != DRM_KITE_QUEUE_OK) {
        drm_kite_queue_destroy gone{.id = arguments.id, .pad = 0};
        call("queue_destroy", DRM_IOCTL_KITE_QUEUE_DESTROY, gone);
        std::erase(queues_, arguments.id);
    }
}

void Caller::sync_create() {
    drm_syncobj_create arguments{};
    arguments.flags = chance(20) ? DRM_SYNCOBJ_CREATE_SIGNALED : 0;
    if (syncs_.size() < kMostObjects &&
        call("syncobj_create", DRM_IOCTL_SYNCOBJ_CREATE, arguments) == 0) {
        syncs_.push_back(arguments.handle);
    }
}

void Caller::sync_wait() {
    uint32_t handle = pick(syncs_);
    uint64_t point = below(1000);
    drm_syncobj_timeline_wait arguments{};
    arguments.handles = reinterpret_cast<uintptr_t>(&handle);
    arguments.points = reinterpret_cast<uintptr_t>(&point);
    arguments.count_handles = 1;
    arguments.timeout_nsec = static_cast<int64_t>((now() + 0.005) * 1e9);
    arguments.flags = chance(50) ? DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT : 0;
    call("syncobj_wait", DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, arguments);
}

void Caller::sync_destroy() {
    drm_syncobj_destroy arguments{.handle = pick(syncs_), .pad = 0};
    if (call("syncobj_destroy", DRM_IOCTL_SYNCOBJ_DESTROY, arguments) == 0) {
        std::erase(syncs_, arguments.handle);
    }
}

void Caller::raw() {
    // Any number and size of the driver's range, on bytes that hold no pointer of ours.
    std::array<uint64_t, 64> bytes{};
    for (uint64_t& word : bytes) {
        word = chance(60) ? below(16) : (random_() & 0xFFFFFFFF);
    }
    const auto number = static_cast<unsigned>(DRM_COMMAND_BASE + below(32));
    const auto length = static_cast<unsigned>(below(sizeof(bytes)));
    call("raw", _IOC(_IOC_READ | _IOC_WRITE, DRM_IOCTL_BASE, number, length), bytes);
}

bool Caller::step() {
    using Verb = void (Caller::*)();
    // Some verbs more often than others.
    static constexpr std::array kVerbs{
        &Caller::query,        &Caller::get_time,     &Caller::vm_create,     &Caller::vm_create,
        &Caller::vm_destroy,   &Caller::vm_bind,      &Caller::vm_bind,       &Caller::vm_bind,
        &Caller::vm_bind,      &Caller::vm_state,     &Caller::bo_create,     &Caller::bo_create,
        &Caller::bo_create,    &Caller::bo_map,       &Caller::bo_map,        &Caller::bo_info,
        &Caller::bo_madvise,   &Caller::bo_close,     &Caller::bo_prime,      &Caller::queue_create,
        &Caller::queue_create, &Caller::queue_submit, &Caller::queue_submit,  &Caller::queue_submit,
        &Caller::queue_submit, &Caller::queue_state,  &Caller::queue_destroy, &Caller::sync_create,
        &Caller::sync_create,  &Caller::sync_wait,    &Caller::sync_destroy,  &Caller::raw};
    const Verb verb = kVerbs[below(kVerbs.size())];
    (this->*verb)();
    return good_;
}

} // namespace kite::fuzz
