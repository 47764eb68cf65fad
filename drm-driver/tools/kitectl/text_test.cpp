// SPDX-License-Identifier: MIT
#include "text.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace kitectl {
namespace {

TEST(Amounts, AreReadWithUnits) {
    EXPECT_EQ(parse_amount("0"), 0u);
    EXPECT_EQ(parse_amount("4096"), 4096u);
    EXPECT_EQ(parse_amount("64M"), 64u << 20);
    EXPECT_EQ(parse_amount("1.5G"), 3u << 29);
    EXPECT_EQ(parse_amount("max"), kNoLimit);
    EXPECT_EQ(parse_amount("18446744073709551614"), kNoLimit - 1);
    for (const char* bad : {"", "M", "-1", "1.5", "4096B", "12 K", "99999999T", "1e3", "0x10"})
        EXPECT_EQ(parse_amount(bad), std::nullopt) << bad;
}

TEST(Amounts, ArePrintedForPeople) {
    EXPECT_EQ(format_bytes(0), "0 B");
    EXPECT_EQ(format_bytes(64 << 20), "64 MiB");
    EXPECT_EQ(format_bytes(3u << 29), "1.5 GiB");
    EXPECT_EQ(format_bytes(kNoLimit), "max");
}

TEST(Names, AreReadAndRefused) {
    EXPECT_EQ(parse_resource("vms"), 2u);
    EXPECT_THROW(parse_resource("ram"), std::invalid_argument);
    EXPECT_EQ(parse_rights({"export", "import-write"}), 10u);
    EXPECT_EQ(parse_rights({"all"}), 15u);
    EXPECT_THROW(parse_rights({"peer"}), std::invalid_argument);
    EXPECT_EQ(format_rights(10), "export import-write");
    EXPECT_EQ(format_rights(0), "-");
}

TEST(Devices, ArePrintedForPeople) {
    drm_kite_link_info link{};
    link.speed_mts = 8000;
    link.width = 4;
    EXPECT_EQ(format_link(link), "8.0 GT/s x4");
    EXPECT_EQ(format_dma(link), "allowed: the policy is always");
    link.cap_mbps = 31504;
    link.latency_ns = 1500;
    link.flags = DRM_KITE_LINK_TUNNEL | DRM_KITE_LINK_DMA_LOCKED;
    link.dma_reason = DRM_KITE_DMA_EXTERNAL;
    EXPECT_EQ(format_link(link), "8.0 GT/s x4, 31.5 Gb/s, adds 1500 ns, tunnelled");
    EXPECT_EQ(format_dma(link), "locked: external port without IOMMU");
    drm_kite_telemetry t{};
    EXPECT_EQ(format_sensors(t), "-");
    t.flags = DRM_KITE_TELEMETRY_SENSORS;
    t.temperature_mc = 65432;
    t.power_uw = 23'000'000;
    t.fan_rpm = 1800;
    EXPECT_EQ(format_sensors(t), "65.4 C  23.0 W  fan 1800 rpm");
    t.flags |= DRM_KITE_TELEMETRY_THROTTLED;
    t.speed_percent = 25;
    EXPECT_EQ(format_sensors(t), "65.4 C  23.0 W  fan 1800 rpm  throttled to 25%");
    t.flags = DRM_KITE_TELEMETRY_ASLEEP;
    EXPECT_EQ(format_sensors(t), "asleep");
}

TEST(Fdinfo, IsRead) {
    auto client = parse_fdinfo("pos:\t0\nflags:\t02100002\ndrm-driver:\tkite\n"
                               "drm-client-id:\t17\ndrm-pdev:\t0000:01:00.0\n"
                               "drm-engine-graphics:\t123456 ns\ndrm-engine-copy:\t0 ns\n"
                               "drm-resident-vram:\t2 MiB\ndrm-resident-memory:\t68 KiB\n");
    ASSERT_TRUE(client);
    EXPECT_EQ(client->id, 17u);
    EXPECT_EQ(client->device, "0000:01:00.0");
    EXPECT_EQ(client->engine_ns.at("graphics"), 123456u);
    EXPECT_EQ(client->resident.at("vram"), 2u << 20);
    EXPECT_EQ(client->resident.at("memory"), 68u << 10);
}

TEST(Fdinfo, OfOthersIsNone) {
    EXPECT_FALSE(parse_fdinfo(""));
    EXPECT_FALSE(parse_fdinfo("drm-driver:\ti915\ndrm-client-id:\t3\n"));
    EXPECT_FALSE(parse_fdinfo("drm-driver:\tkite\n")); // no client
    EXPECT_FALSE(parse_fdinfo("drm-driver:\tkite\ndrm-client-id:\tx\n"));
}

} // namespace
} // namespace kitectl
