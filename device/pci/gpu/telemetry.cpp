// SPDX-License-Identifier: MIT
// The telemetry registers, and the same figures as text.
#include "device/pci/gpu/gpu.hpp"

namespace kite::dev::pci {

namespace reg = hw::reg;

// A pair by the offset of its low half.
std::optional<uint64_t> Gpu::read_pair(uint32_t low_offset) {
    switch (low_offset) {
    case reg::kThrottleNsLo:
        return thermal_.state(front::now_ns()).throttle_ns;
    case reg::kEnergyLo:
        return thermal_.state(front::now_ns()).energy_uj;
    case reg::kLinkInLo:
        return link_.bytes(Link::Direction::in);
    case reg::kLinkOutLo:
        return link_.bytes(Link::Direction::out);
    case reg::kLinkBusyLo:
        return link_.busy_ns();
    default:
        return std::nullopt;
    }
}

uint32_t Gpu::read_telemetry(uint32_t offset) {
    const std::lock_guard lock(mutex_);
    if (const auto pair = read_pair(offset)) {
        latched_[offset + 4] = static_cast<uint32_t>(*pair >> 32);
        return static_cast<uint32_t>(*pair);
    }
    if (const auto high = latched_.find(offset); high != latched_.end()) {
        return high->second;
    }
    const ThermalState state = thermal_.state(front::now_ns());
    switch (offset) {
    case reg::kTemperature:
        return state.temperature_mc;
    case reg::kTemperatureLimit:
        return reg::kTemperatureLimitResetValue;
    case reg::kTemperatureCritical:
        return reg::kTemperatureCriticalResetValue;
    case reg::kPower:
        return state.power_uw;
    case reg::kFanSpeed:
        return state.fan_rpm;
    case reg::kThrottle:
        return (state.throttling ? reg::kThrottleActive : 0) | state.speed_percent << 8;
    case reg::kThrottleCount:
        return state.throttle_count;
    case reg::kLinkBandwidth:
        return link_.options().megabits;
    case reg::kLinkLatency:
        return link_.options().latency_ns;
    case reg::kLinkKind:
        return link_.options().tunnel ? reg::kLinkKindTunnel : 0;
    default:
        return 0;
    }
}

std::string Gpu::telemetry() {
    const ThermalState state = thermal_.state(front::now_ns());
    std::string text = fmt::format(
        "temperature_mc {}\npower_uw {}\nfan_rpm {}\nspeed_percent {}\nthrottling {}\n"
        "throttle_count {}\nthrottle_ns {}\nenergy_uj {}\n",
        state.temperature_mc, state.power_uw, state.fan_rpm, state.speed_percent,
        state.throttling ? 1 : 0, state.throttle_count, state.throttle_ns, state.energy_uj);
    text += fmt::format("link_megabits {}\nlink_latency_ns {}\nlink_in {}\nlink_out {}\n"
                        "link_busy_ns {}\nbus_master {}\n",
                        link_.options().megabits, link_.options().latency_ns,
                        link_.bytes(Link::Direction::in), link_.bytes(Link::Direction::out),
                        link_.busy_ns(), services_.bus.load() ? 1 : 0);
    for (unsigned i = 0; i < kRings; ++i) {
        text += fmt::format("ring{}_busy_ns {}\n", i, rings_[i]->busy_ns());
    }
    return text;
}

} // namespace kite::dev::pci
