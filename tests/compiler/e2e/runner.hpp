// SPDX-License-Identifier: MIT
// Runs compiled compute programs on the device's executors over a small window of memory.
//
// Tests place buffers in the window, write descriptors with add_buffer(), run, and read the bytes
// back. One thread, one Runner per test. A program the device refuses is a test failure with the
// reason.
#pragma once

#include "device/exec/executor.hpp"
#include "kite_cc/compiler.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kite::test {

/// Memory and an executor.
class Runner {
public:
    /// Interpreter or JIT.
    using Mode = dev::exec::ExecutorConfig::Mode;
    /// Waves of this many lanes, 8 or 16, run by this executor.
    explicit Runner(unsigned wave_size, Mode mode = Mode::interpreter);

    /// Reserves zeroed memory in the window.
    /// @return its GPU address.
    uint64_t allocate(size_t bytes);
    /// Host pointer to a GPU address.
    [[nodiscard]] uint32_t* words(uint64_t va) {
        return reinterpret_cast<uint32_t*>(window_.data() + va);
    }
    /// Allocates a buffer and describes it as binding `binding` of set 0 (see binding()).
    uint64_t add_buffer(uint32_t binding, size_t bytes);
    /// The pipeline layout that add_buffer() fills: storage (or uniform) buffer `n` of set 0.
    [[nodiscard]] static cc::Binding
    binding(uint32_t n, cc::DescriptorKind kind = cc::DescriptorKind::storage_buffer);
    /// The push constants, limits.push_bytes of them.
    [[nodiscard]] uint32_t* push_constants() { return words(push_va_); }
    /// Address of the push constants.
    [[nodiscard]] uint64_t push_va() const { return push_va_; }

    /// Loads the program and runs the groups one after another.
    /// @return empty, or why the device refused the program.
    std::string run(const cc::Program& program, std::array<uint32_t, 3> groups);

    /// Lanes per wave.
    [[nodiscard]] unsigned wave_size() const { return executor_->wave_size(); }

private:
    static constexpr size_t kWindowBytes = size_t{1} << 20;
    std::vector<std::byte> window_;
    size_t next_ = 4096;
    uint64_t push_va_ = 0;
    uint64_t set_va_ = 0;
    std::unique_ptr<dev::exec::Executor> executor_;
    std::atomic<uint32_t> kill_{0};
    dev::exec::WorkerMemory memory_;
};

} // namespace kite::test
