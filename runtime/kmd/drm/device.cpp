// SPDX-License-Identifier: MIT
#include "runtime/kmd/drm/device.hpp"

#include "base/log.hpp"
#include "drm-driver/uapi/kite_drm.h"
#include "runtime/kmd/drm/bo.hpp"

#include <algorithm>
#include <cstring>

namespace kite::rt::kmd::drm {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint16_t kAbiMajor = 1;

template <class T>
int query(Kernel& kernel, int fd, drm_kite_dev_query_type type, T& out) {
    drm_kite_dev_query q{};
    q.type = type;
    q.size = sizeof(T);
    q.pointer = reinterpret_cast<uintptr_t>(&out);
    return kernel.call(fd, DRM_IOCTL_KITE_DEV_QUERY, &q);
}

/// What is wrong with the facts, or null.
const char* objection(const drm_kite_gpu_info& g, const drm_kite_memory_info& m) {
    if (g.abi_major != kAbiMajor)
        return "unknown hardware interface version";
    if (g.wave_size != 8 && g.wave_size != 16)
        return "wave size is neither 8 nor 16";
    if (g.page_size != kPage)
        return "page size is not 4096";
    if (g.va_start % kPage != 0 || g.va_end % kPage != 0 || g.va_start >= g.va_end)
        return "bad address range";
    if (!(g.ring_mask & (1u << DRM_KITE_QUEUE_GRAPHICS)))
        return "no graphics ring";
    if (g.max_ibs < 1 || g.max_syncs < 2 || g.max_binds < 1)
        return "limits too small";
    if (m.vram_size < kPage || m.vram_visible_size > m.vram_size)
        return "bad memory sizes";
    return nullptr;
}

Result<DeviceFacts> facts_of(Kernel& kernel, int fd, const Node& node, QueueLimits* limits) {
    drm_kite_gpu_info g{};
    drm_kite_memory_info m{};
    int r = query(kernel, fd, DRM_KITE_DEV_QUERY_GPU, g);
    if (r >= 0)
        r = query(kernel, fd, DRM_KITE_DEV_QUERY_MEMORY, m);
    if (r < 0)
        return base::fail(base::ErrorCode::initialization_failed, "{}: DEV_QUERY: {}", node.path,
                          base::errno_text(-r));
    if (const char* why = objection(g, m))
        return base::fail(base::ErrorCode::initialization_failed, "{}: {}", node.path, why);
    DeviceFacts f;
    f.backend = "drm";
    f.description.assign(g.description, strnlen(g.description, sizeof(g.description)));
    f.wave_size = g.wave_size;
    f.node = node.path;
    f.vram_bytes = m.vram_size;
    f.vram_visible_bytes = m.vram_visible_size;
    f.system_bytes = m.system_size;
    f.vram_cached = false;
    f.va_start = g.va_start;
    f.va_end = g.va_end;
    std::memcpy(f.code_uuid, g.code_uuid, sizeof(f.code_uuid));
    f.vendor_id = g.vendor_id;
    f.device_id = g.device_id;
    if (node.on_pci)
        f.pci = node.pci;
    f.drm = node.nodes;
    f.dma_buf = true;
    f.sync_fds = f.sync_files = true;
    if (limits)
        *limits = {std::min(g.max_ibs, 1024u), std::min(g.max_syncs, 1024u)};
    return f;
}

} // namespace

std::vector<DeviceFacts> enumerate(Kernel& kernel) {
    std::vector<DeviceFacts> found;
    auto nodes = kernel.nodes();
    std::ranges::sort(nodes, {}, [](const Node& n) { return n.nodes.render_minor; });
    for (const Node& node : nodes) {
        int fd = kernel.open(node.path.c_str());
        if (fd < 0) {
            KITE_LOG(warn, "{}: {}", node.path, base::errno_text(-fd));
            continue;
        }
        if (auto f = facts_of(kernel, fd, node, nullptr))
            found.push_back(std::move(*f));
        kernel.close(fd);
    }
    return found;
}

MemoryLeft memory_left(const DeviceFacts& facts, Kernel& kernel) {
    // Fields that an older kernel does not know stay as they are.
    drm_kite_memory_info m{};
    m.vram_quota_left = m.system_quota_left = ~uint64_t{0};
    int fd = kernel.open(facts.node.c_str());
    if (fd < 0)
        return {};
    int r = query(kernel, fd, DRM_KITE_DEV_QUERY_MEMORY, m);
    kernel.close(fd);
    if (r < 0 || m.vram_used > m.vram_size)
        return {};
    return {std::min<uint64_t>(m.vram_size - m.vram_used, m.vram_quota_left), m.system_quota_left};
}

Result<std::unique_ptr<Device>> DeviceImpl::open(const DeviceFacts& facts, Kernel& kernel) {
    int fd = kernel.open(facts.node.c_str());
    if (fd < 0)
        return base::fail(base::ErrorCode::initialization_failed, "{}: {}", facts.node,
                          base::errno_text(-fd));
    Node node;
    node.path = facts.node;
    node.nodes = facts.drm.value_or(DrmNodes{});
    node.on_pci = facts.pci.has_value();
    node.pci = facts.pci.value_or(PciAddress{});
    QueueLimits limits;
    // Asked again: another device may have taken the node's name since enumerate().
    auto now = facts_of(kernel, fd, node, &limits);
    if (!now) {
        kernel.close(fd);
        return std::unexpected(now.error());
    }
    if (now->wave_size != facts.wave_size ||
        std::memcmp(now->code_uuid, facts.code_uuid, sizeof(facts.code_uuid)) != 0) {
        kernel.close(fd);
        return base::fail(base::ErrorCode::initialization_failed,
                          "{} is another device than the one enumerated", facts.node);
    }
    auto vm = Vm::create(kernel, fd);
    if (!vm)
        return std::unexpected(vm.error());
    return std::make_unique<DeviceImpl>(std::move(*vm), std::move(*now), limits);
}

Result<std::unique_ptr<Bo>> DeviceImpl::create_bo(const BoDesc& desc) {
    uint64_t most = desc.placement == Placement::system ? facts_.system_bytes : facts_.vram_bytes;
    if (desc.size_bytes == 0 || desc.size_bytes > most)
        return base::fail(base::ErrorCode::out_of_device_memory, "buffer of {} bytes",
                          desc.size_bytes);
    return BoImpl::create(vm_, desc);
}

Result<std::unique_ptr<Bo>> DeviceImpl::import_bo(int fd, uint64_t size_bytes) {
    return BoImpl::import(vm_, fd, size_bytes);
}

Result<void> DeviceImpl::bind(uint64_t va, Bo& bo, uint64_t offset, uint64_t size) {
    auto& b = static_cast<BoImpl&>(bo);
    if ((va | offset | size) % kPage != 0 || size == 0 || offset > b.size_bytes() ||
        size > b.size_bytes() - offset)
        return base::fail(base::ErrorCode::invalid_argument, "bad bind");
    return vm_->bind(va, b.handle(), offset, size);
}

Result<void> DeviceImpl::unbind(uint64_t va, uint64_t size) {
    return vm_->unbind(va, size);
}

Result<std::unique_ptr<Queue>> DeviceImpl::create_queue(QueueClass engine) {
    auto q = std::make_unique<QueueImpl>(vm_, limits_);
    if (auto r = q->start(engine); !r)
        return std::unexpected(r.error());
    return q;
}

Result<std::unique_ptr<Timeline>> DeviceImpl::create_timeline(uint64_t initial) {
    return TimelineImpl::create(vm_, initial);
}

Result<std::unique_ptr<Timeline>> DeviceImpl::create_binary(bool signalled) {
    return TimelineImpl::create_binary(vm_, signalled);
}

Result<std::unique_ptr<Timeline>> DeviceImpl::import_sync(int fd, bool binary) {
    return TimelineImpl::import(vm_, fd, binary);
}

Result<void> DeviceImpl::wait(const WaitSet& set, uint64_t deadline_ns) {
    return wait_points(*vm_, set, deadline_ns);
}

Result<ClockPair> DeviceImpl::clocks() {
    drm_kite_get_time t{};
    if (int r = vm_->call(DRM_IOCTL_KITE_GET_TIME, &t); r < 0)
        return std::unexpected(vm_->error(r, "GET_TIME"));
    return ClockPair{t.device_ns, t.cpu_ns, t.deviation_ns};
}

} // namespace kite::rt::kmd::drm
