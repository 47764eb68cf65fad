// SPDX-License-Identifier: MIT
//
// What kitectl reads and prints: amounts, names of rights and resources, fdinfo.
//
// Pure functions on text. Failure: std::nullopt, or std::invalid_argument with a message for people
// where said so.
#pragma once

#include "drm-driver/uapi/kite_drm.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kitectl {

/// "max" in a limit.
inline constexpr uint64_t kNoLimit = ~uint64_t{0};
/// Names of enum drm_kite_resource, in its order.
inline constexpr std::array<std::string_view, 4> kResources = {"vram", "system", "vms", "queues"};
/// Names of enum drm_kite_dma_right, by bit.
inline constexpr std::array<std::string_view, 4> kRights = {"system", "export", "import-read",
                                                            "import-write"};

/// "4096", "64K", "1.5G" (powers of 1024) or "max".
std::optional<uint64_t> parse_amount(std::string_view text);
/// Bytes for people: "64 MiB", "max".
std::string format_bytes(uint64_t bytes);
/// The resource of a name; throws std::invalid_argument with the names there are.
uint32_t parse_resource(std::string_view name);
/// Bits of names, "all" for all; throws std::invalid_argument with the names there are.
uint32_t parse_rights(const std::vector<std::string>& names);
/// Names of bits, separated by blanks; "-" for none.
std::string format_rights(uint32_t rights);

/// The cable for people: "16.0 GT/s x4, 63.0 Gb/s".
std::string format_link(const drm_kite_link_info& link);
/// Whether the device may reach system memory, and why.
std::string format_dma(const drm_kite_link_info& link);
/// Temperature, power, fan, throttling; "asleep", or "-" where there are no sensors.
std::string format_sensors(const drm_kite_telemetry& telemetry);

/// An open file of the driver as /proc/PID/fdinfo/FD tells it.
struct Client {
    uint64_t id = 0;
    int pid = 0;
    std::string process;
    /// PCI address.
    std::string device;
    /// Nanoseconds of work, by engine.
    std::map<std::string, uint64_t> engine_ns;
    /// Resident bytes, by region.
    std::map<std::string, uint64_t> resident;
};

/// The client that an fdinfo text is about; none if it is not kite's.
std::optional<Client> parse_fdinfo(std::string_view text);

} // namespace kitectl
