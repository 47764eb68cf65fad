// SPDX-License-Identifier: MIT
// Compute on Kite without Vulkan: open the GPU, make buffers, compile SPIR-V, dispatch, wait.
//
// A ComputeDevice is one opened GPU with one in-order queue: dispatches run in the order of the
// calls, each sees all memory written by those before it. Buffers are shared memory: the host reads
// and writes them through data() whenever no dispatch that uses them is running.
// Ownership: values; buffers and kernels may be dropped while the GPU still uses them and outlive
// their device object. Threading: a device, its buffers and kernels may be used from any thread,
// one call at a time per device. Failure: Result with an ErrorKind and a text; nothing throws
// except std::bad_alloc. Link with libkite-compute (pkg-config kite-compute).
//
// Example (docs/examples/saxpy.cpp is a whole program):
//   auto gpu = kite::ComputeDevice::open();
//   auto x = gpu->buffer(4096);
//   auto kernel = gpu->kernel(spirv, {.bindings = {{.binding = 0}}});
//   auto ticket = gpu->dispatch(*kernel, {16, 1, 1}, {{.binding = 0, .buffer = *x}});
//   if (auto done = gpu->wait(*ticket); !done) { std::puts(done.error().message.c_str()); }
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kite {

/// What kind of thing went wrong.
enum class ErrorKind : uint8_t {
    no_device,        ///< the GPU could not be opened
    out_of_memory,    ///< host or GPU memory is exhausted
    bad_module,       ///< the SPIR-V is invalid
    unsupported,      ///< the module uses a feature Kite does not have; the message names it
    invalid_argument, ///< the call makes no sense; the message says why
    timeout,          ///< not done in time
    device_lost,      ///< a dispatch hung or faulted; the message says why. The device is dead
};

/// One error.
struct ComputeError {
    ErrorKind kind = ErrorKind::invalid_argument; ///< kind
    std::string message;                          ///< in words
};

/// A value or an error.
template <class T = void>
using Result = std::expected<T, ComputeError>;

namespace detail {
struct Gpu;
struct Memory;
struct Program;
} // namespace detail

/// Memory that host and GPU share.
class __attribute__((visibility("default"))) Buffer {
public:
    /// The memory, for the host. Zeros at first.
    [[nodiscard]] std::span<std::byte> data() const { return data_; }
    /// The memory as an array of T.
    template <class T>
    [[nodiscard]] std::span<T> as() const {
        return {reinterpret_cast<T*>(data_.data()), data_.size() / sizeof(T)};
    }

private:
    friend class ComputeDevice;
    std::shared_ptr<detail::Memory> memory_;
    std::span<std::byte> data_;
};

/// A buffer that a module declares, in descriptor set 0.
struct BindingUse {
    uint32_t binding = 0; ///< Binding decoration
    bool uniform = false; ///< uniform instead of storage buffer
};

/// A specialization constant.
struct Constant {
    uint32_t id = 0;   ///< SpecId decoration
    uint64_t bits = 0; ///< little-endian value, zero-extended
};

/// What a kernel is compiled with.
struct KernelOptions {
    std::string entry_point = "main"; ///< OpEntryPoint name
    std::vector<BindingUse> bindings; ///< the buffers the module declares
    std::vector<Constant> constants;  ///< specialization
};

/// A compiled compute shader.
class __attribute__((visibility("default"))) Kernel {
public:
    /// Invocations of a workgroup along x, y and z.
    [[nodiscard]] std::array<uint32_t, 3> workgroup() const { return workgroup_; }

private:
    friend class ComputeDevice;
    std::shared_ptr<detail::Program> program_;
    std::array<uint32_t, 3> workgroup_{};
};

/// What a binding refers to in one dispatch.
struct Argument {
    uint32_t binding = 0;               ///< one of the kernel's bindings
    const Buffer& buffer;               ///< memory
    uint64_t offset = 0;                ///< first byte, a multiple of 16
    uint64_t size_bytes = ~uint64_t{0}; ///< bytes, clipped to the buffer's end
};

/// Names a dispatch, to wait for.
struct Ticket {
    uint64_t value = 0; ///< position in the queue
};

/// The GPU.
class __attribute__((visibility("default"))) ComputeDevice {
public:
    /// Opens it. The device library is looked for beside libkite-compute.
    [[nodiscard]] static Result<ComputeDevice> open();
    ComputeDevice(ComputeDevice&&) noexcept;
    ComputeDevice& operator=(ComputeDevice&&) noexcept;
    /// Waits for everything that was dispatched.
    ~ComputeDevice();

    /// For example "JIT (LLVM 19.1.7, AVX-512, 16 lanes)".
    [[nodiscard]] std::string_view description() const;
    /// Lanes of a wave: gl_SubgroupSize.
    [[nodiscard]] uint32_t wave_size() const;

    /// Makes a buffer of at least one byte.
    [[nodiscard]] Result<Buffer> buffer(uint64_t size_bytes);
    /// Compiles a module.
    [[nodiscard]] Result<Kernel> kernel(std::span<const uint32_t> spirv,
                                        const KernelOptions& options);
    /// Queues a dispatch of groups[0] x groups[1] x groups[2] workgroups. Every binding of the
    /// kernel needs an argument. `push` are the push constants.
    [[nodiscard]] Result<Ticket> dispatch(const Kernel& kernel, std::array<uint32_t, 3> groups,
                                          std::initializer_list<Argument> arguments,
                                          std::span<const std::byte> push = {});
    /// Waits for a dispatch, and so for all before it.
    [[nodiscard]] Result<> wait(Ticket ticket,
                                std::chrono::nanoseconds timeout = std::chrono::hours(24));

private:
    explicit ComputeDevice(std::shared_ptr<detail::Gpu> gpu);
    std::shared_ptr<detail::Gpu> gpu_;
};

} // namespace kite
