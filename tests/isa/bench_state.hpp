// SPDX-License-Identifier: MIT
// A small world for programs to run in: a window of memory, attributes, a primitive; and its end
// state.
//
// One World is used by one thread. The window is tiny and followed by the guard that the executor's
// contract asks for. Creation aborts the test if memory can't be reserved.
#pragma once

#include "device/exec/executor.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace kite::test {

/// Everything a run changed, comparable.
struct Outcome {
    std::vector<uint32_t> memory;  ///< the window
    std::vector<uint32_t> outputs; ///< rows of active lanes, in slot order
    uint32_t live = 0;             ///< fragments: lanes still alive
    bool operator==(const Outcome&) const = default;
};

/// See the head of this file.
class World {
public:
    World();
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    /// Runs one wave (or workgroup) of the routine from the state that `seed` names.
    Outcome run(const dev::exec::Routine& routine, unsigned width, uint64_t seed);
    /// Whether loops end after their first round.
    void set_kill(bool on) { kill_ = on ? 1 : 0; }

private:
    void fill(uint64_t seed);

    std::byte* window_ = nullptr;
    dev::exec::DrawContext draw_;
    dev::exec::WorkerMemory memory_;
    std::vector<uint32_t> varyings_;
    std::atomic<uint32_t> kill_{0};
};

/// The formats of the world's vertex attributes for a seed.
dev::exec::VertexKey world_formats(uint64_t seed);

} // namespace kite::test
