// SPDX-License-Identifier: MIT
#include "device/pci/gpu/thermal.hpp"

#include <algorithm>
#include <cmath>

namespace kite::dev::pci {

namespace {

constexpr double kAmbient = 25, kHottest = 125;
constexpr double kLimit = hw::reg::kTemperatureLimitResetValue / 1000.0;
constexpr double kCritical = hw::reg::kTemperatureCriticalResetValue / 1000.0;
constexpr double kCoolEnough = kLimit - 4; // throttling ends below
constexpr double kIdleWatts = 3;
constexpr std::array<double, 4> kWatts = {24, 24, 4, 1}; // by RingClass
constexpr double kJoulesPerKelvin = 15;
constexpr double kWattsPerKelvinStill = 0.45, kWattsPerKelvinFan = 0.55;
constexpr double kFanFrom = 45, kFanTo = 85, kFanSlowest = 900, kFanFastest = 4800;
constexpr double kAverageSeconds = 0.5;
constexpr double kStepSeconds = 0.05;
constexpr unsigned kMostSteps = 200;
constexpr double kSlowest = 0.25;              // speed from the critical temperature on
constexpr uint64_t kMostOwed = 10'000'000'000; // ns

} // namespace

Thermal::Thermal(uint64_t now_ns)
    : now_ns_(now_ns), celsius_(kAmbient), average_watts_(kIdleWatts) {}

// The fan's speed, 0 to 1.
double Thermal::fan() const {
    return std::clamp((celsius_ - kFanFrom) / (kFanTo - kFanFrom), 0.0, 1.0);
}

double Thermal::speed() const {
    if (!throttling_) {
        return 1;
    }
    const double over = (celsius_ - kCoolEnough) / (kCritical - kCoolEnough);
    return 1 - (1 - kSlowest) * std::clamp(over, 0.0, 1.0);
}

// Exact for a fan that keeps its speed, so long steps are safe.
void Thermal::step(double seconds, double watts) {
    const double conductance = kWattsPerKelvinStill + kWattsPerKelvinFan * fan();
    const double steady = kAmbient + (watts + heat_watts_) / conductance;
    celsius_ = steady + (celsius_ - steady) * std::exp(-seconds * conductance / kJoulesPerKelvin);
    celsius_ = std::min(celsius_, kHottest);
    average_watts_ = watts + (average_watts_ - watts) * std::exp(-seconds / kAverageSeconds);
    joules_ += watts * seconds;
    if (throttling_) {
        throttle_ns_ += static_cast<uint64_t>(seconds * 1e9);
        throttling_ = celsius_ >= kCoolEnough;
    } else if (celsius_ >= kLimit) {
        throttling_ = true;
        ++throttle_count_;
    }
}

void Thermal::advance(uint64_t now_ns) {
    if (now_ns <= now_ns_) {
        return;
    }
    double watts = kIdleWatts;
    for (size_t i = 0; i < work_.size(); ++i) {
        watts += work_[i].running != 0 ? kWatts[i] : 0;
    }
    double left = static_cast<double>(now_ns - now_ns_) * 1e-9;
    const double longest = std::max(kStepSeconds, left / kMostSteps);
    for (; left > 0; left -= longest) {
        step(std::min(left, longest), watts);
    }
    now_ns_ = now_ns;
}

void Thermal::begin(hw::RingClass engine, uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    advance(now_ns);
    Work& work = work_[static_cast<size_t>(engine)];
    if (work.running++ == 0) {
        work.since_ns = now_ns;
    }
}

uint64_t Thermal::end(hw::RingClass engine, uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    advance(now_ns);
    Work& work = work_[static_cast<size_t>(engine)];
    --work.running;
    if (!throttling_) {
        work.owed_ns = 0;
        return 0;
    }
    const double busy = static_cast<double>(now_ns - std::min(now_ns, work.since_ns));
    work.since_ns = now_ns;
    work.owed_ns += static_cast<uint64_t>(busy * (1 / speed() - 1));
    const uint64_t rest = std::min(work.owed_ns, kLongestRest);
    work.owed_ns = std::min(work.owed_ns - rest, kMostOwed);
    return rest;
}

void Thermal::set_heat(uint32_t milliwatts, uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    advance(now_ns);
    heat_watts_ = milliwatts / 1000.0;
}

ThermalState Thermal::state(uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    advance(now_ns);
    const double turning = fan();
    return {.temperature_mc = static_cast<uint32_t>(celsius_ * 1000),
            .power_uw = static_cast<uint32_t>(average_watts_ * 1e6),
            .fan_rpm = turning > 0 ? static_cast<uint32_t>(kFanSlowest +
                                                           turning * (kFanFastest - kFanSlowest))
                                   : 0,
            .speed_percent = static_cast<uint32_t>(std::lround(speed() * 100)),
            .throttling = throttling_,
            .throttle_count = throttle_count_,
            .throttle_ns = throttle_ns_,
            .energy_uj = static_cast<uint64_t>(joules_ * 1e6)};
}

} // namespace kite::dev::pci
