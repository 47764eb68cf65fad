// SPDX-License-Identifier: MIT
// Fuzzes the PCIe device with what a guest may do: registers, config space, VRAM structures, ring
// entries, page tables, guest memory. With clang this is a libFuzzer target; otherwise main()
// replays the folders it is given (tests/fuzz/corpus/pci).
//
// Input: operations of one byte and their operands, executed on a device that is set up as a driver
// would (rings, fault queue, a context with every kind of page). The device lives on from input to
// input, reset in between. Packets run in the interpreter.
#include "base/log.hpp"
#include "device/pci/pci_device.hpp"
#include "tests/fuzz/replay_folders.hpp"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace kite::dev::pci;
using kite::base::UniqueFd;
namespace hw = kite::hw;
namespace reg = kite::hw::reg;

constexpr uint64_t kVramBytes = 16 << 20;
constexpr uint64_t kRings = 0x10000, kWritebacks = 0x40000, kFaults = 0x50000;
constexpr uint64_t kDirectory = 0x60000, kTable = 0x62000, kLeaf = 0x63000;
constexpr uint64_t kPages = 0x100000; // VRAM that the context sees from address 0
constexpr uint32_t kEntries = 16;
constexpr uint64_t kBus = 0x100000, kBusBytes = 0x80000;

// Takes operands from the input; zeros when it is used up.
class Input {
public:
    explicit Input(std::span<const uint8_t> bytes) : left_(bytes) {}
    [[nodiscard]] bool empty() const { return left_.empty(); }
    template <class T>
    T take() {
        T value{};
        const size_t n = std::min(sizeof(T), left_.size());
        std::memcpy(&value, left_.data(), n);
        left_ = left_.subspan(n);
        return value;
    }
    std::span<const uint8_t> bytes(size_t count) {
        const auto result = left_.first(std::min(count, left_.size()));
        left_ = left_.subspan(result.size());
        return result;
    }

private:
    std::span<const uint8_t> left_;
};

class Machine {
public:
    Machine() {
        auto made = PciDevice::create(
            {.vram_bytes = kVramBytes,
             .visible_bytes = kVramBytes,
             .executor = {.mode = kite::dev::exec::ExecutorConfig::Mode::interpreter},
             .threads = 2},
            injector_, trace_);
        auto ram = kite::base::create_memfd("fuzz-ram", kBusBytes);
        if (!made || !ram) {
            std::abort();
        }
        device_ = std::move(*made);
        ram_.reset(*ram);
    }

    void run(std::span<const uint8_t> bytes) {
        Input input(bytes);
        set_up();
        for (unsigned i = 0; i < 200 && !input.empty(); ++i) {
            step(input);
        }
        settle();
        device_->disconnect();
    }

private:
    void write_reg(uint64_t offset, uint32_t value) {
        device_->write(kBarRegisters, offset, std::as_bytes(std::span(&value, 1)));
    }
    uint32_t read_reg(uint64_t offset) {
        uint32_t value = 0;
        device_->read(kBarRegisters, offset, std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }
    template <class T>
    void poke(uint64_t offset, T value) {
        device_->gpu().vram().store(offset, value);
    }

    void set_up() {
        for (uint32_t i = 0; i < 4; ++i) {
            tails_[i] = 0;
            const uint32_t block = i * reg::kRingBaseLoStride;
            write_reg(reg::kRingBaseLo + block, static_cast<uint32_t>(kRings + i * 0x1000));
            write_reg(reg::kRingEntries + block, kEntries);
            write_reg(reg::kRingWritebackLo + block, static_cast<uint32_t>(kWritebacks + i * 64));
            write_reg(reg::kRingControl + block, reg::kRingControlEnable);
        }
        write_reg(reg::kFaultBaseLo, kFaults);
        write_reg(reg::kFaultEntries, 8);
        write_reg(reg::kIrqEnable, 0x7ff);
        const uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
        device_->write(kite::dev::pci::vfio::kRegionConfig, PCI_COMMAND,
                       std::as_bytes(std::span(&command, 1)));
        (void)map_bus(kBus, kBusBytes, 0);
        poke<uint64_t>(kDirectory, kTable | 1);
        poke<uint64_t>(kTable, kLeaf | 1);
        for (uint64_t i = 0; i < 512; ++i) {
            constexpr uint64_t kValid = 3;
            const uint64_t kinds[] = {(kPages + i * 4096) | kValid,
                                      (kBus + i % 128 * 4096) | kValid | 4, kValid | 16,
                                      (kPages + i * 4096) | kValid | 8};
            poke<uint64_t>(kLeaf + i * 8, kinds[i / 128]);
        }
        push(3, {.op = hw::RingOp::context_create, .context = 0, .argument = kDirectory});
        push(3, {.op = hw::RingOp::invalidate, .context = 0, .address = 0, .size = 2 << 20});
        settle();
    }

    int map_bus(uint64_t address, uint64_t size, uint64_t offset) {
        return device_->dma_map(
            {.argsz = 32, .flags = 3, .offset = offset, .address = address, .size = size},
            ram_.duplicate());
    }

    void push(uint32_t ring, const hw::RingEntry& entry) {
        uint32_t words[hw::RingEntry::kDwords];
        entry.pack(words);
        push(ring, std::as_bytes(std::span(words)));
    }
    void push(uint32_t ring, std::span<const std::byte> bytes) {
        const uint64_t at = kRings + ring * 0x1000 + uint64_t{tails_[ring] % kEntries} * 64;
        std::byte entry[64] = {};
        std::memcpy(entry, bytes.data(), std::min(bytes.size(), sizeof(entry)));
        for (uint64_t i = 0; i < sizeof(entry); i += 8) {
            uint64_t word = 0;
            std::memcpy(&word, entry + i, 8);
            poke(at + i, word);
        }
        write_reg(reg::kDoorbell + ring * 4, ++tails_[ring]);
    }

    // Waits a little for the rings to catch up.
    void settle() {
        for (int i = 0; i < 20; ++i) {
            bool idle = true;
            for (uint32_t ring = 0; ring < 4; ++ring) {
                const uint32_t block = ring * reg::kRingBaseLoStride;
                idle &= read_reg(reg::kRingControl + block) == 0 ||
                        read_reg(reg::kRingHead + block) == tails_[ring];
            }
            if (idle) {
                return;
            }
            std::this_thread::sleep_for(std::chrono::microseconds(20 << std::min(i, 6)));
        }
    }

    void step(Input& input) {
        const auto op = input.take<uint8_t>();
        switch (op % 12) {
        case 0:
            write_reg((input.take<uint16_t>() % 0x600) & ~3u, input.take<uint32_t>());
            break;
        case 1:
            write_reg(reg::kDoorbell + input.take<uint8_t>() % 8 * 4, input.take<uint32_t>());
            break;
        case 2: {
            const uint64_t offset = input.take<uint32_t>() % (kVramBytes - 256);
            const auto data = input.bytes(input.take<uint8_t>());
            device_->write(kBarVram, offset, std::as_bytes(data));
            break;
        }
        case 3: // an entry as it comes
            push(input.take<uint8_t>() % 4, std::as_bytes(input.bytes(48)));
            break;
        case 4: { // an entry that means something
            const uint8_t ring = input.take<uint8_t>() % 4;
            const uint8_t flags = input.take<uint8_t>();
            push(ring, {.op = static_cast<hw::RingOp>(input.take<uint8_t>() % 8),
                        .interrupt = (flags & 1) != 0,
                        .more = (flags & 2) != 0,
                        .source_system = (flags & 4) != 0,
                        .target_system = (flags & 8) != 0,
                        .context = input.take<uint8_t>() % 4u,
                        .seqno = input.take<uint8_t>(),
                        .address = input.take<uint32_t>(),
                        .size = input.take<uint32_t>() >> (flags >> 4),
                        .argument = input.take<uint32_t>()});
            break;
        }
        case 5: { // packets at the start of the context's memory
            const auto packets = input.bytes(input.take<uint8_t>() * size_t{4});
            device_->write(kBarVram, kPages, std::as_bytes(packets));
            push(op / 12 % 3, {.op = hw::RingOp::submit,
                               .context = 0,
                               .seqno = 1,
                               .address = 0,
                               .size = packets.size() / 4});
            break;
        }
        case 6:
            poke(kLeaf + input.take<uint16_t>() % 512u * 8, input.take<uint64_t>());
            push(3, {.op = hw::RingOp::invalidate, .context = 0});
            break;
        case 7: {
            const auto data = input.bytes(1 + op / 12 % 8);
            device_->write(kite::dev::pci::vfio::kRegionConfig, input.take<uint16_t>() % 4088u,
                           std::as_bytes(data));
            break;
        }
        case 8: {
            const uint64_t page = input.take<uint8_t>();
            const uint64_t pages = input.take<uint8_t>() % 128 + 1;
            if (op / 12 % 2 == 0) {
                (void)map_bus(kBus + page * 4096, pages * 4096, input.take<uint8_t>() * 4096u);
            } else if (op / 24 % 4 == 0) {
                device_->dma_unmap_all();
            } else {
                (void)device_->dma_unmap(kBus + page * 4096, pages * 4096);
            }
            break;
        }
        case 9: {
            std::byte data[16];
            const auto bytes = std::span(data).first(1 + op / 12 % 16);
            device_->read(op / 12 % 9, input.take<uint16_t>() % 4000u, bytes);
            break;
        }
        case 10: {
            const uint32_t vector = input.take<uint8_t>() % kMsixVectors;
            device_->set_vector(vector,
                                op / 12 % 2 == 0 ? UniqueFd(eventfd(0, EFD_CLOEXEC)) : UniqueFd());
            break;
        }
        default:
            settle();
            break;
        }
    }

    Injector injector_;
    Trace trace_;
    UniqueFd ram_;
    std::unique_ptr<PciDevice> device_;
    uint32_t tails_[4] = {};
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    kite::base::set_log_level(kite::base::LogLevel::none);
    static auto* const machine = new Machine; // its threads live as long as the process
    machine->run({data, size});
    return 0;
}

#ifndef KITE_LIBFUZZER
int main(int argc, char** argv) {
    return kite::fuzz::replay_folders(argc, argv, LLVMFuzzerTestOneInput);
}
#endif
