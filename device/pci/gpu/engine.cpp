// SPDX-License-Identifier: MIT
#include "device/pci/gpu/engine.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace kite::dev::pci {

using hw::FaultKind;
using hw::RingClass;
using hw::RingEntry;
using hw::RingOp;

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kBounce = 64 << 10;

bool allowed(RingOp op, RingClass ring) {
    switch (op) {
    case RingOp::nop:
        return true;
    case RingOp::submit:
        return ring != RingClass::mmu;
    case RingOp::context_create:
    case RingOp::context_destroy:
    case RingOp::invalidate:
        return ring == RingClass::mmu;
    case RingOp::copy:
    case RingOp::fill:
        return ring == RingClass::copy;
    }
    return false;
}

bool needs_context(RingOp op) {
    return op != RingOp::nop && op != RingOp::copy && op != RingOp::fill;
}

} // namespace

std::optional<Refusal> Engine::check(const RingEntry& entry, const uint32_t* words,
                                     RingClass ring) {
    const char* name = hw::name_of(entry.op);
    if (name == nullptr) {
        return fmt::format("unknown operation {}", words[0] & 0xff);
    }
    if (!RingEntry::reserved_zero(words)) {
        return fmt::format("{}: reserved bits are set", name);
    }
    if (!allowed(entry.op, ring)) {
        return fmt::format("{}: not on this ring", name);
    }
    if (needs_context(entry.op) && entry.context >= kContexts) {
        return fmt::format("{}: context {} of {}", name, entry.context, kContexts);
    }
    if ((entry.more && entry.op != RingOp::submit) ||
        (entry.more && (entry.seqno != 0 || entry.interrupt)) ||
        (entry.source_system && entry.op != RingOp::copy) ||
        (entry.target_system && entry.op != RingOp::copy && entry.op != RingOp::fill)) {
        return fmt::format("{}: bits that it does not have", name);
    }
    if (entry.op == RingOp::submit && (entry.size > UINT32_MAX || entry.address % 4 != 0)) {
        return fmt::format("submit: {} dwords at {:#x}", entry.size, entry.address);
    }
    return std::nullopt;
}

std::optional<Refusal> Engine::execute(const RingEntry& entry, unsigned ring,
                                       const std::atomic<uint32_t>& stop) {
    switch (entry.op) {
    case RingOp::context_create:
        return create(entry);
    case RingOp::context_destroy:
        destroy(entry.context);
        return std::nullopt;
    case RingOp::invalidate:
        return invalidate(entry, ring, stop);
    case RingOp::copy:
        return copy(entry, stop);
    case RingOp::fill:
        return fill(entry, stop);
    default:
        return std::nullopt;
    }
}

void Engine::bury(Context& context, unsigned ring, uint64_t seqno, const Death& death) {
    if (context.die()) {
        s_.faults->record({.kind = death.kind,
                           .ring = ring,
                           .context = context.id(),
                           .write = death.write,
                           .seqno = seqno,
                           .address = death.address},
                          death.text);
    }
}

void Engine::destroy(uint32_t id) {
    const auto context = s_.contexts->replace(id, nullptr);
    if (context != nullptr) {
        (void)context->die();
        context->stop(Stop::destroy);
        context->wait_idle();
    }
}

std::optional<Refusal> Engine::create(const RingEntry& entry) {
    if (entry.argument % kPage != 0 || !s_.vram->contains(entry.argument, kDirectoryBytes)) {
        return fmt::format("context_create: page directory at {:#x}", entry.argument);
    }
    destroy(entry.context);
    auto context = Context::create(entry.context, entry.argument, s_.parts);
    if (!context) {
        return "context_create: " + context.error().message;
    }
    s_.contexts->replace(entry.context, std::move(*context));
    return std::nullopt;
}

std::optional<Refusal> Engine::invalidate(const RingEntry& entry, unsigned ring,
                                          const std::atomic<uint32_t>& stop) {
    const auto context = s_.contexts->find(entry.context);
    if (context == nullptr) {
        return fmt::format("invalidate: no context {}", entry.context);
    }
    if (auto death = context->invalidate(entry.address, entry.size, stop)) {
        bury(*context, ring, entry.seqno, *death);
    }
    return std::nullopt;
}

bool Engine::bus_copy(uint64_t address, std::byte* host, uint64_t size, bool to_guest,
                      const std::atomic<uint32_t>& stop) {
    if (!s_.bus.load(std::memory_order_acquire)) {
        return false;
    }
    for (uint64_t done = 0; done < size;) {
        const uint64_t n = s_.guest->copy(address + done, host + done, size - done, to_guest);
        if (n == 0) {
            return false;
        }
        done += n;
    }
    s_.parts.link->transfer(to_guest ? Link::Direction::out : Link::Direction::in, size, stop);
    return true;
}

std::optional<Refusal> Engine::copy(const RingEntry& e, const std::atomic<uint32_t>& stop) {
    const auto bad = [&](bool system, uint64_t at) {
        return system ? e.size != 0 && e.size - 1 > UINT64_MAX - at
                      : !s_.vram->contains(at, e.size);
    };
    if (bad(e.source_system, e.address) || bad(e.target_system, e.argument)) {
        return fmt::format("copy: {} bytes from {:#x} to {:#x}", e.size, e.address, e.argument);
    }
    std::array<std::byte, kBounce> bounce; // NOLINT: written before it is read
    const bool twice = e.source_system && e.target_system;
    const uint64_t chunk = twice ? kBounce : GuestMemory::kChunk;
    // Overlapping VRAM ranges: from the end when the target lies behind the source.
    const bool backwards = !e.source_system && !e.target_system && e.argument > e.address;
    if (e.source_system || e.target_system) {
        s_.parts.link->request();
    }
    for (uint64_t done = 0; done < e.size && stop.load(std::memory_order_relaxed) == 0;) {
        const uint64_t n = std::min(chunk, e.size - done);
        const uint64_t at = backwards ? e.size - done - n : done;
        bool ok = true;
        if (!e.source_system && !e.target_system) {
            std::memmove(s_.vram->at(e.argument + at), s_.vram->at(e.address + at), n);
        } else if (twice) {
            ok = bus_copy(e.address + at, bounce.data(), n, false, stop) &&
                 bus_copy(e.argument + at, bounce.data(), n, true, stop);
        } else if (e.source_system) {
            ok = bus_copy(e.address + at, s_.vram->at(e.argument + at), n, false, stop);
        } else {
            ok = bus_copy(e.argument + at, s_.vram->at(e.address + at), n, true, stop);
        }
        if (!ok) {
            return fmt::format("copy: bus address not reachable, {} of {} bytes done", done,
                               e.size);
        }
        done += n;
    }
    return std::nullopt;
}

std::optional<Refusal> Engine::fill(const RingEntry& e, const std::atomic<uint32_t>& stop) {
    const bool bad = e.target_system ? e.size != 0 && e.size - 1 > UINT64_MAX - e.argument
                                     : !s_.vram->contains(e.argument, e.size);
    if (bad || e.size % 4 != 0 || e.argument % 4 != 0) {
        return fmt::format("fill: {} bytes at {:#x}", e.size, e.argument);
    }
    const auto value = static_cast<uint32_t>(e.address);
    std::vector<uint32_t> pattern(e.target_system ? kBounce / 4 : 0, value);
    const uint64_t chunk = e.target_system ? kBounce : GuestMemory::kChunk;
    if (e.target_system) {
        s_.parts.link->request();
    }
    for (uint64_t done = 0; done < e.size && stop.load(std::memory_order_relaxed) == 0;) {
        const uint64_t n = std::min(chunk, e.size - done);
        if (!e.target_system) {
            std::fill_n(reinterpret_cast<uint32_t*>(s_.vram->at(e.argument + done)), n / 4, value);
        } else if (!bus_copy(e.argument + done, reinterpret_cast<std::byte*>(pattern.data()), n,
                             true, stop)) {
            return fmt::format("fill: bus address not reachable, {} of {} bytes done", done,
                               e.size);
        }
        done += n;
    }
    return std::nullopt;
}

} // namespace kite::dev::pci
