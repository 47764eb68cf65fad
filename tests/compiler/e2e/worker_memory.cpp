// SPDX-License-Identifier: MIT
// The few functions of device/exec/executor.cpp that interpreted routines need. These tests compare
// the compiler with the interpreter only, and linking executor.cpp would pull in LLVM.
#include "device/exec/worker_memory.hpp"

#include "device/exec/fiber.hpp"

#include <cstdlib>
#include <cstring>

namespace kite::dev::exec {

void Buffer::Free::operator()(std::byte* p) const {
    std::free(p);
}

std::byte* Buffer::zeroed(size_t bytes) {
    constexpr size_t kLine = 64, kSlack = 256;
    if (data_ == nullptr || bytes + kSlack > size_) {
        size_ = (bytes + kSlack + kLine - 1) / kLine * kLine;
        data_.reset(static_cast<std::byte*>(std::aligned_alloc(kLine, size_)));
    }
    std::memset(data_.get(), 0, size_);
    return data_.get();
}

WorkerMemory::Impl::Impl() = default;
WorkerMemory::Impl::~Impl() = default;
WorkerMemory::WorkerMemory() : impl(std::make_unique<Impl>()) {}
WorkerMemory::~WorkerMemory() = default;

} // namespace kite::dev::exec
