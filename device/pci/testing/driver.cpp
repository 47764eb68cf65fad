// SPDX-License-Identifier: MIT
#include "device/pci/testing/driver.hpp"

#include "base/bits.hpp"
#include "base/hash.hpp"
#include "kite_hw/assemble.hpp"
#include "kite_hw/descriptors.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <linux/pci_regs.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <thread>

namespace kite::dev::pci::test {

namespace reg = hw::reg;

namespace {

constexpr uint64_t kPage = 4096, kLarge = uint64_t{2} << 20, kHuge = uint64_t{1} << 30;

void require(bool ok, const char* what) {
    if (!ok) {
        std::fprintf(stderr, "test driver: %s\n", what);
        std::abort();
    }
}

hw::PageTableEntry entry_for(uint64_t address, bool leaf, MapFlags flags = {}) {
    return {.valid = true,
            .leaf = leaf,
            .system = flags.system,
            .read_only = flags.read_only,
            .zero = flags.zero,
            .address_low = static_cast<uint32_t>(address >> 12) & 0xfffff,
            .address_high = static_cast<uint32_t>(address >> 32)};
}

} // namespace

Driver::Driver(Client& client) : client_(client) {
    client_.version();
    const Client::Region aperture = client_.region(2);
    auto view = base::Mapping::file(aperture.fd.get(), aperture.mappable);
    require(view.has_value(), "BAR2 cannot be mapped");
    vram_ = std::move(*view);
    std::vector<int> fds;
    for (unsigned i = 0; i < 16; ++i) {
        eventfds_.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        fds.push_back(eventfds_.back().get());
    }
    require(client_.set_vectors(0, std::span(fds).first(8)) == 0, "eventfds");
    require(client_.set_vectors(8, std::span(fds).subspan(8)) == 0, "eventfds");
    client_.set_config<uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    set_up();
}

void Driver::set_up() {
    require(client_.reg(reg::kId) == reg::kIdResetValue, "id");
    require((client_.reg(reg::kStatus) & reg::kStatusReady) != 0, "not ready");
    faults_ = allocate(kFaults * hw::FaultRecord::kBytes);
    faults_read_ = 0;
    client_.set_reg(reg::kFaultBaseLo, static_cast<uint32_t>(faults_));
    client_.set_reg(reg::kFaultEntries, kFaults);
    client_.set_reg(reg::kIrqStatus, ~0u);
    client_.set_reg(reg::kIrqEnable, 0x10f);
    for (unsigned i = 0; i < kRings; ++i) {
        RingState& ring = rings_[i];
        ring = {.base = allocate(kEntries * hw::RingEntry::kBytes), .writeback = allocate(64)};
        const uint32_t block = i * reg::kRingBaseLoStride;
        client_.set_reg(reg::kRingBaseLo + block, static_cast<uint32_t>(ring.base));
        client_.set_reg(reg::kRingEntries + block, kEntries);
        client_.set_reg(reg::kRingWritebackLo + block, static_cast<uint32_t>(ring.writeback));
        client_.set_reg(reg::kRingControl + block, reg::kRingControlEnable);
        require(client_.reg(reg::kRingControl + block) == reg::kRingControlEnable,
                "a ring cannot be enabled");
    }
}

uint64_t Driver::allocate(uint64_t size, uint64_t align) {
    next_ = base::align_up(next_, align);
    const uint64_t offset = next_;
    next_ += base::align_up<uint64_t>(size, kPage);
    require(next_ <= vram_.size_bytes(), "out of VRAM");
    std::memset(at<std::byte>(offset), 0, size);
    return offset;
}

void Driver::write_entry(unsigned ring, const hw::RingEntry& entry) {
    RingState& r = rings_[ring];
    entry.pack(at<uint32_t>(r.base + uint64_t{r.tail % kEntries} * hw::RingEntry::kBytes));
    ++r.tail;
}

void Driver::doorbell(unsigned ring) {
    client_.set_reg(reg::kDoorbell + ring * reg::kDoorbellStride, rings_[ring].tail);
}

uint64_t Driver::submit(unsigned ring, hw::RingEntry entry) {
    entry.seqno = ++rings_[ring].seqno;
    write_entry(ring, entry);
    doorbell(ring);
    return entry.seqno;
}

hw::RingWriteback Driver::writeback(unsigned ring) {
    std::atomic_thread_fence(std::memory_order_acquire);
    return hw::RingWriteback::unpack(at<uint32_t>(rings_[ring].writeback));
}

bool Driver::wait(unsigned ring, uint64_t seqno, int timeout_ms) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (std::atomic_ref(*at<uint64_t>(rings_[ring].writeback)).load() < seqno) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return true;
}

void Driver::run(unsigned ring, const hw::RingEntry& entry) {
    require(wait(ring, submit(ring, entry), 60000), "an entry does not finish");
}

bool Driver::interrupt(unsigned vector, int timeout_ms) {
    pollfd input{.fd = eventfds_[vector].get(), .events = POLLIN, .revents = 0};
    if (poll(&input, 1, timeout_ms) != 1) {
        return false;
    }
    uint64_t count = 0;
    return read(eventfds_[vector].get(), &count, sizeof(count)) == sizeof(count);
}

std::optional<hw::FaultRecord> Driver::fault(int timeout_ms) {
    for (; client_.reg(reg::kFaultHead) == faults_read_; timeout_ms -= 5) {
        if (timeout_ms <= 0) {
            return std::nullopt;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    const uint64_t at_record = faults_ + uint64_t{faults_read_ % kFaults} * hw::FaultRecord::kBytes;
    const auto record = hw::FaultRecord::unpack(at<uint32_t>(at_record));
    client_.set_reg(reg::kFaultTail, ++faults_read_);
    return record;
}

std::string Driver::text(const hw::FaultRecord& record) {
    std::array<char, sizeof(record.text) + 1> bytes{};
    std::memcpy(bytes.data(), record.text.data(), sizeof(record.text));
    return bytes.data();
}

void Driver::create_context(uint32_t id) {
    directories_[id] = allocate(8192);
    code_[id] = kCode;
    run(kMmu, {.op = hw::RingOp::context_create, .context = id, .argument = directories_[id]});
}

void Driver::set_entry(uint32_t context, uint64_t va, const hw::PageTableEntry& entry) {
    const auto table_of = [&](uint64_t slot) {
        auto e = hw::PageTableEntry::unpack(at<uint32_t>(slot));
        if (!e.valid || e.leaf) {
            e = entry_for(allocate(kPage), false);
            e.pack(at<uint32_t>(slot));
        }
        return uint64_t{e.address_low} << 12 | uint64_t{e.address_high} << 32;
    };
    const uint64_t table = table_of(directories_[context] + va / kHuge * 8);
    const uint64_t leaf = table_of(table + va % kHuge / kLarge * 8);
    entry.pack(at<uint32_t>(leaf + va % kLarge / kPage * 8));
}

void Driver::map(uint32_t context, uint64_t va, uint64_t address, uint64_t size, MapFlags flags) {
    for (uint64_t done = 0; done < size; done += kPage) {
        set_entry(context, va + done, entry_for(flags.zero ? 0 : address + done, true, flags));
    }
}

void Driver::unmap(uint32_t context, uint64_t va, uint64_t size) {
    for (uint64_t done = 0; done < size; done += kPage) {
        set_entry(context, va + done, {});
    }
}

void Driver::invalidate(uint32_t context, uint64_t va, uint64_t size) {
    run(kMmu, {.op = hw::RingOp::invalidate, .context = context, .address = va, .size = size});
}

hw::BindProgramPacket Driver::load(uint32_t context, std::string_view assembly,
                                   std::array<uint32_t, 3> workgroup) {
    std::vector<uint32_t> words;
    std::string error;
    const bool assembled = hw::assemble_program(assembly, words, &error);
    require(assembled, error.c_str());
    hw::ProgramHeader header;
    header.magic = 0x3150534b;
    header.isa_version = hw::kIsaVersion;
    header.stage = hw::Stage::compute;
    header.instructions = static_cast<uint32_t>(words.size() / 4);
    header.vregs = header.sregs = 32;
    header.workgroup = workgroup;
    header.hash = base::hash64(std::as_bytes(std::span(words)));
    const uint64_t size = hw::ProgramHeader::kBytes + words.size() * 4;
    const uint64_t offset = allocate(size);
    header.pack(at<uint32_t>(offset));
    std::memcpy(at<std::byte>(offset) + hw::ProgramHeader::kBytes, words.data(), words.size() * 4);
    const uint64_t va = code_[context];
    const uint64_t mapped = base::align_up<uint64_t>(size, kPage);
    code_[context] += mapped;
    map(context, va, offset, mapped);
    invalidate(context, va, mapped);
    return {.stage = hw::Stage::compute,
            .address = va,
            .size_bytes = static_cast<uint32_t>(size),
            .hash = header.hash};
}

hw::RingEntry Driver::packets(uint32_t context, const Packets& packets) {
    const uint64_t size = packets.words.size() * 4;
    const uint64_t offset = allocate(size);
    std::memcpy(at<uint32_t>(offset), packets.words.data(), size);
    const uint64_t va = code_[context];
    const uint64_t mapped = base::align_up<uint64_t>(size, kPage);
    code_[context] += mapped;
    map(context, va, offset, mapped);
    invalidate(context, va, mapped);
    return {.op = hw::RingOp::submit,
            .interrupt = true,
            .context = context,
            .address = va,
            .size = packets.words.size()};
}

} // namespace kite::dev::pci::test
