// SPDX-License-Identifier: MIT
// Messages as QEMU sends them, and as nobody should.
#include "device/pci/testing/session.hpp"

#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/mman.h>

namespace kite::dev::pci::test {
namespace {

using vfio::Command;
using vfio::Header;

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

Header request(Command command, uint32_t flags = 0) {
    return {
        .id = 77, .command = static_cast<uint16_t>(command), .size = 0, .flags = flags, .error = 0};
}

class Vfio : public testing::Test {
protected:
    Session session;
    Client& client = *session.client;
};

TEST_F(Vfio, TheFirstMessageIsTheVersion) {
    client.raw(request(Command::device_get_info), bytes_of(vfio::DeviceInfo{.argsz = 16}));
    EXPECT_FALSE(client.next().has_value()); // hung up
}

TEST_F(Vfio, VersionAnswersFitIntoTheRequest) {
    for (const std::string_view json : {"", "{}", R"({"capabilities":{"max_msg_fds":16}} )"}) {
        Session fresh;
        std::vector<std::byte> payload(4);
        if (!json.empty()) {
            payload.resize(4 + json.size() + 1);
            std::memcpy(payload.data() + 4, json.data(), json.size());
        }
        fresh.client->raw(request(Command::version), payload);
        const auto answer = fresh.client->next();
        ASSERT_TRUE(answer.has_value());
        EXPECT_LE(answer->payload.size(), payload.size());
        EXPECT_EQ(answer->header.flags, vfio::kTypeReply);
        if (!json.empty()) {
            EXPECT_EQ(answer->payload.back(), std::byte{0});
        }
    }
}

TEST_F(Vfio, AnotherMajorVersionEndsTheConnection) {
    client.raw(request(Command::version), bytes_of(vfio::VersionHead{.major = 1, .minor = 0}));
    EXPECT_FALSE(client.next().has_value());
}

TEST_F(Vfio, InformationIsComplete) {
    client.version();
    const auto info =
        client.call(Command::device_get_info, bytes_of(vfio::DeviceInfo{.argsz = 16}));
    ASSERT_EQ(info.payload.size(), sizeof(vfio::DeviceInfo));
    vfio::DeviceInfo device{};
    std::memcpy(&device, info.payload.data(), sizeof(device));
    EXPECT_EQ(device.flags, vfio::kDeviceReset | vfio::kDevicePci);
    EXPECT_EQ(device.num_regions, 9u);
    EXPECT_EQ(device.num_irqs, 5u);
    EXPECT_EQ(client.region(0).size, 64u << 10);
    const auto aperture = client.region(2);
    EXPECT_EQ(aperture.size, 64u << 20);
    EXPECT_EQ(aperture.mappable, 64u << 20);
    EXPECT_TRUE(static_cast<bool>(aperture.fd));
    // Whoever has the descriptor cannot pull the memory away.
    EXPECT_NE(ftruncate(aperture.fd.get(), 4096), 0);
    EXPECT_EQ(client.region(4).size, 4096u);
    EXPECT_EQ(client.region(7).size, 4096u);
    for (const uint32_t none : {1u, 3u, 5u, 6u, 8u}) {
        EXPECT_EQ(client.region(none).size, 0u);
    }
    for (uint32_t index = 0; index < 5; ++index) {
        const auto answer = client.call(
            Command::irq_get_info,
            bytes_of(vfio::IrqInfo{.argsz = 16, .flags = 0, .index = index, .count = 0}));
        vfio::IrqInfo irq{};
        ASSERT_EQ(answer.payload.size(), sizeof(irq));
        std::memcpy(&irq, answer.payload.data(), sizeof(irq));
        EXPECT_EQ(irq.count, index == vfio::kIrqIndexMsix ? 16u : 0u);
    }
}

TEST_F(Vfio, RefusesWhatMakesNoSense) {
    client.version();
    const auto refused = [&](Command command, const auto& payload) {
        return client.call(command, bytes_of(payload)).error;
    };
    EXPECT_EQ(refused(Command::version, vfio::VersionHead{}), EINVAL);
    EXPECT_EQ(
        refused(Command::region_get_info, vfio::RegionInfo{.argsz = 32, .flags = 0, .index = 9}),
        EINVAL);
    EXPECT_EQ(
        refused(Command::region_get_info, vfio::RegionInfo{.argsz = 8, .flags = 0, .index = 0}),
        EINVAL);
    EXPECT_EQ(refused(Command::irq_get_info, vfio::IrqInfo{.argsz = 16, .flags = 0, .index = 5}),
              EINVAL);
    using Access = vfio::RegionAccess;
    EXPECT_EQ(refused(Command::region_read, Access{.offset = 0, .region = 1, .count = 4}), EINVAL);
    EXPECT_EQ(refused(Command::region_read, Access{.offset = 65533, .region = 0, .count = 4}),
              EINVAL);
    EXPECT_EQ(refused(Command::region_read, Access{.offset = ~0ull, .region = 2, .count = 4}),
              EINVAL);
    EXPECT_EQ(refused(Command::region_read, Access{.offset = 0, .region = 2, .count = 2u << 20}),
              EINVAL);
    EXPECT_EQ(refused(Command::region_write, Access{.offset = 0, .region = 2, .count = 4}), EINVAL);
    EXPECT_EQ(
        refused(Command::dma_map,
                vfio::DmaMap{
                    .argsz = 32, .flags = 3, .offset = 0, .address = ~0xfffull, .size = 0x2000}),
        EINVAL);
    EXPECT_EQ(refused(Command::dma_map, vfio::DmaMap{.argsz = 32, .flags = 3}), EINVAL);
    EXPECT_EQ(refused(Command::dma_unmap,
                      vfio::DmaUnmap{.argsz = 24, .flags = 0, .address = 0, .size = 4096}),
              ENOENT);
    EXPECT_EQ(
        refused(Command::set_irqs,
                vfio::IrqSet{.argsz = 20, .flags = 0x24, .index = 2, .start = 15, .count = 2}),
        EINVAL);
    EXPECT_EQ(refused(Command::set_irqs,
                      vfio::IrqSet{.argsz = 20, .flags = 0x27, .index = 2, .start = 0, .count = 1}),
              EINVAL);
    EXPECT_EQ(refused(Command::set_irqs,
                      vfio::IrqSet{.argsz = 20, .flags = 0x22, .index = 2, .start = 0, .count = 1}),
              EINVAL); // a byte per vector, but no byte
    for (const Command command : {Command::device_feature, Command::dma_read, Command::dma_write,
                                  Command::region_write_multi, Command::region_get_io_fds}) {
        EXPECT_EQ(client.call(command, {}).error, ENOTSUP);
    }
    // Short payloads of every command, and the connection lives on.
    for (uint16_t command = 2; command < 20; ++command) {
        if (command != static_cast<uint16_t>(Command::device_reset)) {
            EXPECT_NE(client.call(static_cast<Command>(command), bytes_of(uint16_t{1})).error, 0)
                << command;
        }
    }
    EXPECT_EQ(client.reg(0), 0x4554494bu);
}

TEST_F(Vfio, NoReplyWritesAreNotAnswered) {
    client.version();
    const uint32_t value = 0x1234;
    EXPECT_EQ(client.write(0, hw::reg::kScratch, bytes_of(value), true), 0);
    EXPECT_EQ(client.write(0, 0x20000, bytes_of(value), true), 0); // nor is a refusal
    EXPECT_EQ(client.reg(hw::reg::kScratch), value);               // the next answer is this one's
}

TEST_F(Vfio, MessagesMayComeInPieces) {
    client.version();
    const vfio::RegionAccess access{.offset = 0, .region = 0, .count = 4};
    std::byte whole[sizeof(Header) + sizeof(access)];
    Header header = request(Command::region_read);
    header.size = sizeof(whole);
    std::memcpy(whole, &header, sizeof(header));
    std::memcpy(whole + sizeof(header), &access, sizeof(access));
    // Byte by byte, past the client's own framing.
    for (const std::byte b : whole) {
        ASSERT_EQ(::send(client.fd(), &b, 1, 0), 1);
    }
    const auto answer = client.next();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->payload.size(), sizeof(access) + 4);
}

TEST_F(Vfio, BrokenFramingEndsTheConnection) {
    for (const uint32_t size : {0u, 15u, vfio::kMaxMessage + 1, ~0u}) {
        Session fresh;
        fresh.client->version();
        Header header = request(Command::region_read);
        header.size = size;
        ASSERT_EQ(::send(fresh.client->fd(), &header, sizeof(header), 0), ssize_t{sizeof(header)});
        EXPECT_FALSE(fresh.client->next().has_value());
        EXPECT_EQ(::send(fresh.client->fd(), &header, sizeof(header), MSG_NOSIGNAL), -1);
    }
}

TEST_F(Vfio, TooManyDescriptorsEndTheConnection) {
    client.version();
    const std::vector<int> fds(17, client.fd());
    client.raw(request(Command::dma_map), bytes_of(vfio::DmaMap{.argsz = 32}), fds);
    EXPECT_FALSE(client.next().has_value());
}

TEST_F(Vfio, DescriptorsThatAreNoMemoryAreRefused) {
    client.version();
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    EXPECT_EQ(client.dma_map(0x100000, 0x1000, ends[0], 0), EINVAL);
    const int small = memfd_create("small", 0);
    ASSERT_EQ(ftruncate(small, 0x1000), 0);
    EXPECT_EQ(client.dma_map(0x100000, 0x2000, small, 0), EINVAL);
    EXPECT_EQ(client.dma_map(0x100000, 0x1000, small, 0x1000), EINVAL);
    EXPECT_EQ(client.dma_map(0x100800, 0x1000, small, 0), EINVAL);
    EXPECT_EQ(client.dma_map(0x100000, 0x1000, small, 0), 0);
    EXPECT_EQ(client.dma_map(0x100000, 0x1000, small, 0), EEXIST);
    EXPECT_EQ(client.dma_map(0xff000, 0x2000, -1, 0), EEXIST);
    EXPECT_EQ(client.dma_unmap(0x100000, 0x800), ENOENT);
    EXPECT_EQ(client.dma_unmap(0x100000, 0x1000), 0);
    close(small);
    close(ends[0]);
    close(ends[1]);
}

TEST_F(Vfio, RegisterAccessesAre32BitsWide) {
    client.version();
    uint16_t half = 0;
    ASSERT_EQ(client.read(0, 0, std::as_writable_bytes(std::span(&half, 1))), 0);
    EXPECT_EQ(half, 0xffff);
    uint64_t twice = 0;
    ASSERT_EQ(client.read(0, 0, std::as_writable_bytes(std::span(&twice, 1))), 0);
    EXPECT_EQ(twice, ~uint64_t{0});
    uint32_t skewed = 0;
    ASSERT_EQ(client.read(0, 2, std::as_writable_bytes(std::span(&skewed, 1))), 0);
    EXPECT_EQ(skewed, ~0u);
    EXPECT_EQ(client.write(0, hw::reg::kScratch, bytes_of(uint16_t{7})), 0);
    EXPECT_EQ(client.reg(hw::reg::kScratch), 0u);
}

} // namespace
} // namespace kite::dev::pci::test
