// SPDX-License-Identifier: MIT
// What a fuzz target does without a fuzzing engine: it runs every file of the folders it is given,
// so that a corpus is a test and a fixed crash stays fixed.
//
// Used by each target's main(). One thread. A folder that can't be read, or no input at all, is a
// failure.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace kite::fuzz {

/// Feeds the files in the folders (or the files) named on the command line to a target. @return the
/// exit status.
inline int replay_folders(int argc, char** argv, int (*target)(const uint8_t*, size_t)) {
    unsigned count = 0;
    const auto run = [&](const std::filesystem::path& path) {
        std::ifstream in(path, std::ios::binary);
        const std::vector<char> bytes((std::istreambuf_iterator<char>(in)), {});
        target(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
        ++count;
    };
    for (int k = 1; k < argc; ++k) {
        std::error_code error;
        if (!std::filesystem::is_directory(argv[k], error)) {
            run(argv[k]);
            continue;
        }
        for (const auto& file : std::filesystem::directory_iterator(argv[k], error)) {
            run(file.path());
        }
    }
    std::printf("%u inputs\n", count);
    return count == 0 ? 1 : 0;
}

} // namespace kite::fuzz
