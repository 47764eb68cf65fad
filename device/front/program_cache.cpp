// SPDX-License-Identifier: MIT
#include "device/front/program_cache.hpp"

#include "kite_hw/descriptors.hpp"
#include "kite_hw/limits.hpp"

#include <cstring>
#include <vector>

namespace kite::dev::front {

using base::ErrorCode;
using base::fail;

namespace {
constexpr size_t kCapacity = 16384;
constexpr uint64_t kMaxBytes =
    hw::ProgramHeader::kBytes + uint64_t{hw::limits::kMaxInstructions} * 16;
} // namespace

base::Result<void> ProgramCache::check(uint64_t address, uint32_t size_bytes) const {
    if (address % 64 != 0) {
        return fail(ErrorCode::corrupt, "program address {:#x} is not 64-byte aligned", address);
    }
    if (size_bytes < hw::ProgramHeader::kBytes || size_bytes > kMaxBytes ||
        !window_.contains(address, size_bytes)) {
        return fail(ErrorCode::corrupt, "program at {:#x} has a bad size of {} bytes", address,
                    size_bytes);
    }
    return {};
}

base::Result<uint64_t> ProgramCache::claimed_hash(uint64_t address, uint32_t size_bytes) const {
    if (auto ok = check(address, size_bytes); !ok) {
        return std::unexpected(std::move(ok.error()));
    }
    uint32_t words[hw::ProgramHeader::kDwords];
    std::memcpy(words, window_.at(address), sizeof(words));
    return hw::ProgramHeader::unpack(words).hash;
}

base::Result<std::shared_ptr<const exec::Program>>
ProgramCache::get(uint64_t address, uint32_t size_bytes, uint64_t hash) {
    if (auto ok = check(address, size_bytes); !ok) {
        return std::unexpected(std::move(ok.error()));
    }
    const Key key{address, hash, size_bytes};
    {
        const std::lock_guard lock(mutex_);
        if (const auto it = programs_.find(key); it != programs_.end()) {
            return it->second;
        }
    }
    std::vector<std::byte> image(size_bytes);
    std::memcpy(image.data(), window_.at(address), size_bytes);
    auto program = exec::load_program(image);
    if (!program) {
        return std::unexpected(std::move(program.error()));
    }
    ++loaded_;
    const std::lock_guard lock(mutex_);
    if (programs_.size() >= kCapacity) {
        programs_.clear();
    }
    return programs_.try_emplace(key, std::move(*program)).first->second;
}

} // namespace kite::dev::front
