// SPDX-License-Identifier: MIT
#include "tests/drm/node.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>
#include <unistd.h>
#include <xf86drm.h>

namespace kite::drm_test {
namespace {

void must(int r, const char* what) {
    if (r < 0)
        throw std::runtime_error(std::string(what) + ": " + std::strerror(-r));
}

bool driven_by(const char* driver, const char* path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    drmVersionPtr v = drmGetVersion(fd);
    bool ok = v && std::strcmp(v->name, driver) == 0;
    drmFreeVersion(v);
    close(fd);
    return ok;
}

} // namespace

std::string find_node(const char* driver) {
    std::array<drmDevicePtr, 16> devices{};
    int n = drmGetDevices2(0, devices.data(), static_cast<int>(devices.size()));
    std::string found;
    for (int i = 0; i < n && found.empty(); ++i) {
        const drmDevice& d = *devices[static_cast<size_t>(i)];
        if ((d.available_nodes & (1 << DRM_NODE_RENDER)) &&
            driven_by(driver, d.nodes[DRM_NODE_RENDER]))
            found = d.nodes[DRM_NODE_RENDER];
    }
    if (n > 0)
        drmFreeDevices(devices.data(), n);
    return found;
}

Node::Node() : fd_(open(find_node().c_str(), O_RDWR | O_CLOEXEC)) {
    if (fd_ < 0)
        throw std::runtime_error("no kite render node");
}

Node::~Node() {
    close(fd_);
}

int Node::ioctl(unsigned long request, void* argument) const {
    int r;
    do
        r = ::ioctl(fd_, request, argument);
    while (r < 0 && (errno == EINTR || errno == EAGAIN));
    return r < 0 ? -errno : r;
}

drm_kite_gpu_info Node::gpu() const {
    drm_kite_gpu_info g{};
    drm_kite_dev_query q{DRM_KITE_DEV_QUERY_GPU, sizeof(g), reinterpret_cast<uintptr_t>(&g)};
    must(call(DRM_IOCTL_KITE_DEV_QUERY, q), "DEV_QUERY");
    return g;
}

drm_kite_memory_info Node::memory() const {
    drm_kite_memory_info m{};
    drm_kite_dev_query q{DRM_KITE_DEV_QUERY_MEMORY, sizeof(m), reinterpret_cast<uintptr_t>(&m)};
    must(call(DRM_IOCTL_KITE_DEV_QUERY, q), "DEV_QUERY");
    return m;
}

uint32_t Node::vm() const {
    drm_kite_vm_create c{};
    must(call(DRM_IOCTL_KITE_VM_CREATE, c), "VM_CREATE");
    return c.id;
}

uint32_t Node::bo(uint64_t size, uint32_t flags, uint32_t exclusive_vm) const {
    drm_kite_bo_create c{};
    c.size = size;
    c.flags = flags;
    c.exclusive_vm_id = exclusive_vm;
    must(call(DRM_IOCTL_KITE_BO_CREATE, c), "BO_CREATE");
    return c.handle;
}

uint32_t Node::queue(uint32_t vm, uint32_t queue_class) const {
    drm_kite_queue_create c{};
    c.vm_id = vm;
    c.queue_class = queue_class;
    c.priority = DRM_KITE_PRIORITY_NORMAL;
    must(call(DRM_IOCTL_KITE_QUEUE_CREATE, c), "QUEUE_CREATE");
    return c.id;
}

uint32_t Node::syncobj(bool signalled) const {
    drm_syncobj_create c{};
    c.flags = signalled ? DRM_SYNCOBJ_CREATE_SIGNALED : 0;
    must(call(DRM_IOCTL_SYNCOBJ_CREATE, c), "SYNCOBJ_CREATE");
    return c.handle;
}

void* Node::map(uint32_t bo, uint64_t size) const {
    drm_kite_bo_mmap_offset m{};
    m.handle = bo;
    must(call(DRM_IOCTL_KITE_BO_MMAP_OFFSET, m), "BO_MMAP_OFFSET");
    void* p =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, static_cast<off_t>(m.offset));
    must(p == MAP_FAILED ? -errno : 0, "mmap");
    return p;
}

int Node::close_bo(uint32_t bo) const {
    drm_gem_close c{};
    c.handle = bo;
    return call(DRM_IOCTL_GEM_CLOSE, c);
}

int Node::bind(uint32_t vm, const drm_kite_vm_bind_op& op) const {
    drm_kite_vm_bind b{};
    b.vm_id = vm;
    b.ops = {sizeof(op), 1, reinterpret_cast<uintptr_t>(&op)};
    return call(DRM_IOCTL_KITE_VM_BIND, b);
}

int Node::bind_map(uint32_t vm, uint32_t bo, uint64_t va, uint64_t range, uint64_t offset) const {
    drm_kite_vm_bind_op op{};
    op.op = DRM_KITE_VM_BIND_MAP;
    op.bo_handle = bo;
    op.bo_offset = offset;
    op.va = va;
    op.range = range;
    return bind(vm, op);
}

int Node::submit(uint32_t queue, std::span<const drm_kite_ib> ibs,
                 std::span<const drm_kite_sync> syncs) const {
    drm_kite_queue_submit s{};
    s.queue_id = queue;
    s.ibs = {sizeof(drm_kite_ib), static_cast<uint32_t>(ibs.size()),
             reinterpret_cast<uintptr_t>(ibs.data())};
    s.syncs = {sizeof(drm_kite_sync), static_cast<uint32_t>(syncs.size()),
               reinterpret_cast<uintptr_t>(syncs.data())};
    return call(DRM_IOCTL_KITE_QUEUE_SUBMIT, s);
}

int Node::wait(uint32_t syncobj, uint64_t point, uint64_t timeout_ms) const {
    timespec ts{};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    drm_syncobj_timeline_wait w{};
    w.handles = reinterpret_cast<uintptr_t>(&syncobj);
    w.points = reinterpret_cast<uintptr_t>(&point);
    w.count_handles = 1;
    w.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
    w.timeout_nsec = static_cast<int64_t>(ts.tv_sec) * 1000000000 + ts.tv_nsec +
                     static_cast<int64_t>(timeout_ms) * 1000000;
    return call(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, w);
}

drm_kite_vm_get_state Node::vm_state(uint32_t vm) const {
    drm_kite_vm_get_state s{};
    s.vm_id = vm;
    must(call(DRM_IOCTL_KITE_VM_GET_STATE, s), "VM_GET_STATE");
    return s;
}

uint32_t Node::queue_state(uint32_t queue) const {
    drm_kite_queue_get_state s{};
    s.id = queue;
    must(call(DRM_IOCTL_KITE_QUEUE_GET_STATE, s), "QUEUE_GET_STATE");
    return s.state;
}

Power::Power(const Node& node) {
    struct stat s{};
    fstat(node.fd(), &s);
    folder_ = "/sys/dev/char/" + std::to_string(major(s.st_rdev)) + ":" +
              std::to_string(minor(s.st_rdev)) + "/device/power/";
}

std::string Power::read(const char* name) const {
    std::ifstream file(folder_ + name);
    std::string text;
    std::getline(file, text);
    return text;
}

void Power::delay(int ms) const {
    std::ofstream(folder_ + "autosuspend_delay_ms") << ms;
}

bool Power::wait(const std::string& status) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (read("runtime_status") != status) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

Space::Space(const Node& n, uint64_t size, uint32_t queue_class)
    : node(n), bytes(size), vm(n.vm()),
      bo(n.bo(size, DRM_KITE_BO_VRAM | DRM_KITE_BO_SYSTEM | DRM_KITE_BO_CPU_VISIBLE, vm)),
      queue(n.queue(vm, queue_class)), host(static_cast<uint32_t*>(n.map(bo, size))),
      at(static_cast<uint32_t>(size / 8)) {
    must(n.bind_map(vm, bo, kVa, size), "VM_BIND");
}

Space::~Space() {
    drm_kite_queue_destroy q{queue, 0};
    (void)node.call(DRM_IOCTL_KITE_QUEUE_DESTROY, q);
    drm_kite_vm_destroy v{vm, 0};
    (void)node.call(DRM_IOCTL_KITE_VM_DESTROY, v);
    (void)node.close_bo(bo);
    munmap(host, bytes);
}

drm_kite_ib Space::store(uint32_t slot, uint32_t value) {
    hw::WriteEventPacket p;
    p.address = kVa + uint64_t{slot} * 4;
    p.value = value;
    return emit(p);
}

drm_kite_ib Space::gate(uint32_t slot, uint32_t value) {
    hw::WaitEventPacket p;
    p.address = kVa + uint64_t{slot} * 4;
    p.value = value;
    return emit(p);
}

drm_kite_sync wait_for(uint32_t syncobj, uint64_t point) {
    return {point ? uint32_t{DRM_KITE_SYNC_TIMELINE} : 0u, syncobj, point};
}

drm_kite_sync signals(uint32_t syncobj, uint64_t point) {
    return {uint32_t{DRM_KITE_SYNC_SIGNAL} | (point ? uint32_t{DRM_KITE_SYNC_TIMELINE} : 0u),
            syncobj, point};
}

} // namespace kite::drm_test
