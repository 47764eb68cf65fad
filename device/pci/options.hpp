// SPDX-License-Identifier: MIT
// The command line of kite-device.
//
// Plain values, parsed and judged once at start; a bad option ends the program with a message and
// CLI11's status, --help and --version with 0.
#pragma once

#include "device/pci/gpu/gpu.hpp"
#include "device/pci/viewer/vnc.hpp"

#include <string>
#include <variant>
#include <vector>

namespace kite::dev::pci {

/// What the user asked for.
struct Options {
    std::string socket;          ///< path to listen on; empty: ask a device that runs
    std::string control;         ///< path of the control socket, empty: none
    std::string screenshot;      ///< file for a picture of a device that runs, or "-"
    std::string request;         ///< other request for a device that runs
    unsigned head = 0;           ///< whose picture
    VncOptions vnc;              ///< the VNC server
    bool persist = false;        ///< serve one client after the other
    bool sandbox = true;         ///< filter system calls
    std::string user = "nobody"; ///< who to become, as root
    std::string cache_dir;       ///< compiled code, empty: none
    std::string trace;           ///< file or "-", empty: none
    GpuOptions gpu;              ///< the device
    Injector injector;           ///< faults to come
};

/// The options, or the exit status of the program.
[[nodiscard]] std::variant<Options, int> parse_options(int argc, char** argv);

} // namespace kite::dev::pci
