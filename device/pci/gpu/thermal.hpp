// SPDX-License-Identifier: MIT
// The thermal model: power from work, temperature from power, a fan, and throttling at the limit.
//
// A mass of metal with one sensor: each engine that runs adds its watts to those of the idle chip,
// heat leaves through a cooler that is better the faster its fan turns. From the limit on the GPU
// is slowed down until it is some degrees cooler: end() then says how long the engine has to rest
// after a piece of work. Time is an argument (nanoseconds, never backwards), so that tests need not
// wait. Any thread; nothing fails. Outlives resets, as heat does.
//
//     thermal.begin(hw::RingClass::graphics, now_ns());
//     ... work ...
//     sleep(thermal.end(hw::RingClass::graphics, now_ns()));
#pragma once

#include "kite_hw/registers.hpp"

#include <array>
#include <cstdint>
#include <mutex>

namespace kite::dev::pci {

/// What the sensors say.
struct ThermalState {
    uint32_t temperature_mc = 0; ///< thousandths of a degree Celsius
    uint32_t power_uw = 0;       ///< microwatts, averaged over half a second
    uint32_t fan_rpm = 0;        ///< revolutions per minute
    uint32_t speed_percent = 0;  ///< of full speed
    bool throttling = false;     ///< slowed down now
    uint32_t throttle_count = 0; ///< how often that began
    uint64_t throttle_ns = 0;    ///< how long it was so
    uint64_t energy_uj = 0;      ///< microjoules so far
};

/// The model.
class Thermal {
public:
    static constexpr uint64_t kLongestRest = 250'000'000; ///< ns, of one end()

    /// At room temperature.
    explicit Thermal(uint64_t now_ns);
    /// An engine starts to work.
    void begin(hw::RingClass engine, uint64_t now_ns);
    /// It has finished; nanoseconds that it has to rest. What exceeds kLongestRest is asked for
    /// later.
    [[nodiscard]] uint64_t end(hw::RingClass engine, uint64_t now_ns);
    /// Heat from outside, milliwatts, until it is changed; for tests. It is not power drawn.
    void set_heat(uint32_t milliwatts, uint64_t now_ns);
    /// The sensors.
    [[nodiscard]] ThermalState state(uint64_t now_ns);

private:
    struct Work {
        unsigned running = 0;
        uint64_t since_ns = 0;
        uint64_t owed_ns = 0; // rest that was not taken yet
    };
    void advance(uint64_t now_ns);
    void step(double seconds, double watts);
    [[nodiscard]] double fan() const;
    [[nodiscard]] double speed() const;

    std::mutex mutex_;
    std::array<Work, 4> work_; // by RingClass
    uint64_t now_ns_;
    double celsius_, average_watts_, heat_watts_ = 0, joules_ = 0;
    bool throttling_ = false;
    uint32_t throttle_count_ = 0;
    uint64_t throttle_ns_ = 0;
};

} // namespace kite::dev::pci
