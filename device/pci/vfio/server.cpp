// SPDX-License-Identifier: MIT
#include "device/pci/vfio/server.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace kite::dev::pci::vfio {

using base::ErrorCode;
using base::fail;

namespace {

// Reads a structure from the start of a payload.
template <class T>
bool take(const Message& message, T& out) {
    if (message.payload.size() < sizeof(T)) {
        return false;
    }
    std::memcpy(&out, message.payload.data(), sizeof(T));
    return true;
}

template <class T>
void put(std::vector<std::byte>& out, const T& value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    out.insert(out.end(), bytes, bytes + sizeof(T));
}

// Answers of a version request, longest first: the client's buffer is as long as its request.
constexpr std::array<std::string_view, 3> kCapabilities = {
    R"({"capabilities":{"max_msg_fds":16,"max_data_xfer_size":1048576,"pgsizes":4096}})",
    R"({"capabilities":{"max_msg_fds":16}})",
    "{}",
};

bool valid_range(uint64_t start, uint64_t size) {
    return size != 0 && size - 1 <= UINT64_MAX - start;
}

} // namespace

base::Result<void> Server::handle(Message message) {
    const Header& request = message.header;
    if ((request.flags & kTypeMask) != kTypeCommand) {
        return fail(ErrorCode::corrupt, "an answer without a request");
    }
    Reply reply;
    const int error = dispatch(message, reply);
    KITE_LOG(debug, "request {} of {} bytes, {} descriptors, flags {:#x}: errno {}, {} bytes",
             request.command, request.size, message.fds.size(), request.flags, error,
             reply.data.size());
    if (!ready_) {
        return fail(ErrorCode::corrupt, "the first message is no acceptable version request");
    }
    if ((request.flags & kFlagNoReply) != 0) {
        return {};
    }
    Header answer{.id = request.id,
                  .command = request.command,
                  .size = 0,
                  .flags = kTypeReply,
                  .error = static_cast<uint32_t>(error)};
    if (error != 0) {
        answer.flags |= kFlagError;
        return channel_.send(answer, {});
    }
    return channel_.send(answer, reply.data, {&reply.fd, reply.fd >= 0 ? 1u : 0u});
}

int Server::dispatch(Message& message, Reply& reply) {
    const auto command = static_cast<Command>(message.header.command);
    if (!ready_ || command == Command::version) {
        return command == Command::version && !ready_ ? version(message, reply) : EINVAL;
    }
    switch (command) {
    case Command::dma_map:
        return dma_map(message);
    case Command::dma_unmap:
        return dma_unmap(message, reply);
    case Command::device_get_info: {
        DeviceInfo info{};
        if (!take(message, info) || info.argsz < sizeof(info)) {
            return EINVAL;
        }
        put(reply.data, DeviceInfo{.argsz = sizeof(DeviceInfo),
                                   .flags = kDeviceReset | kDevicePci,
                                   .num_regions = kRegionCount,
                                   .num_irqs = kIrqIndexCount});
        return 0;
    }
    case Command::region_get_info:
        return region_info(message, reply);
    case Command::irq_get_info:
        return irq_info(message, reply);
    case Command::set_irqs:
        return set_irqs(message);
    case Command::region_read:
        return region_read(message, reply);
    case Command::region_write:
        return region_write(message, reply);
    case Command::device_reset:
        return target_.reset();
    default:
        return ENOTSUP;
    }
}

int Server::version(const Message& message, Reply& reply) {
    VersionHead head{};
    if (!take(message, head) || head.major != kProtocolMajor) {
        return ENOTSUP;
    }
    // The client's limits do not matter here: no answer is longer than what it asked for, and it
    // never gets more than one descriptor. So its JSON is only checked for its end.
    const auto json = std::span(message.payload).subspan(sizeof(head));
    if (!json.empty() && json.back() != std::byte{0}) {
        return EINVAL;
    }
    put(reply.data, VersionHead{.major = kProtocolMajor, .minor = kProtocolMinor});
    for (const std::string_view text : kCapabilities) {
        if (text.size() + 1 <= json.size()) {
            const auto bytes = std::as_bytes(std::span(text));
            reply.data.insert(reply.data.end(), bytes.begin(), bytes.end());
            reply.data.push_back(std::byte{0});
            break;
        }
    }
    ready_ = true;
    return 0;
}

int Server::dma_map(Message& message) {
    DmaMap map{};
    if (!take(message, map) || map.argsz < sizeof(map) || message.fds.size() > 1 ||
        (map.flags & ~(kDmaReadable | kDmaWritable)) != 0 || !valid_range(map.address, map.size) ||
        !valid_range(map.offset, map.size)) {
        return EINVAL;
    }
    return target_.dma_map(map,
                           message.fds.empty() ? base::UniqueFd() : std::move(message.fds.front()));
}

int Server::dma_unmap(const Message& message, Reply& reply) {
    DmaUnmap unmap{};
    if (!take(message, unmap) || unmap.argsz < sizeof(unmap) ||
        (unmap.flags & ~kDmaUnmapAll) != 0) {
        return EINVAL;
    }
    if ((unmap.flags & kDmaUnmapAll) != 0) {
        if (unmap.address != 0 || unmap.size != 0) {
            return EINVAL;
        }
        target_.dma_unmap_all();
    } else if (!valid_range(unmap.address, unmap.size)) {
        return EINVAL;
    } else if (const int error = target_.dma_unmap(unmap.address, unmap.size); error != 0) {
        return error;
    }
    unmap.argsz = sizeof(unmap);
    put(reply.data, unmap);
    return 0;
}

int Server::region_info(const Message& message, Reply& reply) {
    RegionInfo info{};
    if (!take(message, info) || info.argsz < sizeof(info) || info.index >= kRegionCount) {
        return EINVAL;
    }
    const Region region = target_.region(info.index);
    const bool mapped = region.fd >= 0 && region.mappable != 0;
    const uint32_t room = info.argsz;
    RegionInfo out{.argsz = sizeof(RegionInfo),
                   .flags = 0,
                   .index = info.index,
                   .cap_offset = 0,
                   .size = region.size,
                   .offset = 0};
    if (region.size != 0) {
        out.flags = kRegionRead | (region.writable ? kRegionWrite : 0);
    }
    if (mapped) {
        out.flags |= kRegionMmap | kRegionCaps;
        out.argsz += static_cast<uint32_t>(sizeof(SparseMmap));
        out.cap_offset = static_cast<uint32_t>(sizeof(RegionInfo));
    }
    put(reply.data, out);
    if (mapped && room >= out.argsz) {
        put(reply.data, SparseMmap{.id = kCapSparseMmap,
                                   .version = 1,
                                   .next = 0,
                                   .nr_areas = 1,
                                   .reserved = 0,
                                   .area = 0,
                                   .area_size = region.mappable});
        reply.fd = region.fd;
    }
    return 0;
}

int Server::irq_info(const Message& message, Reply& reply) {
    IrqInfo info{};
    if (!take(message, info) || info.argsz < sizeof(info) || info.index >= kIrqIndexCount) {
        return EINVAL;
    }
    const uint32_t count = target_.irq_count(info.index);
    put(reply.data, IrqInfo{.argsz = sizeof(IrqInfo),
                            .flags = count != 0 ? kIrqEventfd : 0,
                            .index = info.index,
                            .count = count});
    return 0;
}

int Server::set_irqs(Message& message) {
    IrqSet set{};
    if (!take(message, set) || set.argsz < sizeof(set) || set.index >= kIrqIndexCount) {
        return EINVAL;
    }
    const uint32_t data = set.flags & (kIrqDataNone | kIrqDataBool | kIrqDataEvent);
    const uint32_t action = set.flags & (kIrqMask | kIrqUnmask | kIrqTrigger);
    const uint32_t vectors = target_.irq_count(set.index);
    if ((data | action) != set.flags || std::popcount(data) != 1 || std::popcount(action) != 1 ||
        set.start > vectors || set.count > vectors - set.start) {
        return EINVAL;
    }
    if (set.index != kIrqIndexMsix) {
        return set.count == 0 ? 0 : EINVAL;
    }
    if (action != kIrqTrigger) {
        return ENOTSUP; // MSI-X vectors are masked in their table
    }
    if (data == kIrqDataNone && set.count == 0) {
        for (uint32_t i = 0; i < vectors; ++i) {
            target_.set_vector(i, {});
        }
        return 0;
    }
    if (data == kIrqDataEvent) {
        if (!message.fds.empty() && message.fds.size() != set.count) {
            return EINVAL;
        }
        for (uint32_t i = 0; i < set.count; ++i) {
            target_.set_vector(set.start + i,
                               message.fds.empty() ? base::UniqueFd() : std::move(message.fds[i]));
        }
        return 0;
    }
    const auto flags = std::span(message.payload).subspan(sizeof(set));
    if (data == kIrqDataBool && flags.size() < set.count) {
        return EINVAL;
    }
    for (uint32_t i = 0; i < set.count; ++i) {
        if (data == kIrqDataNone || flags[i] != std::byte{0}) {
            target_.trigger_vector(set.start + i);
        }
    }
    return 0;
}

int Server::region_read(const Message& message, Reply& reply) {
    RegionAccess access{};
    if (!take(message, access) || access.region >= kRegionCount || access.count > kMaxData) {
        return EINVAL;
    }
    const Region region = target_.region(access.region);
    if (access.offset > region.size || access.count > region.size - access.offset) {
        return EINVAL;
    }
    put(reply.data, access);
    reply.data.resize(sizeof(access) + access.count);
    target_.read(access.region, access.offset, std::span(reply.data).subspan(sizeof(access)));
    return 0;
}

int Server::region_write(const Message& message, Reply& reply) {
    RegionAccess access{};
    if (!take(message, access) || access.region >= kRegionCount ||
        access.count != message.payload.size() - sizeof(access)) {
        return EINVAL;
    }
    const Region region = target_.region(access.region);
    if (access.offset > region.size || access.count > region.size - access.offset) {
        return EINVAL;
    }
    target_.write(access.region, access.offset, std::span(message.payload).subspan(sizeof(access)));
    put(reply.data, access);
    return 0;
}

} // namespace kite::dev::pci::vfio
