// SPDX-License-Identifier: MIT
// The display engine: heads that show planes at the rate of their mode, and the monitors on them.
//
// hw/display.toml and the head_* registers say what a driver sees. Register accesses, viewers and
// whoever moves monitors may come from any thread; one thread of the engine's own makes the
// vblanks: it counts them, lets commits take effect, writes back, and calls `interrupt`. Vblanks
// lie on the grid that the mode and the moment it began give; what was slept through is counted,
// not made up for, but that a commit takes effect at the first vblank after it was made. States are
// hostile: an impossible one is refused, what was shown stays. Frames are composed only for those
// who ask: viewers, CRCs, writeback planes.
#pragma once

#include "device/display/compose.hpp"
#include "device/display/edid.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace kite::dev::display {

/// Most heads.
inline constexpr uint32_t kMostHeads = hw::reg::kHeadStatusCount;

/// A head as people see it.
struct HeadInfo {
    bool connected = false; ///< a monitor hangs on it
    bool on = false;        ///< it shows something
    uint32_t width = 0;     ///< of its mode
    uint32_t height = 0;    ///< of its mode
    uint64_t frame_ns = 0;  ///< of its mode
    uint32_t vblanks = 0;   ///< so far
    uint32_t commits = 0;   ///< number of the last one
};

/// The engine.
class Engine {
public:
    /// What the engine stands in.
    struct Surroundings {
        std::span<std::byte> memory;     ///< VRAM; outlives the engine
        std::function<void()> interrupt; ///< called with a lock held: must not call back
        uint64_t (*now_ns)() = nullptr;  ///< the device clock
    };
    /// One head a monitor; an empty EDID is a connector without one.
    Engine(Surroundings surroundings, std::vector<Edid> monitors);
    /// Ends its thread.
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Heads there are.
    [[nodiscard]] uint32_t heads() const { return static_cast<uint32_t>(heads_.size()); }
    /// A register of the display block, by offset in BAR0; 0 for what does not exist.
    [[nodiscard]] uint32_t read(uint32_t offset);
    /// Writes one.
    void write(uint32_t offset, uint32_t value);
    /// Heads off, registers as after power-on; monitors stay.
    void reset();

    /// What a head shows; a head that does not exist is off.
    [[nodiscard]] Scene scene(uint32_t head);
    /// Facts about a head.
    [[nodiscard]] HeadInfo info(uint32_t head);
    /// Another monitor, or none with an empty EDID. False: no such head.
    bool set_monitor(uint32_t head, Edid edid);
    /// All of VRAM.
    [[nodiscard]] std::span<const std::byte> memory() const { return around_.memory; }

private:
    struct Commit {
        Scene scene;
        uint32_t number = 0;
        uint64_t made_ns = 0; // vblanks before that are not for it
    };
    struct Head {
        Edid edid;
        uint64_t state_at = 0, writeback_at = 0; // registers
        uint32_t irq_enable = 0, vblank = 0, latched = 0, refused = 0, connector = 0;
        Scene shown;
        std::optional<Commit> pending;
        uint64_t period_ns = 0, next_ns = 0; // 0: off
        uint32_t epoch = 0;                  // changes when it is reset
        uint64_t stamp_ns = 0;               // when the last vblank began
        bool due = false;                    // it is still to be acted upon
        bool reading = false;                // a frame is being made, with the lock dropped
    };
    void run();
    enum class Vblanks { first, all }; // of those that began and were not told
    void tell_vblank(Head& head, uint64_t now, Vblanks which);
    void show(Head& head, std::unique_lock<std::mutex>& lock);
    void commit(Head& head, uint32_t number);
    void latch(Head& head);
    void latch_late(Head& head);
    void refuse(Head& head, uint32_t number);
    void write_frame(Head& head, std::unique_lock<std::mutex>& lock);
    void store(const Head& head, uint32_t dword, uint64_t value, uint32_t bytes = 4) const;
    void raise(const Head& head, hw::HeadEvent event) const;
    [[nodiscard]] uint32_t edid_dword(uint32_t element) const;

    const Surroundings around_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Head> heads_;
    bool quit_ = false;
    std::thread thread_;
};

} // namespace kite::dev::display
