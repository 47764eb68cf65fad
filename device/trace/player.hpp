// SPDX-License-Identifier: MIT
// Replays a capture on a device of its own: no application, driver or kernel.
//
// Every submission starts from the memory the recorded one started from, so any submission can be
// executed without the ones before it; submissions are visited in order (seek() only goes forward).
// Memory objects are sparse files in memory; the bytes a capture may unpack into them are limited.
// The player owns the device it makes; the capture must outlive it. One thread. Failure is a text:
// corrupt captures and what the device refuses; a fault of the replayed submission is an outcome,
// not a failure.
#pragma once

#include "base/unique_fd.hpp"
#include "device/trace/capture.hpp"
#include "device/trace/stream.hpp"
#include "kite_device/device.hpp"

#include <condition_variable>
#include <map>
#include <mutex>

namespace kite::dev::trace {

/// How to replay.
struct PlayerConfig {
    uint32_t executor = 0;        ///< as DeviceConfig::executor
    uint32_t threads = 0;         ///< as DeviceConfig::threads
    uint32_t hang_timeout_ms = 0; ///< as DeviceConfig::hang_timeout_ms
    uint64_t memory_limit =       ///< bytes of recorded memory content
        uint64_t{16} << 30;
    const char* cache_dir = nullptr; ///< as DeviceConfig::cache_dir
};

/// What came of a submission.
struct Outcome {
    Status status = Status::ok;   ///< how it ended
    std::string fault;            ///< why, if not well
    FlatStream stream;            ///< what was executed
    size_t changed = 0;           ///< pages the recorded submission changed
    size_t untouched = 0;         ///< of these, pages that the replay leaves alone: it was the
                                  ///< application that wrote or freed them meanwhile
    size_t different = 0;         ///< of these, pages that the replay gives another content
    uint64_t first_different = 0; ///< object offset of the first of them
    bool compared = false;        ///< false: executed in part, or no result was recorded
};

/// See the head of this file.
class Player {
public:
    /// Makes the device.
    [[nodiscard]] static base::Result<std::unique_ptr<Player>> create(const Capture& capture,
                                                                      const PlayerConfig& config);
    ~Player();
    Player(const Player&) = delete;
    Player& operator=(const Player&) = delete;

    /// Brings memory to the state at the start of submission `index` (from 0, not before the last
    /// one sought).
    [[nodiscard]] base::Result<> seek(size_t index);
    /// The stream of the submission sought, whole or up to a draw.
    [[nodiscard]] base::Result<FlatStream> stream(uint32_t draws = 0) const;
    /// Executes it, whole or up to a draw.
    [[nodiscard]] base::Result<Outcome> execute(uint32_t draws = 0);
    /// Memory of the space of the submission sought.
    [[nodiscard]] SpaceMemory memory() const;
    /// The device's description.
    [[nodiscard]] const char* description() const { return device_->info().description; }

private:
    struct Space {
        AddressSpace* space = nullptr;
        Queue* queue = nullptr;
        std::map<uint64_t, uint64_t> ranges; // mapped, start -> end; may overlap
    };
    Player(const Capture& capture, const PlayerConfig& config)
        : capture_(capture), config_(config) {}
    [[nodiscard]] base::Result<> open();
    [[nodiscard]] base::Result<Space*> space(uint32_t number);
    [[nodiscard]] base::Result<> apply(const MappingRecord& mapping);
    [[nodiscard]] base::Result<> apply(const WriteEntry& write);
    [[nodiscard]] base::Result<uint64_t> place(const FlatStream& stream, Space& space);
    [[nodiscard]] std::vector<uint64_t> hashes(const Result& recorded) const;
    static void compare(const Result& recorded, std::span<const uint64_t> before,
                        std::span<const uint64_t> after, Outcome& outcome);
    static void completed(void* user, uint64_t cookie, Status status);

    const Capture& capture_;
    PlayerConfig config_;
    Device* device_ = nullptr;
    std::vector<base::UniqueFd> objects_;
    std::map<uint32_t, Space> spaces_;
    base::UniqueFd stream_memory_;
    size_t next_ = 0; // submissions whose memory was applied
    uint64_t unpacked_ = 0;
    std::mutex mutex_;
    std::condition_variable done_;
    uint64_t cookie_ = 0, finished_ = 0;
    Status status_ = Status::ok;
};

} // namespace kite::dev::trace
