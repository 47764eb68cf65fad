// SPDX-License-Identifier: MIT
#include "runtime/memory/gpu_heap.hpp"

#include <bit>

namespace kite::rt {

kmd::Result<BoundBo> GpuHeap::make_bound(kmd::Device& kmd, VaAllocator& va,
                                         const kmd::BoDesc& desc) {
    return bind(kmd, va, kmd.create_bo(desc), desc.host_visible);
}

kmd::Result<BoundBo> GpuHeap::import_bound(kmd::Device& kmd, VaAllocator& va, int fd, uint64_t size,
                                           bool host_visible) {
    return bind(kmd, va, kmd.import_bo(fd, size), host_visible);
}

kmd::Result<BoundBo> GpuHeap::bind(kmd::Device& kmd, VaAllocator& va,
                                   kmd::Result<std::unique_ptr<kmd::Bo>> bo, bool host_visible) {
    BoundBo out;
    if (!bo)
        return std::unexpected(bo.error());
    out.bo = std::move(*bo);
    out.size_bytes = out.bo->size_bytes();
    auto address = va.allocate(out.size_bytes);
    if (!address)
        return base::fail(base::ErrorCode::out_of_device_memory, "GPU address space exhausted");
    out.address = *address;
    if (auto r = kmd.bind(out.address, *out.bo, 0, out.size_bytes); !r) {
        va.release(out.address, out.size_bytes);
        return std::unexpected(r.error());
    }
    if (host_visible) {
        auto p = out.bo->map();
        if (!p) {
            drop_bound(kmd, va, out);
            return std::unexpected(p.error());
        }
        out.host = *p;
    }
    return out;
}

void GpuHeap::drop_bound(kmd::Device& kmd, VaAllocator& va, BoundBo& b) {
    if (!b.bo)
        return;
    (void)kmd.unbind(b.address, b.size_bytes);
    va.release(b.address, b.size_bytes);
    b.bo.reset();
}

GpuHeap::~GpuHeap() {
    for (auto& b : blocks_)
        drop_bound(kmd_, va_, b);
}

kmd::Result<GpuPiece> GpuHeap::allocate(uint64_t size) {
    std::lock_guard lock(mutex_);
    if (size == 0)
        size = 1;
    uint32_t log2 = static_cast<uint32_t>(std::bit_width(size - 1));
    if (log2 > kMaxLog2) {
        auto b =
            make_bound(kmd_, va_, {.size_bytes = size, .host_visible = true, .exportable = false});
        if (!b)
            return std::unexpected(b.error());
        uint32_t slot;
        if (free_slots_.empty()) {
            slot = static_cast<uint32_t>(blocks_.size());
            blocks_.emplace_back();
        } else {
            slot = free_slots_.back();
            free_slots_.pop_back();
        }
        GpuPiece p{b->address, b->host, b->size_bytes, kLargeClass, slot};
        blocks_[slot] = std::move(*b);
        return p;
    }
    uint32_t cls = log2 <= kMinLog2 ? 0 : log2 - kMinLog2;
    if (!free_[cls].empty()) {
        GpuPiece p = free_[cls].back();
        free_[cls].pop_back();
        return p;
    }
    uint64_t bytes = uint64_t{1} << (cls + kMinLog2);
    if (bump_end_ - bump_address_ < bytes) {
        // What is left of the old block becomes smallest-class pieces of the largest fitting sizes.
        while (bump_end_ - bump_address_ >= (uint64_t{1} << kMinLog2)) {
            uint64_t rest = bump_end_ - bump_address_;
            uint32_t l =
                std::min<uint32_t>(static_cast<uint32_t>(std::bit_width(rest)) - 1, kMaxLog2);
            uint64_t n = uint64_t{1} << l;
            free_[l - kMinLog2].push_back({bump_address_, bump_host_, n, l - kMinLog2, 0});
            bump_address_ += n;
            bump_host_ += n;
        }
        auto b = make_bound(kmd_, va_,
                            {.size_bytes = kBlockBytes, .host_visible = true, .exportable = false});
        if (!b)
            return std::unexpected(b.error());
        bump_address_ = b->address;
        bump_end_ = b->address + b->size_bytes;
        bump_host_ = static_cast<std::byte*>(b->host);
        blocks_.push_back(std::move(*b));
    }
    GpuPiece p{bump_address_, bump_host_, bytes, cls, 0};
    bump_address_ += bytes;
    bump_host_ += bytes;
    return p;
}

void GpuHeap::release(GpuPiece& piece) {
    if (!piece)
        return;
    std::lock_guard lock(mutex_);
    if (piece.size_class == kLargeClass) {
        drop_bound(kmd_, va_, blocks_[piece.block]);
        free_slots_.push_back(piece.block);
    } else {
        free_[piece.size_class].push_back(piece);
    }
    piece = {};
}

} // namespace kite::rt
