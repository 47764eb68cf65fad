// SPDX-License-Identifier: MIT
#include "kite/compute.hpp"

#include "kite_cc/compiler.hpp"
#include "kite_hw/descriptors.hpp"
#include "kite_hw/limits.hpp"
#include "kite_hw/packets.hpp"
#include "runtime/kmd/kmd.hpp"
#include "runtime/memory/gpu_heap.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>

namespace kite {

namespace detail {

// The opened device. Buffers and kernels share it, so it dies after them.
struct Gpu {
    std::unique_ptr<rt::kmd::Device> kmd;
    std::unique_ptr<rt::VaAllocator> va;
    std::unique_ptr<rt::GpuHeap> heap;
    std::unique_ptr<rt::kmd::Timeline> timeline;
    std::unique_ptr<rt::kmd::Queue> queue;
    uint64_t submitted = 0;

    // What a dispatch in flight uses.
    struct Flight {
        uint64_t value = 0;
        rt::GpuPiece commands;
        std::shared_ptr<Program> program;
        std::vector<std::shared_ptr<Memory>> memory;
    };
    std::deque<Flight> flights;
    /// Lets go of what finished dispatches used.
    void retire(uint64_t reached);
};

struct Memory {
    std::shared_ptr<Gpu> gpu;
    rt::BoundBo bo;
    ~Memory() { rt::GpuHeap::drop_bound(*gpu->kmd, *gpu->va, bo); }
};

struct Program {
    std::shared_ptr<Gpu> gpu;
    rt::GpuPiece image;
    uint32_t size_bytes = 0;
    uint64_t hash = 0;
    std::vector<BindingUse> bindings; // descriptor i is bindings[i]
    ~Program() { gpu->heap->release(image); }
};

void Gpu::retire(uint64_t reached) {
    while (!flights.empty() && flights.front().value <= reached) {
        heap->release(flights.front().commands);
        flights.pop_front();
    }
}

} // namespace detail

namespace {

std::unexpected<ComputeError> error(ErrorKind kind, std::string message) {
    return std::unexpected(ComputeError{.kind = kind, .message = std::move(message)});
}

std::unexpected<ComputeError> error(const base::Error& e) {
    using base::ErrorCode;
    switch (e.code) {
    case ErrorCode::out_of_host_memory:
    case ErrorCode::out_of_device_memory:
        return error(ErrorKind::out_of_memory, e.message);
    case ErrorCode::device_lost:
        return error(ErrorKind::device_lost, e.message);
    case ErrorCode::unsupported:
        return error(ErrorKind::unsupported, e.message);
    case ErrorCode::corrupt:
        return error(ErrorKind::bad_module, e.message);
    case ErrorCode::timeout:
        return error(ErrorKind::timeout, e.message);
    case ErrorCode::initialization_failed:
        return error(ErrorKind::no_device, e.message);
    default:
        return error(ErrorKind::invalid_argument, e.message);
    }
}

uint64_t monotonic_ns() {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                     std::chrono::steady_clock::now().time_since_epoch())
                                     .count());
}

// Offsets of the parts of a dispatch's piece of memory.
constexpr uint64_t kPacketBytes = 256;
constexpr uint64_t kPushBytes = hw::limits::kPushBytes;
constexpr uint64_t kSetOffset = kPacketBytes + kPushBytes;

} // namespace

Result<ComputeDevice> ComputeDevice::open() {
    auto gpu = std::make_shared<detail::Gpu>();
    auto device = rt::kmd::open();
    if (!device) {
        return error(ErrorKind::no_device, device.error().message);
    }
    gpu->kmd = std::move(*device);
    const rt::kmd::DeviceFacts& facts = gpu->kmd->facts();
    gpu->va = std::make_unique<rt::VaAllocator>(facts.va_start, facts.va_end);
    gpu->heap = std::make_unique<rt::GpuHeap>(*gpu->kmd, *gpu->va);
    auto timeline = gpu->kmd->create_timeline(0);
    if (!timeline) {
        return error(timeline.error());
    }
    gpu->timeline = std::move(*timeline);
    auto queue = gpu->kmd->create_queue();
    if (!queue) {
        return error(queue.error());
    }
    gpu->queue = std::move(*queue);
    return ComputeDevice(std::move(gpu));
}

ComputeDevice::ComputeDevice(std::shared_ptr<detail::Gpu> gpu) : gpu_(std::move(gpu)) {}
ComputeDevice::ComputeDevice(ComputeDevice&&) noexcept = default;

ComputeDevice& ComputeDevice::operator=(ComputeDevice&& other) noexcept {
    std::swap(gpu_, other.gpu_);
    return *this;
}

ComputeDevice::~ComputeDevice() {
    if (gpu_ != nullptr) {
        // A lost device signals nothing more, but it is not using anything any more either.
        (void)gpu_->timeline->wait(gpu_->submitted, UINT64_MAX);
        gpu_->retire(UINT64_MAX);
    }
}

std::string_view ComputeDevice::description() const {
    return gpu_->kmd->facts().description;
}

uint32_t ComputeDevice::wave_size() const {
    return gpu_->kmd->facts().wave_size;
}

Result<Buffer> ComputeDevice::buffer(uint64_t size_bytes) {
    if (size_bytes == 0) {
        return error(ErrorKind::invalid_argument, "a buffer of no bytes");
    }
    auto bo = rt::GpuHeap::make_bound(*gpu_->kmd, *gpu_->va, {.size_bytes = size_bytes});
    if (!bo) {
        return error(bo.error());
    }
    Buffer out;
    out.data_ = {static_cast<std::byte*>(bo->host), static_cast<size_t>(size_bytes)};
    out.memory_ = std::make_shared<detail::Memory>(gpu_, std::move(*bo));
    return out;
}

Result<Kernel> ComputeDevice::kernel(std::span<const uint32_t> spirv,
                                     const KernelOptions& options) {
    std::vector<cc::Binding> bindings;
    for (const BindingUse& use : options.bindings) {
        cc::Binding b;
        b.binding = use.binding;
        b.kind =
            use.uniform ? cc::DescriptorKind::uniform_buffer : cc::DescriptorKind::storage_buffer;
        b.offset = static_cast<uint32_t>(bindings.size()) * hw::BufferDescriptor::kBytes;
        b.stride = hw::BufferDescriptor::kBytes;
        bindings.push_back(b);
    }
    std::vector<cc::SpecConstant> constants;
    for (const Constant& c : options.constants) {
        constants.push_back({c.id, c.bits});
    }
    cc::Options compile;
    compile.stage = hw::Stage::compute;
    compile.entry_point = options.entry_point;
    compile.bindings = bindings;
    compile.spec = constants;
    compile.spirv_env = 0x00010300;
    auto compiled = cc::compile(spirv, compile);
    if (!compiled) {
        return error(compiled.error());
    }
    auto program = std::make_shared<detail::Program>();
    program->gpu = gpu_;
    auto image = gpu_->heap->allocate(compiled->binary.size());
    if (!image) {
        return error(image.error());
    }
    program->image = *image;
    program->size_bytes = static_cast<uint32_t>(compiled->binary.size());
    program->hash = compiled->hash;
    program->bindings = options.bindings;
    std::memcpy(image->host, compiled->binary.data(), compiled->binary.size());
    Kernel out;
    std::ranges::copy(compiled->facts.workgroup, out.workgroup_.begin());
    out.program_ = std::move(program);
    return out;
}

Result<Ticket> ComputeDevice::dispatch(const Kernel& kernel, std::array<uint32_t, 3> groups,
                                       std::initializer_list<Argument> arguments,
                                       std::span<const std::byte> push) {
    const detail::Program& program = *kernel.program_;
    if (push.size() > kPushBytes) {
        return error(ErrorKind::invalid_argument,
                     "at most " + std::to_string(kPushBytes) + " bytes of push constants");
    }
    if (std::ranges::any_of(groups,
                            [](uint32_t n) { return n > hw::limits::kMaxWorkgroupCount; })) {
        return error(ErrorKind::invalid_argument, "too many workgroups");
    }
    detail::Gpu::Flight flight;
    flight.program = kernel.program_;
    std::vector<uint32_t> set(program.bindings.size() * hw::BufferDescriptor::kDwords);
    for (size_t i = 0; i < program.bindings.size(); ++i) {
        const uint32_t number = program.bindings[i].binding;
        const auto* a = std::ranges::find(arguments, number, &Argument::binding);
        if (a == arguments.end()) {
            return error(ErrorKind::invalid_argument,
                         "no argument for binding " + std::to_string(number));
        }
        const uint64_t size = a->buffer.data().size();
        if (a->buffer.memory_ == nullptr || a->buffer.memory_->gpu != gpu_ || a->offset > size ||
            a->offset % 16 != 0) {
            return error(ErrorKind::invalid_argument,
                         "binding " + std::to_string(number) +
                             ": no buffer of this device, or an offset outside it or not a "
                             "multiple of 16");
        }
        const uint64_t bytes = std::min<uint64_t>({size - a->offset, a->size_bytes, 0x7fffffffu});
        hw::BufferDescriptor{.address = a->buffer.memory_->bo.address + a->offset,
                             .size_bytes = static_cast<uint32_t>(bytes)}
            .pack(set.data() + i * hw::BufferDescriptor::kDwords);
        flight.memory.push_back(a->buffer.memory_);
    }
    if (auto value = gpu_->timeline->value()) {
        gpu_->retire(*value);
    }
    auto piece = gpu_->heap->allocate(kSetOffset + set.size() * 4);
    if (!piece) {
        return error(piece.error());
    }
    flight.commands = *piece;
    auto* memory = static_cast<std::byte*>(piece->host);
    std::memset(memory, 0, kSetOffset);
    std::ranges::copy(push, memory + kPacketBytes);
    std::memcpy(memory + kSetOffset, set.data(), set.size() * 4);

    uint32_t* words = reinterpret_cast<uint32_t*>(memory);
    uint32_t at = 0;
    const auto add = [&](const auto& packet) {
        packet.pack(words + at);
        at += packet.kDwords;
    };
    add(hw::BindProgramPacket{.stage = hw::Stage::compute,
                              .address = program.image.address,
                              .size_bytes = program.size_bytes,
                              .hash = program.hash});
    add(hw::SetPushConstantsPacket{.bind_point = hw::BindPoint::compute,
                                   .address = piece->address + kPacketBytes});
    hw::SetDescriptorSetsPacket{.bind_point = hw::BindPoint::compute, .first = 0}.pack(words + at,
                                                                                       1);
    hw::SetDescriptorSetsPacket::pack_element(words + at, 0, piece->address + kSetOffset);
    at += hw::SetDescriptorSetsPacket::dwords(1);
    add(hw::DispatchPacket{.groups = groups, .base = {0, 0, 0}});

    const rt::kmd::Ib ib{.address = piece->address, .dwords = at};
    const rt::kmd::SyncPoint done{.timeline = gpu_->timeline.get(), .value = gpu_->submitted + 1};
    if (auto ok = gpu_->queue->submit({.ibs = {&ib, 1}, .waits = {}, .signals = {&done, 1}}); !ok) {
        gpu_->heap->release(flight.commands);
        const std::string fault = gpu_->queue->fault();
        return fault.empty() ? error(ok.error()) : error(ErrorKind::device_lost, fault);
    }
    flight.value = ++gpu_->submitted;
    gpu_->flights.push_back(std::move(flight));
    return Ticket{.value = gpu_->submitted};
}

Result<> ComputeDevice::wait(Ticket ticket, std::chrono::nanoseconds timeout) {
    if (ticket.value > gpu_->submitted) {
        return error(ErrorKind::invalid_argument, "this dispatch was never queued");
    }
    const auto ns = static_cast<uint64_t>(std::max<int64_t>(timeout.count(), 0));
    auto done = gpu_->timeline->wait(ticket.value, monotonic_ns() + ns);
    if (!done) {
        const std::string fault = gpu_->queue->fault();
        return fault.empty() ? error(done.error()) : error(ErrorKind::device_lost, fault);
    }
    gpu_->retire(ticket.value);
    return {};
}

} // namespace kite
