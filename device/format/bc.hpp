// SPDX-License-Identifier: MIT
// Decoders of the block-compressed formats behind codec.hpp's decode_block().
//
// Written after the Khronos Data Format Specification; any 8 or 16 bytes are a valid input
// (reserved modes decode to zero as the specification says). Output: 16 texels in row-major order.
// Pure functions: thread-safe, allocate nothing, never fail.
#pragma once

#include <cstddef>

namespace kite::dev::format {

/// BC6H: rgb are the exact values of the decoded halfs, alpha is left alone.
void decode_bc6h(const std::byte* block, bool is_signed, float (*rgba)[4]);
/// BC7 without the sRGB curve; all four components are written.
void decode_bc7(const std::byte* block, float (*rgba)[4]);

} // namespace kite::dev::format
