// SPDX-License-Identifier: MIT
#include "device/pci/testing/client.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>

namespace kite::dev::pci::test {

using vfio::Command;

namespace {

void require(bool ok, const char* what) {
    if (!ok) {
        std::fprintf(stderr, "vfio-user client: %s\n", what);
        std::abort();
    }
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

} // namespace

std::optional<vfio::Message> Client::next(int timeout_ms) {
    for (;;) {
        auto message = channel_.receive();
        if (!message) {
            return std::nullopt;
        }
        if (*message) {
            return std::move(**message);
        }
        pollfd input{.fd = channel_.fd(), .events = POLLIN, .revents = 0};
        if (poll(&input, 1, timeout_ms) <= 0) {
            return std::nullopt;
        }
    }
}

void Client::raw(vfio::Header header, std::span<const std::byte> payload,
                 std::span<const int> fds) {
    (void)channel_.send(header, payload, fds);
}

Client::Answer Client::call(Command command, std::span<const std::byte> payload,
                            std::span<const int> fds) {
    const vfio::Header header{
        .id = ++id_, .command = static_cast<uint16_t>(command), .size = 0, .flags = 0, .error = 0};
    raw(header, payload, fds);
    auto answer = next();
    require(answer.has_value(), "no answer in time");
    require(answer->header.id == header.id && answer->header.command == header.command,
            "an answer to something else");
    require((answer->header.flags & vfio::kTypeMask) == vfio::kTypeReply, "not an answer");
    const bool failed = (answer->header.flags & vfio::kFlagError) != 0;
    require(!failed || (answer->payload.empty() && answer->header.error != 0),
            "an error answer with more than an errno");
    return {.error = failed ? static_cast<int>(answer->header.error) : 0,
            .payload = std::move(answer->payload),
            .fds = std::move(answer->fds)};
}

void Client::version() {
    constexpr std::string_view kText =
        R"({"capabilities":{"migration":{"pgsize":4096,"max_bitmap_size":268435456},)"
        R"("max_msg_fds":16,"max_data_xfer_size":1048576,"pgsizes":4096,"max_dma_maps":65535,)"
        R"("write_multiple":true}})";
    std::vector<std::byte> payload(sizeof(vfio::VersionHead) + kText.size() + 1);
    std::memcpy(payload.data() + sizeof(vfio::VersionHead), kText.data(), kText.size());
    const Answer answer = call(Command::version, payload);
    require(answer.error == 0, "version refused");
    require(answer.payload.size() <= payload.size(), "version answer longer than the request");
    require(answer.payload.back() == std::byte{0}, "version answer without NUL");
}

Client::Region Client::region(uint32_t index) {
    vfio::RegionInfo info{
        .argsz = sizeof(info), .flags = 0, .index = index, .cap_offset = 0, .size = 0, .offset = 0};
    Answer answer = call(Command::region_get_info, bytes_of(info));
    require(answer.error == 0 && answer.payload.size() == sizeof(info), "region info");
    std::memcpy(&info, answer.payload.data(), sizeof(info));
    Region region{.size = info.size, .mappable = 0, .fd = {}};
    if (info.argsz > sizeof(info)) {
        require(answer.fds.empty(), "capabilities that had no room");
        std::vector<std::byte> request(info.argsz);
        std::memcpy(request.data(), &info, sizeof(info));
        answer = call(Command::region_get_info, request);
        require(answer.error == 0 && answer.payload.size() == info.argsz, "region capabilities");
        std::memcpy(&info, answer.payload.data(), sizeof(info));
        vfio::SparseMmap sparse{};
        require(info.cap_offset + sizeof(sparse) <= answer.payload.size(), "sparse area");
        std::memcpy(&sparse, answer.payload.data() + info.cap_offset, sizeof(sparse));
        require(sparse.id == vfio::kCapSparseMmap && sparse.nr_areas == 1 && sparse.area == 0,
                "one sparse area from 0");
        require(answer.fds.size() == 1, "one descriptor");
        region.mappable = sparse.area_size;
        region.fd = std::move(answer.fds.front());
    }
    return region;
}

int Client::write(uint32_t region, uint64_t offset, std::span<const std::byte> data,
                  bool no_reply) {
    const vfio::RegionAccess access{
        .offset = offset, .region = region, .count = static_cast<uint32_t>(data.size())};
    std::vector<std::byte> payload(sizeof(access) + data.size());
    std::memcpy(payload.data(), &access, sizeof(access));
    std::memcpy(payload.data() + sizeof(access), data.data(), data.size());
    if (no_reply) {
        raw({.id = ++id_,
             .command = static_cast<uint16_t>(Command::region_write),
             .size = 0,
             .flags = vfio::kFlagNoReply,
             .error = 0},
            payload);
        return 0;
    }
    return call(Command::region_write, payload).error;
}

int Client::read(uint32_t region, uint64_t offset, std::span<std::byte> data) {
    const vfio::RegionAccess access{
        .offset = offset, .region = region, .count = static_cast<uint32_t>(data.size())};
    const Answer answer = call(Command::region_read, bytes_of(access));
    if (answer.error == 0) {
        require(answer.payload.size() == sizeof(access) + data.size(), "size of what was read");
        std::memcpy(data.data(), answer.payload.data() + sizeof(access), data.size());
    }
    return answer.error;
}

int Client::set_vectors(uint32_t start, std::span<const int> fds) {
    const vfio::IrqSet set{.argsz = sizeof(set),
                           .flags = vfio::kIrqDataEvent | vfio::kIrqTrigger,
                           .index = vfio::kIrqIndexMsix,
                           .start = start,
                           .count = static_cast<uint32_t>(fds.size())};
    return call(Command::set_irqs, bytes_of(set), fds).error;
}

int Client::dma_map(uint64_t address, uint64_t size, int fd, uint64_t offset, bool writable) {
    const vfio::DmaMap map{.argsz = sizeof(map),
                           .flags = vfio::kDmaReadable | (writable ? vfio::kDmaWritable : 0),
                           .offset = offset,
                           .address = address,
                           .size = size};
    return call(Command::dma_map, bytes_of(map), {&fd, fd >= 0 ? 1u : 0u}).error;
}

int Client::dma_unmap(uint64_t address, uint64_t size) {
    const vfio::DmaUnmap unmap{
        .argsz = sizeof(unmap), .flags = 0, .address = address, .size = size};
    return call(Command::dma_unmap, bytes_of(unmap)).error;
}

int Client::reset() {
    return call(Command::device_reset, {}).error;
}

uint32_t Client::reg(uint32_t offset) {
    uint32_t value = 0;
    require(read(0, offset, std::as_writable_bytes(std::span(&value, 1))) == 0, "register read");
    return value;
}

void Client::set_reg(uint32_t offset, uint32_t value) {
    require(write(0, offset, std::as_bytes(std::span(&value, 1))) == 0, "register write");
}

} // namespace kite::dev::pci::test
