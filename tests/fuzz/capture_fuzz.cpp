// SPDX-License-Identifier: MIT
// Fuzzes the reading and replaying of capture files. With clang this is a libFuzzer target;
// otherwise main() replays the folders it is given (tests/fuzz/corpus/capture).
//
// Checksums are not believed in here, or no damaged byte would get past them.
#include "device/trace/picture.hpp"
#include "device/trace/player.hpp"
#include "tests/fuzz/replay_folders.hpp"

#include "base/log.hpp"

namespace {

using namespace kite::dev::trace;

void replay(std::span<const std::byte> bytes) {
    const auto capture = Capture::parse(bytes, {.checksums = false});
    if (!capture) {
        return;
    }
    auto player = Player::create(*capture, {.executor = 1,
                                            .threads = 2,
                                            .hang_timeout_ms = 200,
                                            .memory_limit = 64 << 20,
                                            .cache_dir = ""});
    if (!player) {
        return;
    }
    for (size_t i = 0; i < capture->submissions().size() && i < 4; ++i) {
        if (!(*player)->seek(i)) {
            return;
        }
        auto outcome = (*player)->execute(i == 3 ? 2 : 0);
        if (!outcome) {
            return;
        }
        for (const Show show : {Show::color, Show::depth, Show::stencil}) {
            (void)picture_of((*player)->memory(), outcome->stream.targets, show);
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    kite::base::set_log_level(kite::base::LogLevel::none);
    replay(std::as_bytes(std::span(data, size)));
    return 0;
}

#ifndef KITE_LIBFUZZER
int main(int argc, char** argv) {
    return kite::fuzz::replay_folders(argc, argv, LLVMFuzzerTestOneInput);
}
#endif
