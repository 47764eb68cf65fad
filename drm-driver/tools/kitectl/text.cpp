// SPDX-License-Identifier: MIT
#include "text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <stdexcept>

namespace kitectl {
namespace {

constexpr std::string_view kUnits = "KMGT";

std::optional<uint64_t> to_number(std::string_view text) {
    uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

/// "12 KiB", "5 ns" or "7": the number in bytes or as it is.
std::optional<uint64_t> to_quantity(std::string_view text) {
    size_t blank = text.find(' ');
    auto value = to_number(text.substr(0, blank));
    if (!value || blank == std::string_view::npos)
        return value;
    std::string_view unit = trim(text.substr(blank));
    uint64_t factor = unit == "KiB" ? 1024 : unit == "MiB" ? 1024 * 1024 : 1;
    if (*value > kNoLimit / factor)
        return std::nullopt;
    return *value * factor;
}

} // namespace

std::optional<uint64_t> parse_amount(std::string_view text) {
    if (text == "max")
        return kNoLimit;
    double factor = 1;
    if (!text.empty()) {
        size_t unit = kUnits.find(text.back());
        if (unit != std::string_view::npos) {
            factor = std::pow(1024.0, static_cast<double>(unit + 1));
            text.remove_suffix(1);
        }
    }
    if (auto whole = to_number(text); whole && factor == 1)
        return whole;
    double value = 0;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0 ||
        value * factor >= 0x1p64 || (factor == 1 && value != std::floor(value)))
        return std::nullopt;
    return static_cast<uint64_t>(value * factor);
}

std::string format_bytes(uint64_t bytes) {
    if (bytes == kNoLimit)
        return "max";
    double value = static_cast<double>(bytes);
    const char* unit = "B";
    for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
        if (value < 1024)
            break;
        value /= 1024;
        unit = next;
    }
    return value == std::floor(value) ? fmt::format("{:.0f} {}", value, unit)
                                      : fmt::format("{:.1f} {}", value, unit);
}

uint32_t parse_resource(std::string_view name) {
    for (uint32_t i = 0; i < kResources.size(); ++i)
        if (name == kResources[i])
            return i;
    throw std::invalid_argument(
        fmt::format("no resource {}; there are {}", name, fmt::join(kResources, ", ")));
}

uint32_t parse_rights(const std::vector<std::string>& names) {
    uint32_t rights = 0;
    for (const std::string& name : names) {
        uint32_t found = name == "all" ? (1u << kRights.size()) - 1 : 0;
        for (uint32_t i = 0; i < kRights.size(); ++i)
            if (name == kRights[i])
                found = 1u << i;
        if (found == 0)
            throw std::invalid_argument(
                fmt::format("no right {}; there are {}, all", name, fmt::join(kRights, ", ")));
        rights |= found;
    }
    return rights;
}

std::string format_rights(uint32_t rights) {
    std::string text;
    for (uint32_t i = 0; i < kRights.size(); ++i)
        if (rights & (1u << i))
            text += (text.empty() ? "" : " ") + std::string(kRights[i]);
    return text.empty() ? "-" : text;
}

std::string format_link(const drm_kite_link_info& link) {
    std::string text = fmt::format("{:.1f} GT/s x{}", link.speed_mts / 1000.0, link.width);
    if (link.cap_mbps != 0)
        text += fmt::format(", {:.1f} Gb/s", link.cap_mbps / 1000.0);
    if (link.latency_ns != 0)
        text += fmt::format(", adds {} ns", link.latency_ns);
    return text + ((link.flags & DRM_KITE_LINK_TUNNEL) != 0 ? ", tunnelled" : "");
}

std::string format_dma(const drm_kite_link_info& link) {
    constexpr std::array<const char*, 5> kWhy = {"the policy is always", "the IOMMU translates",
                                                 "internal port", "external port without IOMMU",
                                                 "the administrator decides"};
    return fmt::format("{}: {}",
                       (link.flags & DRM_KITE_LINK_DMA_LOCKED) != 0 ? "locked" : "allowed",
                       link.dma_reason < kWhy.size() ? kWhy[link.dma_reason] : "?");
}

std::string format_sensors(const drm_kite_telemetry& t) {
    if ((t.flags & DRM_KITE_TELEMETRY_ASLEEP) != 0)
        return "asleep";
    if ((t.flags & DRM_KITE_TELEMETRY_SENSORS) == 0)
        return "-";
    std::string text = fmt::format("{:.1f} C  {:.1f} W  fan {} rpm", t.temperature_mc / 1000.0,
                                   t.power_uw / 1e6, t.fan_rpm);
    if ((t.flags & DRM_KITE_TELEMETRY_THROTTLED) != 0)
        text += fmt::format("  throttled to {}%", t.speed_percent);
    return text;
}

std::optional<Client> parse_fdinfo(std::string_view text) {
    Client client;
    bool kite = false;
    while (!text.empty()) {
        size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        size_t colon = line.find(':');
        if (colon == std::string_view::npos)
            continue;
        std::string_view key = line.substr(0, colon), value = trim(line.substr(colon + 1));
        auto number = to_quantity(value);
        constexpr std::string_view kEngine = "drm-engine-", kResident = "drm-resident-";
        if (key == "drm-driver")
            kite = value == "kite";
        else if (key == "drm-pdev")
            client.device = value;
        else if (key == "drm-client-id")
            client.id = number.value_or(0);
        else if (key.starts_with(kEngine) && number)
            client.engine_ns[std::string(key.substr(kEngine.size()))] = *number;
        else if (key.starts_with(kResident) && number)
            client.resident[std::string(key.substr(kResident.size()))] = *number;
    }
    if (!kite || client.id == 0)
        return std::nullopt;
    return client;
}

} // namespace kitectl
