// SPDX-License-Identifier: MIT
#include "tests/isa/generator.hpp"

#include "kite_hw/verify.hpp"

namespace kite::test {

namespace {

using hw::Inst;
using hw::Op;
using hw::Operand;
using hw::Slot;
using hw::SysVal;
using hw::Type;

constexpr unsigned kVregs = 14;
constexpr unsigned kSregs = 14;
// Registers statements never write: the data buffer, its limit, store offsets, loop counters.
constexpr unsigned kBaseS = 14; // s14:15
constexpr unsigned kLimitS = 16;
constexpr unsigned kLoopS = 17;   // s17..s24, one per open loop
constexpr unsigned kOffsetV = 14; // v14: lane offset into the data, far enough apart for any store
constexpr unsigned kWaveS = 25;   // lean programs: the first lane's offset
constexpr unsigned kTempV = 15;   // v15..v18
constexpr unsigned kTempS = 26;   // s26..s29
constexpr unsigned kAllVregs = 24;
constexpr unsigned kAllSregs = 30;
constexpr uint32_t kScratchBytes = 96;
constexpr uint32_t kSharedBytes = 512;
constexpr uint32_t kLaneBytes = 128; // data bytes each lane stores to

constexpr uint32_t kHostile[] = {
    0,          1,          2,          0xffffffff, 0x80000000, 0x7fffffff, 0x3f800000,
    0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x00000001, 0x80000001, 0x007fffff,
    0x7f7fffff, 0x4f000000, 0xcf000000, 0x5f800000, 0x477fe000, 0x33800000, 31,
    32,         33,         0x7c00,     0x3c00,     0xffff,     0x8000,     0x10000,
    0x3f000000, 0x40490fdb, 0x7ff00000, 0x3ff00000, 0xc1e00000, 0x41dfffff, 0x43e00000};

bool produces_float(const Inst& inst) {
    switch (inst.op) {
    case Op::fadd:
    case Op::fsub:
    case Op::fmul:
    case Op::ffma:
    case Op::fdiv:
    case Op::fsqrt:
    case Op::ffloor:
    case Op::fceil:
    case Op::ftrunc:
    case Op::frne:
        return true;
    case Op::cvt:
    case Op::reduce:
    case Op::scan:
    case Op::atom:
        return hw::is_float(inst.ty);
    default:
        return false;
    }
}

} // namespace

uint32_t Generator::literal() {
    switch (below(4)) {
    case 0:
        return below(64);
    case 1:
        return static_cast<uint32_t>(random_());
    default:
        return kHostile[below(std::size(kHostile))];
    }
}

Operand Generator::vreg(unsigned words) {
    return Operand::v(below(kVregs - words + 1));
}
Operand Generator::sreg(unsigned words) {
    return Operand::s(below(kSregs - words + 1));
}

Operand Generator::source(unsigned words, bool vector, Inst& inst, bool literal_allowed) {
    const uint32_t kind = below(10);
    if (literal_allowed && kind == 0) {
        inst.imm = literal();
        return Operand::literal();
    }
    return vector && kind < 8 ? vreg(words) : sreg(words);
}

void Generator::masked(Inst& inst) {
    inst.m = inst.dst.file == hw::File::V && chance(40);
}

// dst = isnan(dst) ? one NaN : dst, in every lane that dst has.
void Generator::canonicalise(Operand dst, Type ty) {
    const bool scalar = dst.file == hw::File::S;
    const Operand flag = scalar ? Operand::s(kTempS) : Operand::v(kTempV);
    Inst test{.op = Op::fcmp,
              .ty = ty,
              .sub = hw::FcmpSub{hw::FCmp::uno}.pack(),
              .dst = flag,
              .src0 = dst,
              .src1 = dst};
    emit(test);
    if (ty == Type::f64) {
        // Two words: select the literal per word.
        for (unsigned k = 0; k < 2; ++k) {
            const Operand part = scalar ? Operand::s(dst.index + k) : Operand::v(dst.index + k);
            emit({.op = Op::sel,
                  .dst = part,
                  .src0 = flag,
                  .src1 = Operand::literal(),
                  .src2 = part,
                  .imm = k == 1 ? 0x7ff80000u : 0u});
        }
        return;
    }
    emit({.op = Op::sel,
          .dst = dst,
          .src0 = flag,
          .src1 = Operand::literal(),
          .src2 = dst,
          .imm = ty == Type::f16 ? 0x7e00u : 0x7fc00000u});
}

void Generator::alu() {
    const auto ops = hw::all_ops();
    const hw::OpInfo* info = nullptr;
    do {
        info = &ops[below(static_cast<uint32_t>(ops.size()))];
    } while (info->group != std::string_view("alu") || info->op == Op::cvt);
    Inst inst;
    inst.op = info->op;
    do {
        inst.ty = static_cast<Type>(below(12));
    } while (!info->allows(inst.ty));
    if (inst.op == Op::fcmp) {
        inst.sub = hw::FcmpSub{static_cast<hw::FCmp>(1 + below(14))}.pack();
    } else if (inst.op == Op::icmp) {
        inst.sub = hw::IcmpSub{static_cast<hw::ICmp>(below(6))}.pack();
    }
    const bool vector = chance(80);
    inst.dst = vector ? vreg(2) : sreg(2);
    bool literal_used = false;
    for (unsigned i = 0; i < info->src_count; ++i) {
        Operand o = source(2, vector, inst, !literal_used);
        literal_used |= o.file == hw::File::L;
        inst.src(i) = o;
    }
    masked(inst);
    emit(inst);
    if (produces_float(inst)) {
        canonicalise(inst.dst, inst.ty);
    }
}

void Generator::convert() {
    constexpr Type kTypes[] = {Type::f16, Type::f32, Type::f64, Type::i8,  Type::i16, Type::i32,
                               Type::i64, Type::u8,  Type::u16, Type::u32, Type::u64};
    Inst inst;
    inst.op = Op::cvt;
    inst.ty = kTypes[below(11)];
    hw::CvtSub sub;
    sub.sty = kTypes[below(11)];
    sub.rnd = static_cast<hw::Round>(below(4));
    inst.sub = sub.pack();
    const bool vector = chance(80);
    inst.dst = vector ? vreg(2) : sreg(2);
    inst.src0 = source(2, vector, inst, true);
    masked(inst);
    emit(inst);
    if (produces_float(inst)) {
        canonicalise(inst.dst, inst.ty);
    }
}

void Generator::reduce() {
    constexpr Type kTypes[] = {Type::f16, Type::f32, Type::f64, Type::i16, Type::u16,
                               Type::i32, Type::u32, Type::i64, Type::u64};
    Inst inst;
    inst.op = chance(50) ? Op::reduce : Op::scan;
    inst.ty = kTypes[below(9)];
    constexpr hw::ReduceOp kOps[] = {hw::ReduceOp::add, hw::ReduceOp::mul,  hw::ReduceOp::min,
                                     hw::ReduceOp::max, hw::ReduceOp::and_, hw::ReduceOp::or_,
                                     hw::ReduceOp::xor_};
    const auto rop = kOps[below(7)];
    inst.sub = inst.op == Op::reduce ? hw::ReduceSub{rop, below(6)}.pack()
                                     : hw::ScanSub{rop, chance(50)}.pack();
    inst.dst = vreg(2);
    inst.src0 = vreg(2);
    masked(inst);
    emit(inst);
    if (hw::is_float(inst.ty)) {
        canonicalise(inst.dst, inst.ty);
    }
}

void Generator::lane() {
    constexpr Op kOps[] = {Op::qread,  Op::shuffle, Op::readlane, Op::readfirst,
                           Op::ballot, Op::all,     Op::any,      Op::insertlane};
    Inst inst;
    inst.op = kOps[below(8)];
    switch (inst.op) {
    case Op::qread:
        inst.sub = hw::QreadSub{below(4), below(4), below(4), below(4)}.pack();
        inst.dst = vreg(1);
        inst.src0 = vreg(1);
        masked(inst);
        break;
    case Op::shuffle:
        inst.dst = vreg(1);
        inst.src0 = vreg(1);
        inst.src1 = source(1, true, inst, true);
        masked(inst);
        break;
    case Op::readlane:
        inst.dst = sreg(1);
        inst.src0 = vreg(1);
        inst.src1 = source(1, false, inst, true);
        break;
    case Op::insertlane:
        inst.dst = vreg(1);
        inst.src0 = vreg(1);
        inst.src1 = source(1, false, inst, true);
        inst.src2 = sreg(1);
        masked(inst);
        break;
    case Op::readfirst:
        inst.dst = sreg(1);
        inst.src0 = vreg(1);
        break;
    default:
        inst.dst = sreg(1);
        inst.src0 = source(1, true, inst, true);
        break;
    }
    emit(inst);
}

void Generator::load() {
    constexpr Type kTypes[] = {Type::u8, Type::i8, Type::u16, Type::i16, Type::u32, Type::u64};
    Inst inst;
    inst.op = Op::ld;
    inst.ty = kTypes[below(6)];
    hw::LdSub sub;
    sub.n = below(4);
    sub.vol = chance(10);
    const bool shared = config_.waves_share && chance(30);
    sub.space = shared ? hw::Space::shared : hw::Space::global;
    inst.imm = chance(30) ? below(kDataBytes + 16) : below(64);
    const unsigned words = (sub.n + 1) * (inst.ty == Type::u64 ? 2 : 1);
    const uint32_t kind = below(4);
    const auto offset = [&](bool vector) {
        if (chance(25)) {
            return vector && chance(70) ? vreg(1) : sreg(1); // wild
        }
        const Operand tame = vector ? Operand::v(kTempV) : Operand::s(kTempS);
        emit({.op = Op::and_,
              .ty = Type::u32,
              .dst = tame,
              .src0 = vector ? vreg(1) : sreg(1),
              .src1 = Operand::literal(),
              .imm = kDataBytes / 2 - 1});
        return tame;
    };
    bool scalar = false;
    switch (kind) {
    case 0:
        scalar = true;
        inst.src1 = chance(30) ? Operand::none() : offset(false);
        break;
    case 1:
        sub.mode = hw::AddrMode::consecutive;
        inst.src1 = chance(30) ? Operand::none() : offset(false);
        break;
    default:
        inst.src1 = chance(15) ? Operand::none() : offset(true);
        break;
    }
    inst.dst = scalar ? sreg(words) : vreg(words);
    if (!shared) {
        inst.src0 = Operand::s(kBaseS);
        const uint32_t limit = below(10);
        // Without a limit addresses wrap at the window's size, which the tests keep small.
        inst.src2 = limit < 7 ? Operand::s(kLimitS)
                    : limit < 9 || scalar || sub.mode == hw::AddrMode::consecutive
                        ? Operand::none()
                        : Operand::v(kTempV + 1);
        if (inst.src2.file == hw::File::V) {
            emit({.op = Op::and_,
                  .ty = Type::u32,
                  .dst = inst.src2,
                  .src0 = vreg(1),
                  .src1 = Operand::literal(),
                  .imm = kDataBytes - 1});
        }
        if (!scalar && sub.mode == hw::AddrMode::lane && chance(20)) { // per-lane bases
            const Operand base = Operand::v(kTempV + 2);
            emit({.op = Op::mov, .ty = Type::u64, .dst = base, .src0 = Operand::s(kBaseS)});
            emit({.op = Op::and_,
                  .ty = Type::u32,
                  .dst = Operand::v(kTempV + 4),
                  .src0 = vreg(1),
                  .src1 = Operand::literal(),
                  .imm = 255});
            emit({.op = Op::iadd,
                  .ty = Type::u32,
                  .dst = base,
                  .src0 = base,
                  .src1 = Operand::v(kTempV + 4)});
            inst.src0 = base;
        }
    }
    inst.sub = sub.pack();
    masked(inst);
    emit(inst);
}

// Waves run in turn up to their next barrier in both executors, so they may even race.
void Generator::store() {
    constexpr Type kTypes[] = {Type::u8, Type::u16, Type::u32, Type::u64};
    Inst inst;
    inst.op = Op::st;
    inst.ty = kTypes[below(4)];
    hw::StSub sub;
    sub.n = below(4);
    sub.vol = chance(10);
    const unsigned words = (sub.n + 1) * (inst.ty == Type::u64 ? 2 : 1);
    inst.dst = chance(80) ? vreg(words) : sreg(words);
    inst.src0 = Operand::s(kBaseS);
    inst.src1 = Operand::v(kOffsetV);
    inst.imm = below(kLaneBytes - 32);
    inst.src2 = Operand::s(kLimitS);
    if (chance(10) && inst.ty != Type::u64) { // anywhere; 64-bit ones would overlap word by word
        inst.src1 = Operand::v(kTempV);
        emit({.op = Op::and_,
              .ty = Type::u32,
              .dst = inst.src1,
              .src0 = vreg(1),
              .src1 = Operand::literal(),
              .imm = kDataBytes - 1});
    } else if (chance(25)) {
        if (chance(50) && inst.dst.file == hw::File::V) {
            sub.mode = hw::AddrMode::consecutive;
            inst.src1 = Operand::s(kTempS);
            emit({.op = Op::and_,
                  .ty = Type::u32,
                  .dst = inst.src1,
                  .src0 = sreg(1),
                  .src1 = Operand::literal(),
                  .imm = kDataBytes - 1});
        } else {
            inst.src1 = chance(50) ? Operand::none() : Operand::s(kTempS);
            if (inst.src1.is_reg()) {
                emit({.op = Op::and_,
                      .ty = Type::u32,
                      .dst = inst.src1,
                      .src0 = sreg(1),
                      .src1 = Operand::literal(),
                      .imm = kDataBytes - 1});
            }
        }
    }
    if (config_.waves_share && chance(40)) {
        sub.space = hw::Space::shared;
        inst.src0 = Operand::none();
        inst.src2 = Operand::none();
        if (inst.src1.file == hw::File::V) {
            emit({.op = Op::and_,
                  .ty = Type::u32,
                  .dst = Operand::v(kTempV),
                  .src0 = inst.src1,
                  .src1 = Operand::literal(),
                  .imm = 0x1f8});
            inst.src1 = Operand::v(kTempV);
            inst.imm &= 63;
        }
    }
    inst.sub = sub.pack();
    emit(inst);
}

void Generator::atomic() {
    Inst inst;
    inst.op = Op::atom;
    const bool is_float = chance(30);
    constexpr Type kFloats[] = {Type::f16, Type::f32, Type::f64};
    inst.ty = is_float ? kFloats[below(3)] : chance(60) ? Type::u32 : Type::u64;
    // Float sums would bring NaN payloads into memory.
    const auto op = is_float ? (chance(50) ? hw::AtomicOp::fmin : hw::AtomicOp::fmax)
                             : static_cast<hw::AtomicOp>(below(10));
    inst.sub = hw::AtomSub{op, hw::Space::global}.pack();
    inst.dst = chance(70) ? vreg(2) : Operand::none();
    inst.src0 = Operand::s(kBaseS);
    inst.src1 = Operand::v(kOffsetV);
    if (chance(50)) {
        inst.src1 = Operand::v(kTempV);
        emit({.op = Op::and_,
              .ty = Type::u32,
              .dst = inst.src1,
              .src0 = vreg(1),
              .src1 = Operand::literal(),
              .imm = 63});
    }
    inst.src2 = Operand::s(kLimitS);
    inst.src3 = chance(80) ? vreg(2) : sreg(2);
    if (op == hw::AtomicOp::cmpxchg) {
        inst.src4 = chance(80) ? vreg(2) : sreg(2);
    }
    inst.m = inst.dst.is_reg() && chance(40);
    emit(inst);
}

void Generator::scratch() {
    const bool is_store = chance(50);
    constexpr Type kLoads[] = {Type::u8, Type::i8, Type::u16, Type::i16, Type::u32, Type::u64};
    constexpr Type kStores[] = {Type::u8, Type::u16, Type::u32, Type::u64};
    Inst inst;
    inst.op = is_store ? Op::st : Op::ld;
    inst.ty = is_store ? kStores[below(4)] : kLoads[below(6)];
    hw::LdSub sub;
    sub.n = below(3);
    sub.space = hw::Space::scratch;
    inst.sub = sub.pack();
    const unsigned words = (sub.n + 1) * (inst.ty == Type::u64 ? 2 : 1);
    inst.dst = vreg(words);
    const Operand tame = Operand::v(kTempV);
    emit({.op = Op::and_,
          .ty = Type::u32,
          .dst = tame,
          .src0 = chance(70) ? vreg(1) : sreg(1),
          .src1 = Operand::literal(),
          .imm = chance(60) ? 0x3cu : 0x7fu});
    const uint32_t kind = below(10);
    inst.src1 = kind == 0 ? vreg(1) : kind < 4 ? Operand::none() : kind < 5 ? sreg(1) : tame;
    inst.imm = chance(70) ? 4 * below(8) : below(40);
    if (!is_store) {
        masked(inst);
    }
    emit(inst);
}

void Generator::io() {
    Inst inst;
    if (config_.stage == hw::Stage::vertex && chance(60)) {
        inst.op = Op::ldattr;
        constexpr Type kTypes[] = {Type::f32, Type::f32, Type::u32, Type::i32, Type::f64};
        inst.ty = kTypes[below(5)];
        hw::LdattrSub sub;
        sub.comp = below(4);
        sub.n = below(4 - sub.comp);
        inst.sub = sub.pack();
        inst.imm = below(kTestInputs);
        inst.dst = vreg((sub.n + 1) * (inst.ty == Type::f64 ? 2 : 1));
        masked(inst);
        emit(inst);
        for (unsigned k = 0; k <= sub.n && hw::is_float(inst.ty); ++k) {
            canonicalise(Operand::v(inst.dst.index + k * (inst.ty == Type::f64 ? 2 : 1)), inst.ty);
        }
        return;
    }
    if (config_.stage == hw::Stage::fragment && chance(60)) {
        inst.op = Op::ldin;
        hw::LdinSub sub;
        sub.n = below(4);
        sub.interp = static_cast<hw::Interp>(below(3));
        sub.loc = static_cast<hw::InterpLoc>(below(5));
        inst.sub = sub.pack();
        inst.imm = below(kTestInputs * 4 - sub.n);
        inst.dst = vreg(sub.n + 1);
        if (sub.loc == hw::InterpLoc::offset || sub.loc == hw::InterpLoc::sample_index) {
            inst.src0 = chance(70) ? vreg(1) : sreg(1);
            if (sub.loc == hw::InterpLoc::offset) {
                inst.src1 = chance(70) ? vreg(1) : sreg(1);
            }
        }
        masked(inst);
        emit(inst);
        for (unsigned k = 0; k <= sub.n && sub.interp != hw::Interp::flat; ++k) {
            canonicalise(Operand::v(inst.dst.index + k), Type::f32);
        }
        return;
    }
    inst.op = Op::sys;
    const hw::SysValInfo* info = nullptr;
    const auto all = hw::all_sysvals();
    do {
        info = &all[below(static_cast<uint32_t>(all.size()))];
    } while (((info->stages >> static_cast<unsigned>(config_.stage)) & 1u) == 0 ||
             info->value == SysVal::clock);
    inst.imm = static_cast<uint32_t>(info->value) | (below(info->indices) << 16);
    inst.dst = info->uniform && chance(50) ? sreg(2) : vreg(2);
    masked(inst);
    emit(inst);
}

// A boolean that is neither always true nor always false, most of the time.
Operand Generator::boolean(bool scalar) {
    const Operand x = scalar ? Operand::s(kTempS + 1) : Operand::v(kTempV + 3);
    emit({.op = Op::and_,
          .ty = Type::u32,
          .dst = x,
          .src0 = scalar ? sreg(1) : vreg(1),
          .src1 = Operand::literal(),
          .imm = 1u << below(8)});
    return x;
}

void Generator::condition() {
    const bool scalar = chance(30);
    emit({.op = Op::if_, .src0 = boolean(scalar)});
    open_.push_back(Op::if_);
    statements(1 + below(3));
    if (chance(50)) {
        emit({.op = Op::else_});
        statements(1 + below(3));
    }
    emit({.op = Op::end});
    open_.pop_back();
}

// Loops count a scalar down, so that they end.
void Generator::loop() {
    if (loops_ >= 3) {
        return;
    }
    const Operand counter = Operand::s(kLoopS + loops_);
    emit({.op = Op::mov, .dst = counter, .src0 = Operand::literal(), .imm = 1 + below(5)});
    const bool wrapped = chance(60);
    if (wrapped) {
        emit({.op = Op::block});
        open_.push_back(Op::block);
    }
    emit({.op = Op::loop});
    open_.push_back(Op::loop);
    ++loops_;
    emit({.op = Op::isub,
          .ty = Type::u32,
          .dst = counter,
          .src0 = counter,
          .src1 = Operand::literal(),
          .imm = 1});
    statements(1 + below(4));
    --loops_;
    const Operand flag = Operand::s(kTempS + 2);
    emit({.op = Op::icmp,
          .ty = Type::i32,
          .sub = hw::IcmpSub{hw::ICmp::gt}.pack(),
          .dst = flag,
          .src0 = counter,
          .src1 = Operand::literal(),
          .imm = 0});
    if (chance(50)) { // some lanes only
        const Operand some = Operand::v(kTempV + 3);
        emit({.op = Op::and_, .ty = Type::u32, .dst = some, .src0 = vreg(1), .src1 = flag});
        emit({.op = Op::br, .src0 = some});
    } else {
        emit({.op = Op::br, .src0 = flag});
    }
    emit({.op = Op::end});
    open_.pop_back();
    if (wrapped) {
        statements(below(2));
        emit({.op = Op::end});
        open_.pop_back();
    }
}

void Generator::blocks() {
    emit({.op = Op::block});
    open_.push_back(Op::block);
    statements(1 + below(4));
    emit({.op = Op::end});
    open_.pop_back();
}

// Out of some constructs, rarely out of the program; never back to a loop's start, which could run
// for ever.
void Generator::branch_out() {
    const auto depth = static_cast<unsigned>(open_.size());
    if (depth == 0) {
        return;
    }
    const unsigned d = chance(5) ? depth : below(depth);
    if (d < depth && open_[depth - 1 - d] == Op::loop) {
        return;
    }
    Inst inst{.op = Op::br, .sub = hw::BrSub{d}.pack()};
    if (!chance(15)) {
        inst.src0 = boolean(chance(30));
    }
    emit(inst);
}

void Generator::statement() {
    const uint32_t kind = below(100);
    if (kind < 40) {
        alu();
    } else if (kind < 48) {
        convert();
    } else if (kind < 54) {
        lane();
    } else if (kind < 58) {
        reduce();
    } else if (kind < 66) {
        load();
    } else if (kind < 71) {
        store();
    } else if (kind < 74) {
        atomic();
    } else if (kind < 78) {
        scratch();
    } else if (kind < 83) {
        io();
    } else if (open_.size() > 5) {
        alu();
    } else if (kind < 89) {
        condition();
    } else if (kind < 92) {
        loop();
    } else if (kind < 95) {
        blocks();
    } else if (kind < 97) {
        branch_out();
    } else if (config_.stage == hw::Stage::fragment) {
        emit({.op = Op::demote, .src0 = boolean(false)});
    } else if (config_.waves_share && (open_.empty() || chance(30))) {
        emit({.op = Op::barrier});
    } else {
        emit({.op = Op::fence});
    }
}

void Generator::statements(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        statement();
    }
}

// Registers start with data, lane numbers and hostile values.
void Generator::prologue() {
    emit({.op = Op::sys, .dst = Operand::s(kBaseS), .imm = static_cast<uint32_t>(SysVal::push_va)});
    emit(
        {.op = Op::mov, .dst = Operand::s(kLimitS), .src0 = Operand::literal(), .imm = kDataBytes});
    const auto lane = config_.stage == hw::Stage::compute ? SysVal::local_index : SysVal::lane_id;
    emit({.op = Op::sys, .dst = Operand::v(0), .imm = static_cast<uint32_t>(lane)});
    emit({.op = Op::imul,
          .ty = Type::u32,
          .dst = Operand::v(kOffsetV),
          .src0 = Operand::v(0),
          .src1 = Operand::literal(),
          .imm = kLaneBytes});
    if (config_.lean) {
        emit({.op = Op::readfirst, .dst = Operand::s(kWaveS), .src0 = Operand::v(kOffsetV)});
    }
    for (unsigned i = 1; i < kVregs; ++i) {
        if (chance(60)) {
            hw::LdSub sub;
            sub.mode = config_.lean ? hw::AddrMode::consecutive : hw::AddrMode::lane;
            emit({.op = Op::ld,
                  .ty = Type::u32,
                  .sub = sub.pack(),
                  .dst = Operand::v(i),
                  .src0 = Operand::s(kBaseS),
                  .src1 = config_.lean ? Operand::s(kWaveS) : Operand::v(kOffsetV),
                  .src2 = config_.lean ? Operand{} : Operand::s(kLimitS),
                  .imm = 4 * i});
        } else {
            emit({.op = Op::mov,
                  .dst = Operand::v(i),
                  .src0 = Operand::literal(),
                  .imm = literal()});
        }
    }
    for (unsigned i = 0; i < kSregs; ++i) {
        emit({.op = Op::mov, .dst = Operand::s(i), .src0 = Operand::literal(), .imm = literal()});
    }
}

// All registers in a few stores of the whole wave.
void Generator::lean_stores() {
    for (unsigned i = 0; i < kVregs; ++i) {
        hw::StSub sub;
        sub.mode = hw::AddrMode::consecutive;
        emit({.op = Op::st,
              .ty = Type::u32,
              .sub = sub.pack(),
              .dst = Operand::v(i),
              .src0 = Operand::s(kBaseS),
              .src1 = Operand::s(kWaveS),
              .imm = 64 * i});
    }
    for (unsigned i = 0; i < kSregs; i += 2) {
        hw::StSub sub;
        sub.n = 1; // two registers
        emit({.op = Op::st,
              .ty = Type::u32,
              .sub = sub.pack(),
              .dst = Operand::s(i),
              .src0 = Operand::s(kBaseS),
              .src1 = Operand::s(kWaveS),
              .imm = 64 * kVregs + 4 * i});
    }
}

// Everything that can be seen goes to memory, or to the outputs of the stage.
void Generator::epilogue() {
    if (config_.stage == hw::Stage::compute && config_.lean) {
        lean_stores();
        return;
    }
    if (config_.stage == hw::Stage::compute) {
        for (unsigned i = 0; i < kVregs; ++i) {
            hw::StSub sub;
            emit({.op = Op::st,
                  .ty = Type::u32,
                  .sub = sub.pack(),
                  .dst = Operand::v(i),
                  .src0 = Operand::s(kBaseS),
                  .src1 = Operand::v(kOffsetV),
                  .src2 = Operand::s(kLimitS),
                  .imm = 4 * i});
            emit({.op = Op::st,
                  .ty = Type::u32,
                  .sub = sub.pack(),
                  .dst = Operand::s(i),
                  .src0 = Operand::s(kBaseS),
                  .src1 = Operand::v(kOffsetV),
                  .src2 = Operand::s(kLimitS),
                  .imm = 64 + 4 * i});
        }
        return;
    }
    for (unsigned i = 0; i < kVregs - 2; i += 4) {
        emit({.op = Op::stout, .sub = hw::StoutSub{3}.pack(), .dst = Operand::v(i), .imm = i});
        emit({.op = Op::stout, .sub = hw::StoutSub{1}.pack(), .dst = Operand::s(i), .imm = 16 + i});
    }
    if (chance(50)) { // outputs that only some lanes write
        emit({.op = Op::if_, .src0 = boolean(false)});
        emit({.op = Op::stout, .sub = hw::StoutSub{0}.pack(), .dst = vreg(1), .imm = 36});
        emit({.op = Op::end});
    }
}

std::vector<uint32_t> Generator::program(const GeneratorConfig& config) {
    config_ = config;
    code_.clear();
    open_.clear();
    loops_ = 0;
    prologue();
    statements(config.size);
    epilogue();
    emit({.op = Op::exit});
    hw::ProgramHeader header;
    header.magic = 0x3150534b;
    header.isa_version = hw::kIsaVersion;
    header.stage = config.stage;
    header.instructions = static_cast<uint32_t>(code_.size());
    header.vregs = kAllVregs;
    header.sregs = kAllSregs;
    header.scratch_bytes = kScratchBytes;
    if (config.stage == hw::Stage::compute) {
        header.shared_bytes = config.waves_share ? kSharedBytes : 0;
        header.workgroup = {config.waves_share ? 19u : 7u, 1, 1};
    }
    std::vector<uint32_t> words(hw::ProgramHeader::kDwords);
    header.pack(words.data());
    for (const Inst& inst : code_) {
        const auto w = inst.encode();
        words.insert(words.end(), w.begin(), w.end());
    }
    return words;
}

} // namespace kite::test
