// SPDX-License-Identifier: MIT
#include "device/trace/player.hpp"

#include "base/mapping.hpp"
#include "device/trace/page.hpp"
#include "kite_hw/limits.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace kite::dev::trace {

using base::ErrorCode;
using base::fail;

namespace {

constexpr size_t kMostSpaces = 64;
constexpr size_t kMostObjects = 4096;

uint64_t round_up(uint64_t value, uint64_t unit) {
    return (value + unit - 1) / unit * unit;
}

} // namespace

base::Result<std::unique_ptr<Player>> Player::create(const Capture& capture,
                                                     const PlayerConfig& config) {
    std::unique_ptr<Player> player(new Player(capture, config));
    if (auto ok = player->open(); !ok) {
        return std::unexpected(std::move(ok.error()));
    }
    return player;
}

base::Result<> Player::open() {
    DeviceConfig config;
    config.wave_size = capture_.wave_size();
    config.threads = config_.threads;
    config.executor = config_.executor;
    config.vram_bytes = hw::limits::kPageBytes; // memory comes from the capture
    config.hang_timeout_ms = config_.hang_timeout_ms;
    config.cache_dir = config_.cache_dir;
    if (const int r = kite_device_create(&config, &device_); r != 0) {
        return fail(ErrorCode::initialization_failed, "cannot make a device with {} lanes: {}",
                    capture_.wave_size(), base::errno_text(-r));
    }
    if (device_->info().va_bits < capture_.va_bits()) {
        return fail(ErrorCode::unsupported, "the recorded device had {} address bits, here are {}",
                    capture_.va_bits(), device_->info().va_bits);
    }
    if (capture_.objects().size() > kMostObjects) {
        return fail(ErrorCode::unsupported, "{} memory objects; at most {} are replayed",
                    capture_.objects().size(), kMostObjects);
    }
    for (const uint64_t bytes : capture_.objects()) {
        auto fd = base::create_memfd("kite-replay", round_up(bytes, hw::limits::kPageBytes));
        if (!fd) {
            return std::unexpected(std::move(fd.error()));
        }
        objects_.emplace_back(*fd);
    }
    return {};
}

Player::~Player() {
    for (auto& [number, s] : spaces_) {
        if (s.queue != nullptr) {
            s.queue->destroy();
        }
        if (s.space != nullptr) {
            s.space->destroy();
        }
    }
    if (device_ != nullptr) {
        device_->destroy();
    }
}

void Player::completed(void* user, uint64_t cookie, Status status) {
    auto& self = *static_cast<Player*>(user);
    const std::lock_guard lock(self.mutex_);
    self.finished_ = cookie;
    self.status_ = status;
    self.done_.notify_all();
}

base::Result<Player::Space*> Player::space(uint32_t number) {
    if (const auto it = spaces_.find(number); it != spaces_.end()) {
        return &it->second;
    }
    if (spaces_.size() >= kMostSpaces) {
        return fail(ErrorCode::unsupported, "more than {} address spaces", kMostSpaces);
    }
    Space& s = spaces_[number];
    if (const int r = device_->create_address_space(&s.space); r != 0) {
        return fail(ErrorCode::out_of_host_memory, "address space: {}", base::errno_text(-r));
    }
    if (const int r = device_->create_queue(s.space, completed, this, &s.queue); r != 0) {
        return fail(ErrorCode::out_of_host_memory, "queue: {}", base::errno_text(-r));
    }
    return &s;
}

base::Result<> Player::apply(const MappingRecord& m) {
    auto s = space(m.space);
    if (!s) {
        return std::unexpected(std::move(s.error()));
    }
    const int r = m.mapped != 0 ? (*s)->space->map(m.va, m.bytes, objects_[m.object].get(),
                                                   m.offset, m.read_only != 0)
                                : (*s)->space->unmap(m.va, m.bytes);
    if (r != 0) {
        return fail(ErrorCode::corrupt, "mapping {:#x} bytes at {:#x}: {}", m.bytes, m.va,
                    base::errno_text(-r));
    }
    if (m.mapped != 0) {
        uint64_t& end = (*s)->ranges[m.va];
        end = std::max(end, m.va + m.bytes);
    }
    return {};
}

base::Result<> Player::apply(const WriteEntry& write) {
    std::array<std::byte, kPageBytes> page{};
    std::span<const std::byte> content(page);
    if (write.chunk != kZeroChunk) {
        auto unpacked = capture_.chunk(write.chunk, page);
        if (!unpacked) {
            return std::unexpected(std::move(unpacked.error()));
        }
        content = *unpacked;
    }
    const uint64_t offset = write.page * kPageBytes;
    const uint64_t room = capture_.objects()[write.object] - offset;
    content = content.first(static_cast<size_t>(std::min<uint64_t>(content.size(), room)));
    unpacked_ += content.size();
    if (unpacked_ > config_.memory_limit) {
        return fail(ErrorCode::out_of_host_memory, "the capture unpacks to over {} MiB of memory",
                    config_.memory_limit >> 20);
    }
    if (pwrite(objects_[write.object].get(), content.data(), content.size(),
               static_cast<off_t>(offset)) != static_cast<ssize_t>(content.size())) {
        return fail(ErrorCode::out_of_host_memory, "cannot write recorded memory: {}",
                    base::errno_text(errno));
    }
    return {};
}

base::Result<> Player::seek(size_t index) {
    const auto all = capture_.submissions();
    if (index >= all.size() || index + 1 < next_) {
        return fail(ErrorCode::invalid_argument, "submission {} of {} can't be sought", index + 1,
                    all.size());
    }
    for (; next_ <= index; ++next_) {
        for (const MappingRecord& m : all[next_].mappings) {
            if (auto ok = apply(m); !ok) {
                return ok;
            }
        }
        for (const WriteEntry& w : all[next_].writes) {
            if (auto ok = apply(w); !ok) {
                return ok;
            }
        }
        if (auto s = space(all[next_].space); !s) {
            return std::unexpected(std::move(s.error()));
        }
    }
    return {};
}

SpaceMemory Player::memory() const {
    const auto& s = spaces_.at(capture_.submissions()[next_ - 1].space);
    return {.base = static_cast<const std::byte*>(s.space->host_pointer(0)),
            .mask = (uint64_t{1} << device_->info().va_bits) - 1};
}

base::Result<FlatStream> Player::stream(uint32_t draws) const {
    return flatten(memory(), capture_.submissions()[next_ - 1].buffers, draws);
}

// Puts the stream into memory of its own, above everything mapped or below all of it.
base::Result<uint64_t> Player::place(const FlatStream& stream, Space& s) {
    const uint64_t size =
        round_up(std::max<uint64_t>(stream.words.size() * 4, 1), hw::limits::kPageBytes);
    auto fd = base::create_memfd("kite-replay-stream", size);
    if (!fd) {
        return std::unexpected(std::move(fd.error()));
    }
    stream_memory_.reset(*fd);
    const auto bytes = std::as_bytes(std::span(stream.words));
    if (pwrite(*fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return fail(ErrorCode::out_of_host_memory, "cannot write the stream: {}",
                    base::errno_text(errno));
    }
    const uint64_t end = uint64_t{1} << device_->info().va_bits;
    uint64_t candidate = end - size;
    for (auto it = s.ranges.rbegin(); it != s.ranges.rend(); ++it) {
        // Ranges may overlap, so a later one can still reach into the gap.
        const bool taken = std::ranges::any_of(s.ranges, [&](const auto& r) {
            return r.first < candidate + size && candidate < r.second;
        });
        if (!taken) {
            break;
        }
        if (it->first < size) {
            return fail(ErrorCode::corrupt, "no room for the stream in the address space");
        }
        candidate = (it->first - size) / hw::limits::kPageBytes * hw::limits::kPageBytes;
    }
    if (const int r = s.space->map(candidate, size, *fd, 0, false); r != 0) {
        return fail(ErrorCode::out_of_host_memory, "cannot map the stream: {}",
                    base::errno_text(-r));
    }
    return candidate;
}

base::Result<Outcome> Player::execute(uint32_t draws) {
    const Submission& recorded = capture_.submissions()[next_ - 1];
    Outcome outcome;
    auto stream = this->stream(draws);
    if (!stream) {
        return std::unexpected(std::move(stream.error()));
    }
    outcome.stream = std::move(*stream);
    Space& s = spaces_.at(recorded.space);
    auto at = place(outcome.stream, s);
    if (!at) {
        return std::unexpected(std::move(at.error()));
    }
    const IndirectBuffer buffer{.address = *at,
                                .dwords = static_cast<uint32_t>(outcome.stream.words.size()),
                                .reserved = 0};
    const bool whole = draws == 0 && recorded.result;
    const std::vector<uint64_t> before = whole ? hashes(*recorded.result) : std::vector<uint64_t>{};
    {
        std::unique_lock lock(mutex_);
        const uint64_t cookie = ++cookie_;
        if (const int r = s.queue->submit(&buffer, 1, cookie); r != 0) {
            return fail(ErrorCode::device_lost, "submit: {}", base::errno_text(-r));
        }
        done_.wait(lock, [&] { return finished_ == cookie; });
        outcome.status = status_;
    }
    (void)s.space->unmap(*at, round_up(std::max<uint64_t>(outcome.stream.words.size() * 4, 1),
                                       hw::limits::kPageBytes));
    Fault fault{};
    if (outcome.status != Status::ok && s.queue->fault(&fault)) {
        outcome.fault = fault.message;
    }
    if (whole) {
        compare(*recorded.result, before, hashes(*recorded.result), outcome);
    }
    return outcome;
}

// Hashes of the pages that the recorded submission changed, as they are now.
std::vector<uint64_t> Player::hashes(const Result& recorded) const {
    std::vector<uint64_t> out;
    std::vector<std::byte> page(kPageBytes);
    for (const ChangeEntry& c : recorded.changes) {
        const ssize_t n = pread(objects_[c.object].get(), page.data(), page.size(),
                                static_cast<off_t>(c.page * kPageBytes));
        const auto size = static_cast<size_t>(std::max<ssize_t>(n, 0));
        out.push_back(page_hash(std::span<const std::byte>(page).first(size)).lo);
    }
    return out;
}

void Player::compare(const Result& recorded, std::span<const uint64_t> before,
                     std::span<const uint64_t> after, Outcome& outcome) {
    outcome.compared = true;
    outcome.changed = recorded.changes.size();
    for (size_t i = 0; i < recorded.changes.size(); ++i) {
        const ChangeEntry& c = recorded.changes[i];
        if (after[i] == c.hash) {
            continue;
        }
        if (after[i] == before[i]) {
            ++outcome.untouched;
        } else if (outcome.different++ == 0) {
            outcome.first_different = c.page * kPageBytes;
        }
    }
}

} // namespace kite::dev::trace
