// SPDX-License-Identifier: MIT
// Buffers of the drm back end: GEM objects of kite.ko.
//
// A buffer that is not exportable is bound to the address space for life (exclusive_vm_id), which
// makes submissions cheaper in the kernel. VRAM placements may be evicted to system memory; the
// mapping stays valid meanwhile. Mappings are made on first use and live as long as the buffer.
// Ownership: as kmd::Bo. Threading: thread-safe. Failure: Result.
#pragma once

#include "runtime/kmd/drm/vm.hpp"

namespace kite::rt::kmd::drm {

/// The buffer.
class BoImpl final : public Bo {
public:
    /// BO_CREATE.
    static Result<std::unique_ptr<Bo>> create(std::shared_ptr<Vm> vm, const BoDesc& desc);
    /// PRIME_FD_TO_HANDLE; invalid_argument when the dma-buf is smaller than asked.
    static Result<std::unique_ptr<Bo>> import(std::shared_ptr<Vm> vm, int fd, uint64_t size_bytes);
    /// Takes over one hold on the handle.
    BoImpl(std::shared_ptr<Vm> vm, uint32_t handle, uint64_t size, int dma_buf = -1)
        : vm_(std::move(vm)), handle_(handle), size_(size), dma_buf_(dma_buf) {}
    ~BoImpl() override;
    BoImpl(const BoImpl&) = delete;
    BoImpl& operator=(const BoImpl&) = delete;
    uint64_t size_bytes() const override { return size_; }
    Result<void*> map() override;
    Result<int> export_fd() override;
    /// GEM handle.
    [[nodiscard]] uint32_t handle() const { return handle_; }

private:
    std::shared_ptr<Vm> vm_;
    uint32_t handle_;
    uint64_t size_;
    int dma_buf_; ///< imported: own descriptor, to map what another driver made
    std::mutex mutex_;
    void* host_ = nullptr;
};

} // namespace kite::rt::kmd::drm
