// SPDX-License-Identifier: MIT
// The capture file: what is in it, byte by byte.
//
// A file is a FileHead, then records: a RecordHead and `bytes` of payload. All numbers are little
// endian; structures lie as declared, without padding. Memory is kept as pages of kPageBytes of
// memory objects (VRAM, imported buffers), each distinct content once, compressed with zstd, in a
// chunk record; chunks are numbered in file order. A file is one device's submissions in execution
// order:
//   object*  mapping*  chunk*  submission  result  chunk*  submission  result ...
// Checksums are xxHash (XXH3, 64 bits) with the record's type as seed. A file that ends inside a
// record is the recording of a process that died; everything before that record counts.
// Plain data, no ownership; writer and reader are recorder.cpp and capture.cpp.
#pragma once

#include <cstdint>

namespace kite::dev::trace {

/// "KITECAP1".
inline constexpr uint64_t kFileMagic = 0x315041434554494b;
/// Changes with any change of this header.
inline constexpr uint32_t kFileVersion = 1;
/// Unit in which memory is compared and kept.
inline constexpr uint32_t kPageBytes = 16384;
/// Chunk number that stands for zeros.
inline constexpr uint32_t kZeroChunk = 0xffffffff;

/// Start of the file.
struct FileHead {
    uint64_t magic;       ///< kFileMagic
    uint32_t version;     ///< kFileVersion
    uint32_t page_bytes;  ///< kPageBytes
    uint32_t isa_version; ///< hw::kIsaVersion
    uint32_t wave_size;   ///< lanes of the recorded device
    uint32_t va_bits;     ///< address bits of the recorded device
    uint32_t reserved;    ///< 0
    uint64_t checksum;    ///< of the bytes before it
};

/// What a record holds.
enum class RecordType : uint32_t {
    object = 1,     ///< ObjectRecord: a memory object appears
    chunk = 2,      ///< ChunkRecord, then a zstd frame
    mapping = 3,    ///< MappingRecord: an address space changes
    submission = 4, ///< SubmissionRecord, then BufferEntry[], then WriteEntry[]
    result = 5,     ///< ResultRecord, then ChangeEntry[]: how the submission before it ended
};

/// Start of a record.
struct RecordHead {
    uint32_t type;     ///< RecordType
    uint32_t reserved; ///< 0
    uint64_t bytes;    ///< of the payload
    uint64_t checksum; ///< of the payload
};

/// A memory object: zeros until written. Numbered from 0 in file order.
struct ObjectRecord {
    uint64_t bytes; ///< size
};

/// The content of one page.
struct ChunkRecord {
    uint32_t bytes;    ///< uncompressed, at most kPageBytes
    uint32_t reserved; ///< 0
};

/// [va, va + bytes) of a space shows an object, or nothing.
struct MappingRecord {
    uint32_t space;     ///< address space, numbered by the recorder
    uint32_t mapped;    ///< 1: shows the object; 0: becomes a hole
    uint64_t va;        ///< first GPU address
    uint64_t bytes;     ///< length
    uint64_t offset;    ///< in the object
    uint32_t object;    ///< object number
    uint32_t read_only; ///< 1: GPU writes vanish
};

/// Packets that a queue executed, and the memory that changed since the submission before.
struct SubmissionRecord {
    uint32_t space;    ///< address space
    uint32_t buffers;  ///< BufferEntry count
    uint32_t writes;   ///< WriteEntry count
    uint32_t reserved; ///< 0
};

/// One indirect buffer.
struct BufferEntry {
    uint64_t va;       ///< first packet
    uint32_t dwords;   ///< length
    uint32_t reserved; ///< 0
};

/// A page has this content when the submission starts.
struct WriteEntry {
    uint32_t object; ///< object number
    uint32_t chunk;  ///< chunk number or kZeroChunk
    uint64_t page;   ///< offset in the object / kPageBytes
};

/// How a submission ended.
struct ResultRecord {
    uint32_t status;  ///< dev::Status
    uint32_t changes; ///< ChangeEntry count
};

/// A page differs from what it was when the submission started.
struct ChangeEntry {
    uint32_t object;   ///< object number
    uint32_t reserved; ///< 0
    uint64_t page;     ///< offset in the object / kPageBytes
    uint64_t hash;     ///< low half of page_hash() of its new content
};

} // namespace kite::dev::trace
