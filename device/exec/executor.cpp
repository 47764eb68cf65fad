// SPDX-License-Identifier: MIT
#include "device/exec/executor.hpp"

#include "device/exec/cpu.hpp"
#include "device/exec/fiber.hpp"
#include "device/exec/interp/routine.hpp"
#include "device/exec/jit/jit.hpp"
#include "device/exec/worker_memory.hpp"

#include "base/env.hpp"
#include "base/log.hpp"

#include <cstdlib>
#include <cstring>

namespace kite::dev::exec {

namespace {

constexpr size_t kSlack = 256; // vector loads may read this much past the end
constexpr size_t kLine = 64;

// Runs everything interpreted.
class InterpExecutor final : public Executor {
public:
    explicit InterpExecutor(unsigned width) : width_(width) {}
    unsigned wave_size() const override { return width_; }
    std::string description() const override {
        return "interpreter, " + std::to_string(width_) + " lanes";
    }
    std::shared_ptr<const Routine> routine(const std::shared_ptr<const Program>& program,
                                           const VertexKey&) override {
        return interp::make_routine(program, width_);
    }
    void prefetch(const std::shared_ptr<const Program>&, const VertexKey&) override {}

private:
    unsigned width_;
};

} // namespace

void Buffer::Free::operator()(std::byte* p) const {
    std::free(p);
}

std::byte* Buffer::zeroed(size_t bytes) {
    if (bytes == 0 && data_ != nullptr) {
        return data_.get();
    }
    if (bytes + kSlack > size_) {
        const size_t size = (bytes + kSlack + kLine - 1) / kLine * kLine;
        data_.reset(static_cast<std::byte*>(std::aligned_alloc(kLine, size)));
        if (data_ == nullptr) {
            std::abort(); // out of memory, as operator new would
        }
        size_ = size;
        std::memset(data_.get(), 0, size);
        return data_.get();
    }
    std::memset(data_.get(), 0, bytes);
    return data_.get();
}

std::byte* stage_memory(WorkerMemory& memory) {
    return memory.impl->shared.kept(hw::limits::kStageIoBytes);
}

WorkerMemory::Impl::Impl() = default;
WorkerMemory::Impl::~Impl() = default;

WorkerMemory::WorkerMemory() : impl(std::make_unique<Impl>()) {}
WorkerMemory::~WorkerMemory() = default;

base::Result<std::unique_ptr<Executor>> create_executor(const ExecutorConfig& config) {
    if (config.wave_size != 0 && config.wave_size != 8 && config.wave_size != 16) {
        return base::fail(base::ErrorCode::invalid_argument, "wave size {}: 8 or 16",
                          config.wave_size);
    }
    using Mode = ExecutorConfig::Mode;
    auto mode = config.mode;
    if (mode == Mode::automatic && base::env_string(base::env::kExec) == "interp") {
        mode = Mode::interpreter;
    }
    if (mode != Mode::interpreter) {
        auto jit = jit::create_executor(config);
        if (jit || mode == Mode::jit) {
            return jit;
        }
        KITE_LOG(warn, "no JIT, shaders are interpreted: {}", jit.error().message);
    }
    const unsigned width = config.wave_size != 0 ? config.wave_size : native_wave_size();
    return std::make_unique<InterpExecutor>(width);
}

} // namespace kite::dev::exec
