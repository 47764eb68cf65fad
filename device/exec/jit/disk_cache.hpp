// SPDX-License-Identifier: MIT
// Objects of compiled programs on disk, so that a program compiles once per machine.
//
// One file per object, named by a hash of (code generator, program, key), written to a temporary
// name and renamed, so readers see whole files only. Each file carries what it was compiled from,
// in full, and a checksum; anything that does not match is ignored, so a hash collision finds
// nothing. Thread-safe and safe between processes. Failures are silent: a cache that can't be read
// or written is an empty one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kite::dev::exec::jit {

/// See the head of this file.
class DiskCache {
public:
    /// Opens (and creates) the directory; nullptr if that fails. `generator` names everything code
    /// depends on besides the program.
    [[nodiscard]] static std::unique_ptr<DiskCache> open(const std::string& directory,
                                                         const std::string& generator);
    /// The object compiled from `source` (program and state, as bytes), or empty.
    [[nodiscard]] std::vector<std::byte> load(std::span<const std::byte> source) const;
    /// Keeps an object.
    void store(std::span<const std::byte> source, std::span<const std::byte> object) const;

private:
    DiskCache(std::string directory, uint64_t generator)
        : directory_(std::move(directory)), generator_(generator) {}
    [[nodiscard]] std::string path(std::span<const std::byte> source) const;

    std::string directory_;
    uint64_t generator_;
};

} // namespace kite::dev::exec::jit
