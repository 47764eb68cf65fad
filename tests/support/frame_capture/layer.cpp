// SPDX-License-Identifier: MIT
//
// VK_LAYER_KITE_frame_capture: counts presents, writes chosen frames as PNG, and sums up frame
// statistics, below any program and above any driver. It counts frames and never looks at the
// clock to choose one, so two drivers can be asked for the same frame of the same program.
//
// Environment: KITE_FRAME_CAPTURE_AT=N[,N...] present numbers, from 1; KITE_FRAME_CAPTURE_FILE=path
// (each "%" becomes the frame number); KITE_FRAME_STATS=path of a JSON file written when the device
// is destroyed: device, type, frames, seconds (first to last present), frames_per_second,
// first_present (CLOCK_MONOTONIC), peak_mib (of resident memory).
//
// All state is process-wide behind one mutex, held while capturing, which waits for the GPU anyway.
// A capture that can't be made is said on stderr; the program under test never sees our errors.
#include "readback.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>

#define KITE_LAYER_EXPORT extern "C" __attribute__((visibility("default")))

namespace kite::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kLayerName = "VK_LAYER_KITE_frame_capture";

struct Request {
    std::set<uint64_t> frames;
    std::string file;
    std::string stats_file;
};

struct InstanceState {
    VkInstance instance = VK_NULL_HANDLE;
    PFN_vkGetInstanceProcAddr next_proc = nullptr;
    PFN_vkDestroyInstance destroy = nullptr;
};

struct SwapchainState {
    VkFormat format = VK_FORMAT_UNDEFINED;
    VkExtent2D extent{};
    bool readable = false;
    std::vector<VkImage> images;
};

struct DeviceState {
    VkDevice device = VK_NULL_HANDLE;
    std::string name;
    const char* type = "";
    VkPhysicalDeviceMemoryProperties memory{};
    PFN_vkGetDeviceProcAddr next_proc = nullptr;
    PFN_vkDestroyDevice destroy = nullptr;
    PFN_vkGetDeviceQueue get_queue = nullptr;
    PFN_vkGetDeviceQueue2 get_queue2 = nullptr;
    PFN_vkCreateSwapchainKHR create_swapchain = nullptr;
    PFN_vkDestroySwapchainKHR destroy_swapchain = nullptr;
    PFN_vkGetSwapchainImagesKHR get_images = nullptr;
    PFN_vkQueuePresentKHR present = nullptr;
    ReadbackTable readback;
    std::map<VkQueue, uint32_t> families;
    std::map<VkSwapchainKHR, SwapchainState> swapchains;
    uint64_t presents = 0;
    Clock::time_point first, last;
};

std::mutex g_mutex;
std::map<void*, InstanceState> g_instances;              // by dispatch key
std::map<void*, std::unique_ptr<DeviceState>> g_devices; // by dispatch key

/// The loader's dispatch pointer, equal for a device, its queues and its command buffers.
template <typename Handle>
void* dispatch_key(Handle handle) {
    void* key = nullptr;
    std::memcpy(&key, reinterpret_cast<const void*>(handle), sizeof key);
    return key;
}

Request read_request() {
    Request request;
    const auto text = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value != nullptr ? value : "");
    };
    request.file = text("KITE_FRAME_CAPTURE_FILE");
    request.stats_file = text("KITE_FRAME_STATS");
    const std::string numbers = text("KITE_FRAME_CAPTURE_AT");
    for (const char* at = numbers.data(); at < numbers.data() + numbers.size();) {
        uint64_t number = 0;
        const auto [end, error] = std::from_chars(at, numbers.data() + numbers.size(), number);
        if (error != std::errc{}) {
            std::fprintf(stderr, "%s: KITE_FRAME_CAPTURE_AT=%s is not a list of numbers\n",
                         kLayerName, numbers.c_str());
            break;
        }
        request.frames.insert(number);
        at = end + 1;
    }
    return request;
}

const Request& request() {
    static const Request value = read_request();
    return value;
}

DeviceState* find_device(void* key) {
    const auto found = g_devices.find(key);
    return found == g_devices.end() ? nullptr : found->second.get();
}

/// Finds this layer's link in the create-info chain the loader passes down.
template <typename Link>
Link* find_link(const void* chain, VkStructureType type, VkLayerFunction f) {
    for (auto* at = static_cast<const VkBaseInStructure*>(chain); at != nullptr; at = at->pNext) {
        const auto* link = reinterpret_cast<const Link*>(at);
        if (at->sType == type && link->function == f) {
            return const_cast<Link*>(link);
        }
    }
    return nullptr;
}

const char* type_name(VkPhysicalDeviceType type) {
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return "INTEGRATED_GPU";
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return "DISCRETE_GPU";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return "VIRTUAL_GPU";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return "CPU";
    default:
        return "OTHER";
    }
}

/// The process's largest resident memory so far; getrusage() would count its parent's too.
double peak_mib() {
    std::FILE* file = std::fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;
    while (file != nullptr && std::fgets(line, sizeof line, file) != nullptr) {
        if (std::sscanf(line, "VmHWM: %ld", &kib) == 1) {
            break;
        }
    }
    if (file != nullptr) {
        std::fclose(file);
    }
    return static_cast<double>(kib) / 1024.0;
}

void write_stats(const DeviceState& device) {
    if (request().stats_file.empty() || device.presents == 0) {
        return;
    }
    std::FILE* file = std::fopen(request().stats_file.c_str(), "w");
    if (file == nullptr) {
        std::fprintf(stderr, "%s: can't write %s\n", kLayerName, request().stats_file.c_str());
        return;
    }
    std::string name;
    for (const char c : device.name) {
        if (c == '"' || c == '\\') {
            name += '\\';
        }
        name += c;
    }
    const double seconds = std::chrono::duration<double>(device.last - device.first).count();
    const double rate = seconds > 0 ? static_cast<double>(device.presents - 1) / seconds : 0.0;
    std::fprintf(
        file,
        "{\"device\": \"%s\", \"type\": \"%s\", \"frames\": %llu, \"seconds\": %.6f, "
        "\"frames_per_second\": %.2f, \"first_present\": %.6f, \"peak_mib\": %.1f}\n",
        name.c_str(), device.type, static_cast<unsigned long long>(device.presents), seconds, rate,
        std::chrono::duration<double>(device.first.time_since_epoch()).count(), peak_mib());
    std::fclose(file);
}

void load_device(DeviceState& state) {
    const auto load = [&](auto& slot, const char* name) {
        slot = reinterpret_cast<std::remove_reference_t<decltype(slot)>>(
            state.next_proc(state.device, name));
    };
    load(state.destroy, "vkDestroyDevice");
    load(state.get_queue, "vkGetDeviceQueue");
    load(state.get_queue2, "vkGetDeviceQueue2");
    load(state.create_swapchain, "vkCreateSwapchainKHR");
    load(state.destroy_swapchain, "vkDestroySwapchainKHR");
    load(state.get_images, "vkGetSwapchainImagesKHR");
    load(state.present, "vkQueuePresentKHR");
    ReadbackTable& vk = state.readback;
    load(vk.QueueSubmit, "vkQueueSubmit");
    load(vk.CreateCommandPool, "vkCreateCommandPool");
    load(vk.DestroyCommandPool, "vkDestroyCommandPool");
    load(vk.AllocateCommandBuffers, "vkAllocateCommandBuffers");
    load(vk.BeginCommandBuffer, "vkBeginCommandBuffer");
    load(vk.EndCommandBuffer, "vkEndCommandBuffer");
    load(vk.CmdPipelineBarrier, "vkCmdPipelineBarrier");
    load(vk.CmdCopyImageToBuffer, "vkCmdCopyImageToBuffer");
    load(vk.CreateBuffer, "vkCreateBuffer");
    load(vk.DestroyBuffer, "vkDestroyBuffer");
    load(vk.GetBufferMemoryRequirements, "vkGetBufferMemoryRequirements");
    load(vk.AllocateMemory, "vkAllocateMemory");
    load(vk.FreeMemory, "vkFreeMemory");
    load(vk.BindBufferMemory, "vkBindBufferMemory");
    load(vk.MapMemory, "vkMapMemory");
    load(vk.CreateFence, "vkCreateFence");
    load(vk.DestroyFence, "vkDestroyFence");
    load(vk.WaitForFences, "vkWaitForFences");
}

VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo* info,
                                               const VkAllocationCallbacks* allocator,
                                               VkInstance* instance) {
    auto* link = find_link<VkLayerInstanceCreateInfo>(
        info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO, VK_LAYER_LINK_INFO);
    if (link == nullptr) {
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    const auto next_proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const auto create =
        reinterpret_cast<PFN_vkCreateInstance>(next_proc(nullptr, "vkCreateInstance"));
    const VkResult result = create(info, allocator, instance);
    if (result == VK_SUCCESS) {
        const std::scoped_lock lock(g_mutex);
        g_instances[dispatch_key(*instance)] = {
            *instance, next_proc,
            reinterpret_cast<PFN_vkDestroyInstance>(next_proc(*instance, "vkDestroyInstance"))};
    }
    return result;
}

VKAPI_ATTR void VKAPI_CALL destroy_instance(VkInstance instance,
                                            const VkAllocationCallbacks* allocator) {
    if (instance == VK_NULL_HANDLE) {
        return;
    }
    PFN_vkDestroyInstance next = nullptr;
    {
        const std::scoped_lock lock(g_mutex);
        const auto found = g_instances.find(dispatch_key(instance));
        next = found->second.destroy;
        g_instances.erase(found);
    }
    next(instance, allocator);
}

VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                             const VkDeviceCreateInfo* info,
                                             const VkAllocationCallbacks* allocator,
                                             VkDevice* device) {
    constexpr auto kType = VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO;
    auto* link = find_link<VkLayerDeviceCreateInfo>(info->pNext, kType, VK_LAYER_LINK_INFO);
    auto* data = find_link<VkLayerDeviceCreateInfo>(info->pNext, kType, VK_LOADER_DATA_CALLBACK);
    if (link == nullptr || data == nullptr) {
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    const auto instance_proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    const auto device_proc = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    VkInstance instance = VK_NULL_HANDLE;
    {
        const std::scoped_lock lock(g_mutex);
        instance = g_instances.at(dispatch_key(physical)).instance;
    }
    const auto create =
        reinterpret_cast<PFN_vkCreateDevice>(instance_proc(instance, "vkCreateDevice"));
    const VkResult result = create(physical, info, allocator, device);
    if (result != VK_SUCCESS) {
        return result;
    }
    auto state = std::make_unique<DeviceState>();
    state->device = *device;
    state->next_proc = device_proc;
    load_device(*state);
    state->readback.SetDeviceLoaderData = data->u.pfnSetDeviceLoaderData;
    VkPhysicalDeviceProperties properties{};
    reinterpret_cast<PFN_vkGetPhysicalDeviceProperties>(
        instance_proc(instance, "vkGetPhysicalDeviceProperties"))(physical, &properties);
    reinterpret_cast<PFN_vkGetPhysicalDeviceMemoryProperties>(
        instance_proc(instance, "vkGetPhysicalDeviceMemoryProperties"))(physical, &state->memory);
    state->name = properties.deviceName;
    state->type = type_name(properties.deviceType);
    const std::scoped_lock lock(g_mutex);
    g_devices[dispatch_key(*device)] = std::move(state);
    return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL destroy_device(VkDevice device, const VkAllocationCallbacks* allocator) {
    if (device == VK_NULL_HANDLE) {
        return;
    }
    std::unique_ptr<DeviceState> state;
    {
        const std::scoped_lock lock(g_mutex);
        const auto found = g_devices.find(dispatch_key(device));
        state = std::move(found->second);
        g_devices.erase(found);
    }
    write_stats(*state);
    state->destroy(device, allocator);
}

VKAPI_ATTR void VKAPI_CALL get_device_queue(VkDevice device, uint32_t family, uint32_t index,
                                            VkQueue* queue) {
    const std::scoped_lock lock(g_mutex);
    DeviceState& state = *find_device(dispatch_key(device));
    state.get_queue(device, family, index, queue);
    state.families[*queue] = family;
}

VKAPI_ATTR void VKAPI_CALL get_device_queue2(VkDevice device, const VkDeviceQueueInfo2* info,
                                             VkQueue* queue) {
    const std::scoped_lock lock(g_mutex);
    DeviceState& state = *find_device(dispatch_key(device));
    state.get_queue2(device, info, queue);
    state.families[*queue] = info->queueFamilyIndex;
}

VKAPI_ATTR VkResult VKAPI_CALL create_swapchain(VkDevice device,
                                                const VkSwapchainCreateInfoKHR* info,
                                                const VkAllocationCallbacks* allocator,
                                                VkSwapchainKHR* swapchain) {
    const std::scoped_lock lock(g_mutex);
    DeviceState& state = *find_device(dispatch_key(device));
    VkSwapchainCreateInfoKHR changed = *info;
    const bool readable = !request().frames.empty() && can_read(info->imageFormat);
    if (readable) {
        changed.imageUsage |= VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
    }
    const VkResult result = state.create_swapchain(device, &changed, allocator, swapchain);
    if (result != VK_SUCCESS) {
        return result;
    }
    SwapchainState entry{info->imageFormat, info->imageExtent, readable, {}};
    uint32_t count = 0;
    state.get_images(device, *swapchain, &count, nullptr);
    entry.images.resize(count);
    state.get_images(device, *swapchain, &count, entry.images.data());
    state.swapchains[*swapchain] = std::move(entry);
    return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL destroy_swapchain(VkDevice device, VkSwapchainKHR swapchain,
                                             const VkAllocationCallbacks* allocator) {
    const std::scoped_lock lock(g_mutex);
    DeviceState& state = *find_device(dispatch_key(device));
    state.swapchains.erase(swapchain);
    state.destroy_swapchain(device, swapchain, allocator);
}

/// Writes the image of `info`'s first swapchain; returns true when the wait semaphores are used up.
bool capture(DeviceState& state, VkQueue queue, const VkPresentInfoKHR& info, uint64_t frame) {
    const auto chain = state.swapchains.find(info.pSwapchains[0]);
    if (chain == state.swapchains.end() || !chain->second.readable) {
        std::fprintf(stderr, "%s: frame %llu has no readable image\n", kLayerName,
                     static_cast<unsigned long long>(frame));
        return false;
    }
    const SwapchainState& swapchain = chain->second;
    const ReadbackSource source{.device = state.device,
                                .queue = queue,
                                .queue_family = state.families[queue],
                                .image = swapchain.images.at(info.pImageIndices[0]),
                                .format = swapchain.format,
                                .extent = swapchain.extent,
                                .wait_for = {info.pWaitSemaphores, info.waitSemaphoreCount},
                                .memory = &state.memory};
    bool submitted = false;
    std::string error;
    const Picture picture = read_image(state.readback, source, submitted, error);
    std::string path;
    for (const char c : request().file) {
        path += c == '%' ? std::to_string(frame) : std::string(1, c);
    }
    if (!picture.rgb.empty() && !write_png(picture, path)) {
        error = "can't write " + path;
    }
    if (!error.empty()) {
        std::fprintf(stderr, "%s: frame %llu: %s\n", kLayerName,
                     static_cast<unsigned long long>(frame), error.c_str());
    }
    return submitted;
}

VKAPI_ATTR VkResult VKAPI_CALL queue_present(VkQueue queue, const VkPresentInfoKHR* info) {
    PFN_vkQueuePresentKHR next = nullptr;
    VkPresentInfoKHR changed = *info;
    {
        const std::scoped_lock lock(g_mutex);
        DeviceState& state = *find_device(dispatch_key(queue));
        state.last = Clock::now();
        if (state.presents++ == 0) {
            state.first = state.last;
        }
        if (request().frames.contains(state.presents) &&
            capture(state, queue, *info, state.presents)) {
            changed.waitSemaphoreCount = 0;
            changed.pWaitSemaphores = nullptr;
        }
        next = state.present;
    }
    return next(queue, &changed);
}

PFN_vkVoidFunction own_function(std::string_view name) {
    const auto as_void = [](auto f) { return reinterpret_cast<PFN_vkVoidFunction>(f); };
    if (name == "vkCreateInstance") {
        return as_void(create_instance);
    }
    if (name == "vkDestroyInstance") {
        return as_void(destroy_instance);
    }
    if (name == "vkCreateDevice") {
        return as_void(create_device);
    }
    if (name == "vkDestroyDevice") {
        return as_void(destroy_device);
    }
    if (name == "vkGetDeviceQueue") {
        return as_void(get_device_queue);
    }
    if (name == "vkGetDeviceQueue2") {
        return as_void(get_device_queue2);
    }
    if (name == "vkCreateSwapchainKHR") {
        return as_void(create_swapchain);
    }
    if (name == "vkDestroySwapchainKHR") {
        return as_void(destroy_swapchain);
    }
    if (name == "vkQueuePresentKHR") {
        return as_void(queue_present);
    }
    return nullptr;
}

} // namespace

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL layer_device_proc(VkDevice device, const char* name) {
    if (std::string_view(name) == "vkGetDeviceProcAddr") {
        return reinterpret_cast<PFN_vkVoidFunction>(layer_device_proc);
    }
    PFN_vkGetDeviceProcAddr next = nullptr;
    {
        const std::scoped_lock lock(g_mutex);
        const DeviceState* state = find_device(dispatch_key(device));
        if (state == nullptr) {
            return nullptr;
        }
        next = state->next_proc;
    }
    // An entry point the driver does not have must stay absent with the layer in between.
    const PFN_vkVoidFunction below = next(device, name);
    const PFN_vkVoidFunction own = below != nullptr ? own_function(name) : nullptr;
    return own != nullptr ? own : below;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL layer_instance_proc(VkInstance instance,
                                                             const char* name) {
    const std::string_view wanted(name);
    if (wanted == "vkGetInstanceProcAddr") {
        return reinterpret_cast<PFN_vkVoidFunction>(layer_instance_proc);
    }
    if (wanted == "vkGetDeviceProcAddr") {
        return reinterpret_cast<PFN_vkVoidFunction>(layer_device_proc);
    }
    if (const PFN_vkVoidFunction own = own_function(wanted); own != nullptr) {
        return own;
    }
    if (instance == VK_NULL_HANDLE) {
        return nullptr;
    }
    PFN_vkGetInstanceProcAddr next = nullptr;
    {
        const std::scoped_lock lock(g_mutex);
        const auto found = g_instances.find(dispatch_key(instance));
        if (found == g_instances.end()) {
            return nullptr;
        }
        next = found->second.next_proc;
    }
    return next(instance, name);
}

} // namespace kite::test

/// The loader's way in: interface version 2, so nothing else needs exporting.
KITE_LAYER_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface* negotiation) {
    if (negotiation == nullptr || negotiation->loaderLayerInterfaceVersion < 2) {
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    negotiation->loaderLayerInterfaceVersion = 2;
    negotiation->pfnGetInstanceProcAddr = kite::test::layer_instance_proc;
    negotiation->pfnGetDeviceProcAddr = kite::test::layer_device_proc;
    negotiation->pfnGetPhysicalDeviceProcAddr = nullptr;
    return VK_SUCCESS;
}
