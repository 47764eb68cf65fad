// SPDX-License-Identifier: MIT
// Turns a TexKey into the LLVM IR of a texture routine. Internal to device/exec/jit/texgen.
//
// The function is `void(const Prepared*, std::byte* window, uint64_t va_mask, tex::Lanes* lanes,
// uint32_t imm)`; Prepared holds private copies of the descriptors, so that what is checked is what
// is used. Lanes work on <W x float> and <W x i32>. Texel indices are clamped into the level by
// construction, whatever the coordinates are (NaN included), and are at most 2^31 bytes from a base
// inside the window; the caller has checked that the level is no larger. One Builder makes one
// function; not thread-safe.
#pragma once

#include "device/exec/jit/pch.hpp"

#include "device/exec/jit/texgen/key.hpp"

#include <array>
#include <functional>
#include <vector>

namespace kite::dev::exec::jit::texgen {

/// See the head of this file.
class Builder {
public:
    /// Emits into `module`.
    Builder(llvm::Module& module, const TexKey& key);
    /// Emits the function called `name`.
    void run(const char* name);

private:
    using Value = llvm::Value;
    using Block = llvm::BasicBlock;
    /// Four components as <W x i32> bit patterns.
    using Color = std::array<Value*, 4>;

    /// One level of one layer, all scalar.
    struct Level {
        Value* pointer;                // host address of texel (0, 0)
        Value *width, *height;         // i32
        Value *fwidth, *fheight;       // float
        Value *inv_width, *inv_height; // float, 1 / size
        Value* row; // tiled: texels between rows of blocks; linear: bytes between rows
    };
    /// Texel positions along one axis.
    struct Axis {
        Value* low;              // index of the first texel, inside the level
        Value* high = nullptr;   // of the second (filtering)
        Value* weight = nullptr; // of the second
        Value* low_in = nullptr; // not in the border
        Value* high_in = nullptr;
    };
    /// How a level is filtered: by all lanes, none, or the lanes of a mask.
    struct Filtering {
        bool linear = false;
        Value* mask = nullptr;
    };

    // --- basics (builder.cpp)
    llvm::Type* ivec() const;
    llvm::Type* fvec() const;
    Value* splat(Value* x) { return b_.CreateVectorSplat(width_, x); }
    Value* ic(uint32_t x) const;
    Value* fc(float x) const;
    Value* as_int(Value* x) { return b_.CreateBitCast(x, ivec()); }
    Value* as_float(Value* x) { return b_.CreateBitCast(x, fvec()); }
    Value* fma(Value* a, Value* b, Value* c);
    Value* floor(Value* x);
    Value* fmin(Value* a, Value* b); // b if a is NaN
    Value* fmax(Value* a, Value* b);
    Value* umin(Value* a, Value* b);
    Value* lerp(Value* a, Value* b, Value* t);
    Value* word(Value* from, unsigned n);
    Value* image_word(unsigned n) { return word(image_, n); }
    Value* sampler_word(unsigned n) { return word(sampler_, n); }
    Value* sampler_float(unsigned n);
    Value* bits(Value* word, unsigned low, unsigned count);
    Value* row(unsigned n); // next coordinate row as ints
    Value* next_row() { return row(next_++); }
    Value* mask_bits(Value* mask); // <W x i1> -> i32
    void loop_over(Value* slices, const std::function<Color(Value*, Value*)>& body, Color& result);
    void store(const Color& color);

    // --- addresses.cpp
    Level first_level();
    Level level(Value* level, Value* layer);
    Axis axis(Value* position, const Level& level, unsigned dimension, const Filtering& how);
    Value* wrapped(Value* index, Value* size, hw::Wrap wrap);
    Value* x_part(Value* x);
    Value* y_part(Value* y, const Level& level);
    Value* y_in_block(Value* y);
    Value* gather(const Level& level, Value* x_part, Value* y_part, Value* extra, unsigned word);

    // --- texels.cpp
    bool wanted(unsigned component) const;
    uint32_t words_wanted() const;
    using Words = std::array<Value*, 4>;
    Words fetch(const Level& level, Value* x_part, Value* y_part, Value* extra);
    Value* decode(const Words& words, unsigned component);
    Value* decode_srgb(Value* code);
    Value* decode_float(Value* raw, const hw::Channel& ch);
    Value* exact_divide(Value* x, float by);
    Value* absent(unsigned component) const;
    Color swizzled(const Color& color);
    Value* component(const Words& words, Value* inside, unsigned n);
    Value* compared(Value* texel);

    // --- footprint.cpp
    using Quad = std::array<Words, 4>;
    bool has_blocks() const;
    Value* block_of(Value* x, Value* y);
    Value* first_block(Value* blocks);
    Quad footprint(const Level& level, const Axis& x, const Axis& y);
    Quad gathered(const Level& level, Value* const* xs, Value* const* ys);
    Quad permuted(const Level& level, Value* first, Value* const* xs, Value* const* ys,
                  Value* const* rows);

    // --- sample.cpp
    void tex();
    void read_tuple();
    Value* lambda();
    Value* rho(Value* const* dx, Value* const* dy);
    Value* log2(Value* x);
    Color sample_coordinates(Value* slices, Value* fraction, const Filtering& how, Value* s,
                             Value* t);
    Color sample_level(Value* level, Value* layer, const Filtering& how, Value* s, Value* t);
    Color filtered(const Level& l, const Axis& x, const Axis& y);
    bool packed_bytes() const;
    Color filtered_bytes(const Quad& texels, const Axis& x, const Axis& y);
    Value* layer_index();

    // --- fetch.cpp
    void txf();
    void txg();
    void buffer_fetch();

    const TexKey key_;
    const hw::FormatInfo& format_;
    const unsigned width_;
    llvm::Module& module_;
    llvm::LLVMContext& context_;
    llvm::IRBuilder<> b_;
    llvm::Function* function_ = nullptr;
    Value *prepared_ = nullptr, *image_ = nullptr, *sampler_ = nullptr, *window_ = nullptr,
          *va_mask_ = nullptr;
    Value *lanes_ = nullptr, *imm_ = nullptr, *exec_ = nullptr;
    unsigned next_ = 0; // next row of the coordinate tuple

    // The tuple of tex and txg.
    unsigned dims_ = 2;
    std::array<Value*, 2> coord_{}, ddx_{}, ddy_{}, offset_{};
    Value *layer_ = nullptr, *ref_ = nullptr, *bias_ = nullptr, *lod_ = nullptr,
          *min_lod_ = nullptr;
    Value* taps_ = nullptr; // anisotropic taps per lane, float
    std::array<Value*, 2> step_{};
};

} // namespace kite::dev::exec::jit::texgen
