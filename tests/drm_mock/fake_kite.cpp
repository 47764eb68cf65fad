// SPDX-License-Identifier: MIT
// The fake's driver ioctls on buffers, address spaces and facts.
#include "tests/drm_mock/fake.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace kite::drm_mock {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kOffsetUnit = uint64_t{1} << 32;
constexpr uint32_t kPlacements = DRM_KITE_BO_VRAM | DRM_KITE_BO_SYSTEM;

template <class T>
int answer(drm_kite_dev_query& q, const T& block) {
    uint32_t room = q.size;
    q.size = sizeof(T);
    if (q.pointer == 0)
        return 0;
    return copy_out(q.pointer, &block, std::min<size_t>(room, sizeof(T)));
}

} // namespace

Bo::~Bo() {
    if (on_free)
        on_free();
    if (own_fd)
        raw_close(fd);
}

Vm::~Vm() {
    if (space)
        space->destroy();
}

int Fake::dev_query(File& f, void* p) {
    auto& q = *static_cast<drm_kite_dev_query*>(p);
    const dev::DeviceInfo& info = device_->info();
    switch (q.type) {
    case DRM_KITE_DEV_QUERY_GPU: {
        drm_kite_gpu_info g{};
        g.abi_major = 1;
        g.wave_size = info.wave_size;
        g.va_start = 0x10000;
        g.va_end = (uint64_t{1} << info.va_bits) - (uint64_t{2} << 20);
        g.page_size = kPage;
        g.ring_mask = 7;
        g.max_ibs = 16; // small, so that splitting is exercised
        g.max_binds = 64;
        g.max_syncs = 16;
        g.job_timeout_ms = 10000;
        g.vendor_id = 0x1af4;
        g.device_id = 0x10f0;
        std::memcpy(g.code_uuid, info.code_uuid, 16);
        std::memcpy(g.description, info.description, sizeof(g.description));
        g.description[sizeof(g.description) - 1] = 0;
        return answer(q, g);
    }
    case DRM_KITE_DEV_QUERY_MEMORY: {
        drm_kite_memory_info m{};
        m.vram_size = m.vram_visible_size = info.vram_bytes;
        m.vram_used = m.vram_visible_used = vram_used_;
        for (auto& [h, bo] : f.bos)
            (bo->own_fd ? m.system_client : m.vram_client) += bo->size;
        m.system_size = info.vram_bytes / 2;
        m.vram_quota_left = m.system_quota_left = ~uint64_t{0};
        return answer(q, m);
    }
    case DRM_KITE_DEV_QUERY_LINK: {
        drm_kite_link_info l{};
        l.speed_mts = 16000;
        l.width = 4;
        l.removable = 1;
        l.pci_bus = 1;
        return answer(q, l);
    }
    default:
        return -EINVAL;
    }
}

int Fake::get_time(File&, void* p) {
    auto& t = *static_cast<drm_kite_get_time*>(p);
    if (t.flags || t.pad)
        return -EINVAL;
    t.device_ns = t.cpu_ns = device_->timestamp();
    t.deviation_ns = 100;
    return 0;
}

int Fake::vm_create(File& f, void* p) {
    auto& c = *static_cast<drm_kite_vm_create*>(p);
    if (c.flags)
        return -EINVAL;
    auto vm = std::make_shared<Vm>();
    if (int r = device_->create_address_space(&vm->space); r != 0)
        return r;
    vm->id = c.id = f.next++;
    f.vms[c.id] = vm;
    vms_.push_back(vm);
    return 0;
}

int Fake::vm_destroy(File& f, void* p) {
    auto& d = *static_cast<drm_kite_vm_destroy*>(p);
    if (d.pad)
        return -EINVAL;
    auto it = f.vms.find(d.id);
    if (it == f.vms.end())
        return -ENOENT;
    for (Job& j : it->second->jobs)
        j.done->signal(ECANCELED);
    it->second->jobs.clear();
    std::erase(vms_, it->second);
    f.vms.erase(it);
    changed_.notify_all();
    return 0;
}

int Fake::vm_get_state(File& f, void* p) {
    auto& s = *static_cast<drm_kite_vm_get_state*>(p);
    auto it = f.vms.find(s.vm_id);
    if (s.pad)
        return -EINVAL;
    if (it == f.vms.end())
        return -ENOENT;
    const Vm& vm = *it->second;
    s.state = vm.banned ? DRM_KITE_VM_BANNED : DRM_KITE_VM_USABLE;
    s.cause = vm.cause;
    s.access = 0;
    s.queue_id = vm.guilty_queue;
    s.address = vm.address;
    std::memset(s.text, 0, sizeof(s.text));
    std::memcpy(s.text, vm.why.data(), std::min(vm.why.size(), sizeof(s.text) - 1));
    return 0;
}

int Fake::check_bind(File& f, Vm& vm, const drm_kite_vm_bind_op& op, BindOp& out) {
    if (op.pad || op.op > DRM_KITE_VM_BIND_SPARSE)
        return -EINVAL;
    if (op.flags & ~uint32_t{DRM_KITE_VM_BIND_READONLY})
        return -EINVAL;
    if (op.flags && op.op != DRM_KITE_VM_BIND_MAP)
        return -EINVAL;
    bool wants_bo = op.op == DRM_KITE_VM_BIND_MAP || op.op == DRM_KITE_VM_BIND_UNMAP_BO;
    if (!wants_bo && (op.bo_handle || op.bo_offset))
        return -EINVAL;
    out.op = op.op;
    out.readonly = op.flags != 0;
    if (op.op == DRM_KITE_VM_BIND_UNMAP_BO) {
        if (op.va || op.range || op.bo_offset)
            return -EINVAL;
    } else {
        uint64_t end = (uint64_t{1} << device_->info().va_bits) - (uint64_t{2} << 20);
        if ((op.va | op.range | op.bo_offset) % kPage || op.range == 0 || op.va < 0x10000 ||
            op.va >= end || op.range > end - op.va)
            return -EINVAL;
    }
    if (wants_bo) {
        auto it = f.bos.find(op.bo_handle);
        if (it == f.bos.end())
            return -ENOENT;
        out.bo = it->second;
        if (out.bo->exclusive_vm && out.bo->exclusive_vm != vm.id)
            return -EINVAL;
        if (op.op == DRM_KITE_VM_BIND_MAP &&
            (op.bo_offset > out.bo->size || op.range > out.bo->size - op.bo_offset))
            return -EINVAL;
    }
    out.offset = op.bo_offset;
    out.va = op.va;
    out.range = op.range;
    return 0;
}

void Fake::carve(Vm& vm, uint64_t va, uint64_t range) {
    uint64_t end = va + range;
    auto it = vm.mapped.upper_bound(va);
    if (it != vm.mapped.begin())
        --it;
    while (it != vm.mapped.end() && it->second.va < end) {
        BindOp m = it->second;
        uint64_t m_end = m.va + m.range;
        if (m_end <= va) {
            ++it;
            continue;
        }
        it = vm.mapped.erase(it);
        if (m.va < va) {
            BindOp left = m;
            left.range = va - m.va;
            vm.mapped[left.va] = left;
        }
        if (m_end > end) {
            BindOp right = m;
            right.offset += end - m.va;
            right.va = end;
            right.range = m_end - end;
            vm.mapped[right.va] = right;
            break;
        }
    }
}

void Fake::apply(Vm& vm, const BindOp& op) {
    switch (op.op) {
    case DRM_KITE_VM_BIND_MAP:
        carve(vm, op.va, op.range);
        vm.mapped[op.va] = op;
        (void)vm.space->map(op.va, op.range, op.bo->fd, op.bo->offset + op.offset, op.readonly);
        break;
    case DRM_KITE_VM_BIND_UNMAP_BO:
        for (auto it = vm.mapped.begin(); it != vm.mapped.end();) {
            if (it->second.bo != op.bo) {
                ++it;
                continue;
            }
            (void)vm.space->unmap(it->second.va, it->second.range);
            it = vm.mapped.erase(it);
        }
        break;
    default: // the embedded device reads holes as zero, which is what sparse asks for
        carve(vm, op.va, op.range);
        (void)vm.space->unmap(op.va, op.range);
        break;
    }
}

int Fake::vm_bind(File& f, void* p) {
    auto& b = *static_cast<drm_kite_vm_bind*>(p);
    if (b.flags & ~uint32_t{DRM_KITE_VM_BIND_ASYNC})
        return -EINVAL;
    auto it = f.vms.find(b.vm_id);
    if (it == f.vms.end())
        return -ENOENT;
    Vm& vm = *it->second;
    if (!b.flags && b.syncs.count)
        return -EINVAL;
    if (b.ops.count > 64 || (b.ops.count && b.ops.stride < sizeof(drm_kite_vm_bind_op)))
        return -EINVAL;
    if (vm.banned)
        return -ECANCELED;
    Job job;
    for (uint32_t i = 0; i < b.ops.count; ++i) {
        drm_kite_vm_bind_op op{};
        if (int r = copy_in(&op, b.ops.array + uint64_t{i} * b.ops.stride, sizeof(op)); r < 0)
            return r;
        BindOp out;
        if (int r = check_bind(f, vm, op, out); r < 0)
            return r;
        job.binds.push_back(std::move(out));
    }
    Syncs syncs;
    if (int r = read_syncs(f, b.syncs, syncs); r < 0)
        return r;
    if (!b.flags) {
        for (const BindOp& op : job.binds)
            apply(vm, op);
        return 0;
    }
    job.waits = std::move(syncs.waits);
    job.done = std::make_shared<Fence>();
    attach(syncs, job.done);
    vm.jobs.push_back(std::move(job));
    changed_.notify_all();
    return 0;
}

int Fake::bo_create(File& f, void* p) {
    auto& c = *static_cast<drm_kite_bo_create*>(p);
    constexpr uint32_t known = kPlacements | DRM_KITE_BO_CPU_VISIBLE;
    if (c.pad || c.size == 0 || (c.flags & ~known) || !(c.flags & kPlacements))
        return -EINVAL;
    if (c.exclusive_vm_id && !f.vms.contains(c.exclusive_vm_id))
        return -ENOENT;
    if (c.size > uint64_t{1} << 40)
        return c.flags & DRM_KITE_BO_SYSTEM ? -ENOMEM : -ENOSPC;
    uint64_t size = (c.size + kPage - 1) / kPage * kPage;
    if (const uint64_t vram = device_->info().vram_bytes; bo_bytes_ + size > vram + vram / 2)
        return c.flags & DRM_KITE_BO_SYSTEM ? -ENOMEM : -ENOSPC;
    auto bo = std::make_shared<Bo>();
    bo->size = size;
    bo_bytes_ += size;
    bo->counted = {nullptr, [this, size](void*) { bo_bytes_ -= size; }};
    bo->flags = c.flags;
    bo->exclusive_vm = c.exclusive_vm_id;
    bool in_vram = (c.flags & DRM_KITE_BO_VRAM) && c.exclusive_vm_id;
    auto at = in_vram ? vram_->allocate(size) : std::nullopt;
    if (in_vram && !at && !(c.flags & DRM_KITE_BO_SYSTEM))
        return -ENOSPC;
    if (at) {
        int fd = device_->info().vram_fd;
        bo->fd = fd;
        bo->offset = *at - rt::kVaGranule;
        vram_used_ += size;
        bo->on_free = [this, vram = vram_, offset = bo->offset, at = *at, size, fd] {
            // Scrubbed before the next owner.
            (void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                            static_cast<off_t>(offset), static_cast<off_t>(size));
            vram->release(at, size);
            vram_used_ -= size;
        };
    } else {
        bo->fd = memfd_create("kite-bo", MFD_CLOEXEC);
        bo->own_fd = true;
        if (bo->fd < 0 || ftruncate(bo->fd, static_cast<off_t>(size)) != 0)
            return -ENOMEM;
        if (!c.exclusive_vm_id)
            shared_bos_[inode_of(bo->fd)] = bo;
    }
    bo->map_at = next_offset_++ * kOffsetUnit * 256;
    by_offset_[bo->map_at / (kOffsetUnit * 256)] = bo;
    c.size = size;
    c.handle = f.next++;
    f.bos[c.handle] = bo;
    return 0;
}

int Fake::bo_mmap_offset(File& f, void* p) {
    auto& m = *static_cast<drm_kite_bo_mmap_offset*>(p);
    if (m.flags)
        return -EINVAL;
    auto it = f.bos.find(m.handle);
    if (it == f.bos.end())
        return -ENOENT;
    m.offset = it->second->map_at;
    return 0;
}

int Fake::bo_info(File& f, void* p) {
    auto& i = *static_cast<drm_kite_bo_info*>(p);
    if (i.flags & ~uint32_t{DRM_KITE_BO_SET_LABEL})
        return -EINVAL;
    auto it = f.bos.find(i.handle);
    if (it == f.bos.end())
        return -ENOENT;
    Bo& bo = *it->second;
    if (i.flags) {
        if (strnlen(i.label, sizeof(i.label)) == sizeof(i.label))
            return -EINVAL;
        bo.label = i.label;
    }
    i.size = bo.size;
    i.create_flags = bo.flags;
    i.placement =
        bo.own_fd && !(bo.flags & DRM_KITE_BO_VRAM) ? DRM_KITE_BO_SYSTEM : DRM_KITE_BO_VRAM;
    std::memset(i.label, 0, sizeof(i.label));
    std::memcpy(i.label, bo.label.data(), bo.label.size());
    return 0;
}

int Fake::bo_madvise(File& f, void* p) {
    auto& m = *static_cast<drm_kite_bo_madvise*>(p);
    if (m.pad || m.advice > DRM_KITE_MADVISE_DONTNEED)
        return -EINVAL;
    if (!f.bos.contains(m.handle))
        return -ENOENT;
    m.retained = 1;
    return 0;
}

bool Fake::translate(int fd, uint64_t offset, uint64_t size, int* real_fd, uint64_t* real_offset) {
    std::lock_guard lock(mutex_);
    if (!files_.contains(fd))
        return false;
    auto it = by_offset_.find(offset / (kOffsetUnit * 256));
    auto bo = it == by_offset_.end() ? nullptr : it->second.lock();
    if (!bo || offset < bo->map_at || offset - bo->map_at > bo->size ||
        size > bo->size - (offset - bo->map_at))
        return false;
    *real_fd = bo->fd;
    *real_offset = bo->offset + (offset - bo->map_at);
    return true;
}

} // namespace kite::drm_mock
