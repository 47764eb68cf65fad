// SPDX-License-Identifier: MIT
#include "device/exec/jit/texgen/library.hpp"

#include "device/exec/compile_clock.hpp"

#include "base/log.hpp"

#include <cstring>

namespace kite::dev::exec::jit::texgen {

namespace {

// What an object is cached under: all of the key, told apart from programs by the leading word.
std::vector<std::byte> source_of(const TexKey& key) {
    constexpr uint32_t kHead[2] = {0x7478544bu, kVersion};
    std::vector<std::byte> bytes(sizeof(kHead) + sizeof(key));
    std::memcpy(bytes.data(), kHead, sizeof(kHead));
    std::memcpy(bytes.data() + sizeof(kHead), &key, sizeof(key));
    return bytes;
}

} // namespace

Library::Library(Target target, Linker& linker, DiskCache* disk)
    : target_(std::move(target)), linker_(linker), disk_(disk) {}

TexRoutine Library::find(const TexKey& key) {
    Slot* slot = nullptr;
    {
        const std::lock_guard lock(mutex_);
        auto& entry = slots_[key];
        if (entry == nullptr) {
            entry = std::make_unique<Slot>();
        }
        slot = entry.get();
    }
    std::call_once(slot->once, [&] { slot->code = make(key); });
    return slot->code == nullptr
               ? nullptr
               : reinterpret_cast<TexRoutine>(reinterpret_cast<void*>(slot->code->entry()));
}

std::unique_ptr<Code> Library::make(const TexKey& key) {
    const CompileScope compiling;
    const auto source = source_of(key);
    if (disk_ != nullptr) {
        const auto object = disk_->load(source);
        if (!object.empty()) {
            if (auto code = linker_.link(object)) {
                return std::move(*code);
            }
        }
    }
    auto object = compile(key, target_);
    if (!object) {
        KITE_LOG(warn, "texture routine (format {}) is not generated, using the reference: {}",
                 key.format, object.error().message);
        return nullptr;
    }
    auto code = linker_.link(*object);
    if (!code) {
        KITE_LOG(warn, "texture routine (format {}) does not link, using the reference: {}",
                 key.format, code.error().message);
        return nullptr;
    }
    if (disk_ != nullptr) {
        disk_->store(source, *object);
    }
    return std::move(*code);
}

} // namespace kite::dev::exec::jit::texgen
