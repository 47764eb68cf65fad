// SPDX-License-Identifier: MIT
#include "device/pci/gpu/context.hpp"

#include "base/log.hpp"

namespace kite::dev::pci {

using hw::FaultKind;

namespace {

constexpr uint64_t kPage = hw::limits::kPageBytes;
constexpr size_t kMaxRuns = 65536; // of one walk

} // namespace

base::Result<std::shared_ptr<Context>> Context::create(uint32_t id, uint64_t directory,
                                                       const ContextParts& parts) {
    auto window = mem::Window::create(hw::limits::kVaBits, mem::Holes::fault);
    if (!window) {
        return std::unexpected(std::move(window.error()));
    }
    if ((*window)->mask() + 1 != kVaBytes) {
        return base::fail(base::ErrorCode::out_of_host_memory, "no {} bytes of host addresses",
                          kVaBytes);
    }
    auto context = std::shared_ptr<Context>(new Context(id, directory, std::move(*window), parts));
    if (!context->zone_.valid()) {
        return base::fail(base::ErrorCode::out_of_host_memory, "too many windows");
    }
    return context;
}

Context::Context(uint32_t id, uint64_t directory, std::unique_ptr<mem::Window> window,
                 const ContextParts& parts)
    : id_(id), directory_(directory), parts_(parts), window_(std::move(window)),
      programs_(*window_), map_(*window_, *parts.vram, *parts.guest, *parts.bus, *parts.budget),
      zone_(window_->base(), window_->span_bytes(), *this) {}

bool Context::on_trap(uint64_t offset, bool write) noexcept {
    uint32_t none = 0;
    if (trapped_.compare_exchange_strong(none, 1)) {
        trap_va_.store(offset, std::memory_order_relaxed);
        trap_write_.store(write, std::memory_order_relaxed);
        trapped_.store(2);
        for (auto& flag : kill_) {
            flag.fetch_or(static_cast<uint32_t>(Stop::fault));
        }
    }
    // Also for those who come second: the first may not have got here yet.
    return window_->drown();
}

std::optional<Death> Context::invalidate(uint64_t va, uint64_t size,
                                         const std::atomic<uint32_t>& stop) {
    if (dead() || trapped_.load() != 0) {
        return std::nullopt;
    }
    if (va > kVaBytes || size > kVaBytes - va) {
        return Death{.kind = FaultKind::entry,
                     .address = va,
                     .text = "invalidate: range outside the address space"};
    }
    uint64_t from = va / kPage * kPage;
    uint64_t to = (va + size + kPage - 1) / kPage * kPage;
    if (size == 0) {
        from = 0;
        to = kVaBytes;
    }
    const Walk walk = walk_page_tables(*parts_.vram, directory_, from, to, kMaxRuns, stop);
    if (walk.fault) {
        return Death{.kind = FaultKind::entry, .address = from, .text = *walk.fault};
    }
    if (stop.load() != 0) {
        return Death{
            .kind = FaultKind::hang, .address = from, .text = "the walk of its tables was killed"};
    }
    if (auto failure = map_.apply(from, to, walk.runs)) {
        return Death{.kind = FaultKind::memory, .address = from, .text = *failure};
    }
    return std::nullopt;
}

front::Processor& Context::processor(unsigned ring) {
    if (processors_[ring] == nullptr) {
        processors_[ring] = std::make_unique<front::Processor>(
            front::ProcessorEnvironment{.window = window_.get(),
                                        .programs = &programs_,
                                        .executor = parts_.executor,
                                        .pool = parts_.pool,
                                        .kill = &kill_[ring],
                                        .counters = parts_.counters,
                                        .traffic = this,
                                        .print_packets = parts_.print_packets});
    }
    return *processors_[ring];
}

void Context::moved(uint64_t va, uint64_t size, bool write, const std::atomic<uint32_t>& kill) {
    if (const uint64_t bytes = map_.system_bytes(va, size); bytes != 0) {
        parts_.link->request();
        parts_.link->transfer(write ? Link::Direction::out : Link::Direction::in, bytes, kill);
    }
}

bool Context::enter(unsigned ring) {
    const std::lock_guard lock(mutex_);
    // Cleared before death is looked at: whoever kills from now on sets it again.
    kill_[ring].store(0);
    if (dead() || trapped_.load() != 0) {
        return false;
    }
    ++running_;
    return true;
}

void Context::leave(unsigned ring) {
    const std::lock_guard lock(mutex_);
    --running_;
    kill_[ring].store(0);
    idle_.notify_all();
}

std::optional<Death> Context::run(unsigned ring, std::span<const IndirectBuffer> buffers) {
    auto fault = processor(ring).execute(buffers);
    window_->discard_strays(); // what went into sparse holes
    while (trapped_.load() == 1) {
        // Another thread is between noticing a page fault and noting it.
    }
    if (trapped_.load() == 2) {
        const uint64_t va = trap_va_.load();
        const bool write = trap_write_.load();
        return Death{.kind = FaultKind::page,
                     .address = va,
                     .write = write,
                     .text = fmt::format("{} of an address that is not mapped for it",
                                         write ? "write" : "read")};
    }
    if (fault) {
        return Death{.kind = fault->program ? FaultKind::program : FaultKind::packet,
                     .address = fault->address,
                     .text = std::move(fault->message)};
    }
    if ((kill_[ring].load() & static_cast<uint32_t>(Stop::kill)) != 0) {
        return Death{.kind = FaultKind::hang,
                     .address = buffers.empty() ? 0 : buffers.front().address,
                     .text = "the driver killed the ring"};
    }
    return std::nullopt;
}

void Context::touch_unmapped() {
    // The last page is never mapped.
    (void)*static_cast<volatile std::byte*>(window_->at(kVaBytes - kPage));
}

void Context::stop(unsigned ring, Stop why) {
    kill_[ring].fetch_or(static_cast<uint32_t>(why));
}

void Context::stop(Stop why) {
    for (unsigned ring = 0; ring < kRings; ++ring) {
        stop(ring, why);
    }
}

void Context::wait_idle() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return running_ == 0; });
}

bool Context::die() {
    if (dead_.exchange(true)) {
        return false;
    }
    stop(Stop::fault);
    parts_.counters->faults += 1;
    return true;
}

std::shared_ptr<Context> ContextTable::find(uint32_t id) {
    const std::lock_guard lock(mutex_);
    return id < kContexts ? contexts_[id] : nullptr;
}

std::shared_ptr<Context> ContextTable::replace(uint32_t id, std::shared_ptr<Context> context) {
    const std::lock_guard lock(mutex_);
    return std::exchange(contexts_[id], std::move(context));
}

std::vector<std::shared_ptr<Context>> ContextTable::all() {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Context>> result;
    for (const auto& context : contexts_) {
        if (context != nullptr) {
            result.push_back(context);
        }
    }
    return result;
}

} // namespace kite::dev::pci
