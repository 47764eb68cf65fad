// SPDX-License-Identifier: MIT
// The vfio-user protocol's words: message header, commands, payload structures, flags.
//
// As QEMU's docs/interop/vfio-user.rst has them; all values are in host byte order, as the protocol
// says. Plain data without padding, copied from and to messages with memcpy; nothing here checks
// anything (server.cpp does) and nothing can fail. Every structure is exactly what stands on the
// wire.
#pragma once

#include <cstdint>

namespace kite::dev::pci::vfio {

/// Commands of a message.
enum class Command : uint16_t {
    version = 1,
    dma_map = 2,
    dma_unmap = 3,
    device_get_info = 4,
    region_get_info = 5,
    region_get_io_fds = 6,
    irq_get_info = 7,
    set_irqs = 8,
    region_read = 9,
    region_write = 10,
    dma_read = 11,
    dma_write = 12,
    device_reset = 13,
    region_write_multi = 15,
    device_feature = 16,
};

inline constexpr uint32_t kTypeMask = 0xf;        ///< Header::flags: kind of message
inline constexpr uint32_t kTypeCommand = 0;       ///< a request
inline constexpr uint32_t kTypeReply = 1;         ///< an answer
inline constexpr uint32_t kFlagNoReply = 1u << 4; ///< the request wants no answer
inline constexpr uint32_t kFlagError = 1u << 5;   ///< the answer is Header::error

inline constexpr uint32_t kMaxData = 1u << 20;         ///< data bytes of one region access
inline constexpr uint32_t kMaxMessage = kMaxData + 64; ///< bytes of one message
inline constexpr unsigned kMaxFds = 16;                ///< descriptors of one message

inline constexpr uint32_t kRegionCount = 9;   ///< PCI: BAR0-5, ROM, config, VGA
inline constexpr uint32_t kRegionConfig = 7;  ///< config space
inline constexpr uint32_t kIrqIndexCount = 5; ///< INTx, MSI, MSI-X, error, request
inline constexpr uint32_t kIrqIndexMsix = 2;  ///< MSI-X
inline constexpr uint32_t kDeviceReset = 1u;  ///< DeviceInfo::flags: can be reset
inline constexpr uint32_t kDevicePci = 2u;    ///< DeviceInfo::flags: is a PCI device
inline constexpr uint32_t kRegionRead = 1u;   ///< RegionInfo::flags
inline constexpr uint32_t kRegionWrite = 2u;  ///< RegionInfo::flags
inline constexpr uint32_t kRegionMmap = 4u;   ///< RegionInfo::flags
inline constexpr uint32_t kRegionCaps = 8u;   ///< RegionInfo::flags: capabilities follow
inline constexpr uint16_t kCapSparseMmap = 1; ///< CapHeader::id
inline constexpr uint32_t kIrqEventfd = 1u;   ///< IrqInfo::flags
inline constexpr uint32_t kIrqDataNone = 1u;  ///< IrqSet::flags: no data
inline constexpr uint32_t kIrqDataBool = 2u;  ///< IrqSet::flags: a byte per vector
inline constexpr uint32_t kIrqDataEvent = 4u; ///< IrqSet::flags: descriptors
inline constexpr uint32_t kIrqMask = 8u;      ///< IrqSet::flags: action
inline constexpr uint32_t kIrqUnmask = 16u;   ///< IrqSet::flags: action
inline constexpr uint32_t kIrqTrigger = 32u;  ///< IrqSet::flags: action
inline constexpr uint32_t kDmaReadable = 1u;  ///< DmaMap::flags
inline constexpr uint32_t kDmaWritable = 2u;  ///< DmaMap::flags
inline constexpr uint32_t kDmaUnmapAll = 2u;  ///< DmaUnmap::flags
inline constexpr uint32_t kDmaGetBitmap = 1u; ///< DmaUnmap::flags: refused
inline constexpr uint16_t kProtocolMajor = 0; ///< VersionHead::major
inline constexpr uint16_t kProtocolMinor = 0; ///< VersionHead::minor

/// Head of every message.
struct Header {
    uint16_t id;      ///< the sender's; repeated in the answer
    uint16_t command; ///< Command
    uint32_t size;    ///< of the whole message
    uint32_t flags;   ///< type, no reply, error
    uint32_t error;   ///< errno of an error answer
};

/// Start of a version message; NUL-terminated JSON follows.
struct VersionHead {
    uint16_t major; ///< 0
    uint16_t minor; ///< 0
};

/// Makes guest memory known.
struct DmaMap {
    uint32_t argsz;   ///< size of this
    uint32_t flags;   ///< kDmaReadable, kDmaWritable
    uint64_t offset;  ///< in the file of the descriptor
    uint64_t address; ///< bus address
    uint64_t size;    ///< bytes
};

/// Takes guest memory away.
struct DmaUnmap {
    uint32_t argsz;   ///< size of this
    uint32_t flags;   ///< kDmaUnmapAll
    uint64_t address; ///< bus address
    uint64_t size;    ///< bytes
};

/// The device at large.
struct DeviceInfo {
    uint32_t argsz;       ///< size of this
    uint32_t flags;       ///< kDeviceReset, kDevicePci
    uint32_t num_regions; ///< kRegionCount
    uint32_t num_irqs;    ///< kIrqIndexCount
};

/// One region; capabilities may follow.
struct RegionInfo {
    uint32_t argsz;      ///< size with capabilities
    uint32_t flags;      ///< kRegionRead...
    uint32_t index;      ///< which
    uint32_t cap_offset; ///< of the first capability, 0 = none
    uint64_t size;       ///< bytes
    uint64_t offset;     ///< where mmap of the descriptor starts
};

/// Sparse mmap capability with one area.
struct SparseMmap {
    uint16_t id;        ///< kCapSparseMmap
    uint16_t version;   ///< 1
    uint32_t next;      ///< 0
    uint32_t nr_areas;  ///< 1
    uint32_t reserved;  ///< 0
    uint64_t area;      ///< offset in the region
    uint64_t area_size; ///< bytes
};

/// One interrupt index.
struct IrqInfo {
    uint32_t argsz; ///< size of this
    uint32_t flags; ///< kIrqEventfd...
    uint32_t index; ///< which
    uint32_t count; ///< vectors
};

/// Sets up or triggers interrupts.
struct IrqSet {
    uint32_t argsz; ///< size with data
    uint32_t flags; ///< one kIrqData*, one action
    uint32_t index; ///< which
    uint32_t start; ///< first vector
    uint32_t count; ///< vectors
};

/// A region read or write; data follows a write and the answer of a read.
struct RegionAccess {
    uint64_t offset; ///< in the region
    uint32_t region; ///< which
    uint32_t count;  ///< bytes
};

static_assert(sizeof(Header) == 16 && sizeof(VersionHead) == 4 && sizeof(DmaMap) == 32);
static_assert(sizeof(DmaUnmap) == 24 && sizeof(DeviceInfo) == 16 && sizeof(RegionInfo) == 32);
static_assert(sizeof(SparseMmap) == 32 && sizeof(IrqInfo) == 16 && sizeof(IrqSet) == 20);
static_assert(sizeof(RegionAccess) == 16);

} // namespace kite::dev::pci::vfio
