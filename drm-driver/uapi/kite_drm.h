/* SPDX-License-Identifier: MIT */
/*
 * Userspace interface of kite.ko, the kernel driver of the Kite eGPU.
 */
#ifndef _UAPI_KITE_DRM_H_
#define _UAPI_KITE_DRM_H_

#include "drm.h"

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * DOC: Rules of evolution
 *
 * - Only additions. A structure grows at its end; userspace states the size it knows (the DRM core
 *   zero-fills what is missing), arrays of structures carry a stride. A new meaning of zero is not
 *   allowed.
 * - Unknown flags, unknown enumerators and non-zero padding are refused with EINVAL.
 * - Every addition raises the minor version of the driver; userspace reads it with
 *   DRM_IOCTL_VERSION before it uses the addition. The major version stays 1.
 * - Pointers are __u64. Sizes, offsets and addresses are bytes. Addresses called va are GPU virtual
 *   addresses. Timeouts are absolute CLOCK_MONOTONIC nanoseconds.
 * - Every ioctl can be restarted after EINTR; on any other error nothing has changed, except where
 *   the ioctl says otherwise.
 *
 * DOC: Model
 *
 * A file owns address spaces (VM), buffers (BO, GEM handles) and queues. A buffer has no address;
 * VM_BIND shows a range of it at a va. A queue belongs to a VM and executes ranges of packets
 * (kite hardware description, packets) in order. Synchronisation is explicit: syncobjs, binary and
 * timeline, waited for and signalled by QUEUE_SUBMIT and asynchronous VM_BIND, waited for by the
 * CPU with the core syncobj ioctls. There is no implicit synchronisation.
 *
 * The first fault of a VM (page fault, bad packet, hang) bans it: its work ends, its fences signal
 * with an error, QUEUE_SUBMIT and VM_BIND on it give ECANCELED, VM_GET_STATE tells why. Other VMs
 * go on. When the device is gone (unplugged) every ioctl gives ENODEV; fences signal with ENODEV,
 * CPU mappings stay readable and writable without effect.
 *
 * DOC: Errors common to all ioctls
 *
 * EINVAL: bad flag, padding, size, alignment or enumerator. ENOENT: no such object in this file.
 * EFAULT: bad pointer. ENOMEM: out of system memory. ENOSPC: out of VRAM. EDQUOT: a quota is
 * exhausted. ECANCELED: the VM is banned. ENODEV: the device is gone. EIO: the device is dead and
 * could not be reset.
 */

/** enum drm_kite_ioctl_id - numbers of the ioctls, relative to DRM_COMMAND_BASE */
enum drm_kite_ioctl_id {
	/** @DRM_KITE_DEV_QUERY: facts about the device */
	DRM_KITE_DEV_QUERY = 0,
	/** @DRM_KITE_GET_TIME: device clock and CLOCK_MONOTONIC, taken together */
	DRM_KITE_GET_TIME,
	/** @DRM_KITE_VM_CREATE: make an address space */
	DRM_KITE_VM_CREATE,
	/** @DRM_KITE_VM_DESTROY: drop an address space */
	DRM_KITE_VM_DESTROY,
	/** @DRM_KITE_VM_BIND: change mappings of an address space */
	DRM_KITE_VM_BIND,
	/** @DRM_KITE_VM_GET_STATE: usable, or banned and why */
	DRM_KITE_VM_GET_STATE,
	/** @DRM_KITE_BO_CREATE: make a buffer */
	DRM_KITE_BO_CREATE,
	/** @DRM_KITE_BO_MMAP_OFFSET: where mmap() finds a buffer */
	DRM_KITE_BO_MMAP_OFFSET,
	/** @DRM_KITE_BO_INFO: read facts of a buffer, or name it */
	DRM_KITE_BO_INFO,
	/** @DRM_KITE_BO_MADVISE: whether the contents may be dropped under pressure */
	DRM_KITE_BO_MADVISE,
	/** @DRM_KITE_QUEUE_CREATE: make an in-order queue */
	DRM_KITE_QUEUE_CREATE,
	/** @DRM_KITE_QUEUE_DESTROY: drop a queue and cancel its work */
	DRM_KITE_QUEUE_DESTROY,
	/** @DRM_KITE_QUEUE_SUBMIT: run packets */
	DRM_KITE_QUEUE_SUBMIT,
	/** @DRM_KITE_QUEUE_GET_STATE: healthy, guilty, innocent, lost */
	DRM_KITE_QUEUE_GET_STATE,
	/** @DRM_KITE_ACCOUNT: what somebody uses and may use; since 1.1 */
	DRM_KITE_ACCOUNT,
	/** @DRM_KITE_DMA_RIGHTS: check, grant or revoke rights; since 1.1 */
	DRM_KITE_DMA_RIGHTS,
};

/** struct drm_kite_obj_array - an array of structures in user memory */
struct drm_kite_obj_array {
	/** @stride: bytes from one element to the next, at least the first version's size */
	__u32 stride;
	/** @count: elements */
	__u32 count;
	/** @array: address of the first element */
	__u64 array;
};

/** enum drm_kite_sync_flags - flags of &struct drm_kite_sync */
enum drm_kite_sync_flags {
	/** @DRM_KITE_SYNC_TIMELINE: handle is a timeline syncobj, value its point */
	DRM_KITE_SYNC_TIMELINE = 1 << 0,
	/** @DRM_KITE_SYNC_SIGNAL: signal when done; without it wait before starting */
	DRM_KITE_SYNC_SIGNAL = 1 << 1,
};

/**
 * struct drm_kite_sync - one wait or signal
 *
 * A wait on a syncobj (or point) without a fence gives EINVAL: wait for it with
 * DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT and WAIT_AVAILABLE first.
 */
struct drm_kite_sync {
	/** @flags: &enum drm_kite_sync_flags */
	__u32 flags;
	/** @handle: syncobj */
	__u32 handle;
	/** @value: timeline point > 0; 0 for binary syncobjs */
	__u64 value;
};

/** enum drm_kite_dev_query_type - blocks of DEV_QUERY */
enum drm_kite_dev_query_type {
	/** @DRM_KITE_DEV_QUERY_GPU: &struct drm_kite_gpu_info */
	DRM_KITE_DEV_QUERY_GPU = 0,
	/** @DRM_KITE_DEV_QUERY_MEMORY: &struct drm_kite_memory_info */
	DRM_KITE_DEV_QUERY_MEMORY,
	/** @DRM_KITE_DEV_QUERY_LINK: &struct drm_kite_link_info */
	DRM_KITE_DEV_QUERY_LINK,
	/** @DRM_KITE_DEV_QUERY_TELEMETRY: &struct drm_kite_telemetry; since 1.2 */
	DRM_KITE_DEV_QUERY_TELEMETRY,
};

/** struct drm_kite_gpu_info - what the GPU is; never changes while the file is open */
struct drm_kite_gpu_info {
	/** @abi_major: interface version of the hardware */
	__u16 abi_major;
	/** @abi_minor: interface version of the hardware */
	__u16 abi_minor;
	/** @wave_size: lanes, 8 or 16 */
	__u32 wave_size;
	/** @va_start: lowest va that VM_BIND takes */
	__u64 va_start;
	/** @va_end: one past the highest va that VM_BIND takes */
	__u64 va_end;
	/** @page_size: alignment of VM_BIND and buffers, bytes */
	__u32 page_size;
	/** @ring_mask: bit per &enum drm_kite_queue_class that exists */
	__u32 ring_mask;
	/** @max_ibs: most elements of drm_kite_queue_submit.ibs */
	__u32 max_ibs;
	/** @max_binds: most elements of drm_kite_vm_bind.ops */
	__u32 max_binds;
	/** @max_syncs: most syncs of one ioctl */
	__u32 max_syncs;
	/** @job_timeout_ms: a submission that runs longer is killed and its VM banned */
	__u32 job_timeout_ms;
	/** @vendor_id: PCI vendor */
	__u16 vendor_id;
	/** @device_id: PCI device */
	__u16 device_id;
	/** @pad: 0 */
	__u32 pad;
	/** @code_uuid: changes with the device's build and host; part of pipeline cache keys */
	__u8 code_uuid[16];
	/** @description: text about the executor, NUL-terminated */
	char description[128];
};

/** struct drm_kite_memory_info - memory as it is now */
struct drm_kite_memory_info {
	/** @vram_size: bytes of VRAM for buffers */
	__u64 vram_size;
	/** @vram_visible_size: bytes of it that the CPU can map */
	__u64 vram_visible_size;
	/** @vram_used: bytes in use by everybody */
	__u64 vram_used;
	/** @vram_visible_used: bytes of the CPU-visible part in use by everybody */
	__u64 vram_visible_used;
	/** @vram_client: bytes of VRAM held by this file's buffers */
	__u64 vram_client;
	/** @system_client: bytes of system memory held by this file's buffers */
	__u64 system_client;
	/**
	 * @system_size: bytes of system memory that buffers may use; all buffers of the device
	 * together are at most this and @vram_size
	 */
	__u64 system_size;
	/** @vram_quota_left: bytes that quotas leave this file, ~0 without a quota; since 1.1 */
	__u64 vram_quota_left;
	/** @system_quota_left: bytes that quotas leave this file, ~0 without a quota; since 1.1 */
	__u64 system_quota_left;
};

/** enum drm_kite_link_flags - flags of &struct drm_kite_link_info; since 1.2 */
enum drm_kite_link_flags {
	/** @DRM_KITE_LINK_TUNNEL: PCIe is tunnelled through another protocol, as by Thunderbolt */
	DRM_KITE_LINK_TUNNEL = 1 << 0,
	/**
	 * @DRM_KITE_LINK_DMA_LOCKED: the device may not reach system memory: buffers are kept in VRAM,
	 * whatever they were made for, and imports are refused (EACCES)
	 */
	DRM_KITE_LINK_DMA_LOCKED = 1 << 1,
};

/**
 * enum drm_kite_dma_reason - why DMA is allowed or locked; since 1.2
 *
 * This driver has no policy that could lock it: it tells %DRM_KITE_DMA_ALWAYS.
 */
enum drm_kite_dma_reason {
	/** @DRM_KITE_DMA_ALWAYS: allowed: the policy is `always` */
	DRM_KITE_DMA_ALWAYS = 0,
	/** @DRM_KITE_DMA_TRANSLATED: allowed: the IOMMU translates for this device */
	DRM_KITE_DMA_TRANSLATED,
	/** @DRM_KITE_DMA_INTERNAL: allowed: the firmware does not say that the port faces outside */
	DRM_KITE_DMA_INTERNAL,
	/** @DRM_KITE_DMA_EXTERNAL: locked: the port faces outside and no IOMMU translates */
	DRM_KITE_DMA_EXTERNAL,
	/** @DRM_KITE_DMA_MANUAL: the administrator's decision, locked until there is one */
	DRM_KITE_DMA_MANUAL,
};

/** struct drm_kite_link_info - the cable as it is now */
struct drm_kite_link_info {
	/** @speed_mts: megatransfers per second and lane */
	__u32 speed_mts;
	/** @width: lanes */
	__u32 width;
	/** @removable: 1 if the device hangs on a hot-plug port */
	__u32 removable;
	/** @pci_domain: PCI address */
	__u32 pci_domain;
	/** @pci_bus: PCI address */
	__u32 pci_bus;
	/** @pci_device: PCI address */
	__u32 pci_device;
	/** @pci_function: PCI address */
	__u32 pci_function;
	/** @pad: 0 */
	__u32 pad;
	/** @flags: &enum drm_kite_link_flags; since 1.2 */
	__u32 flags;
	/** @dma_reason: &enum drm_kite_dma_reason; since 1.2 */
	__u32 dma_reason;
	/** @max_speed_mts: the most that the device's end offers; since 1.2 */
	__u32 max_speed_mts;
	/** @max_width: the most that the device's end offers; since 1.2 */
	__u32 max_width;
	/** @path_mbps: megabits per second that all links up to the root carry; since 1.2 */
	__u32 path_mbps;
	/** @cap_mbps: megabits per second that copies get each way, 0 = no cap known; since 1.2 */
	__u32 cap_mbps;
	/** @latency_ns: what the cable adds to a read; since 1.2 */
	__u32 latency_ns;
	/** @pad2: 0 */
	__u32 pad2;
};

/** enum drm_kite_telemetry_flags - flags of &struct drm_kite_telemetry */
enum drm_kite_telemetry_flags {
	/** @DRM_KITE_TELEMETRY_SENSORS: there are sensors, and they could be read */
	DRM_KITE_TELEMETRY_SENSORS = 1 << 0,
	/** @DRM_KITE_TELEMETRY_LINK: the link counts, and could be read */
	DRM_KITE_TELEMETRY_LINK = 1 << 1,
	/** @DRM_KITE_TELEMETRY_ASLEEP: the device sleeps; nobody wakes it only to look */
	DRM_KITE_TELEMETRY_ASLEEP = 1 << 2,
	/** @DRM_KITE_TELEMETRY_THROTTLED: slowed down now for its heat */
	DRM_KITE_TELEMETRY_THROTTLED = 1 << 3,
};

/** struct drm_kite_telemetry - the device's sensors and counters; what could not be read is 0 */
struct drm_kite_telemetry {
	/** @flags: &enum drm_kite_telemetry_flags */
	__u32 flags;
	/** @temperature_mc: thousandths of a degree Celsius */
	__u32 temperature_mc;
	/** @temperature_limit_mc: where throttling begins */
	__u32 temperature_limit_mc;
	/** @temperature_critical_mc: where it is strongest */
	__u32 temperature_critical_mc;
	/** @power_uw: microwatts, averaged over half a second */
	__u32 power_uw;
	/** @fan_rpm: revolutions per minute */
	__u32 fan_rpm;
	/** @speed_percent: of full speed */
	__u32 speed_percent;
	/** @throttle_count: how often throttling began */
	__u32 throttle_count;
	/** @throttle_ns: how long it was throttled */
	__u64 throttle_ns;
	/** @energy_uj: microjoules drawn */
	__u64 energy_uj;
	/** @link_in: bytes copied from system memory to the device */
	__u64 link_in;
	/** @link_out: bytes copied from the device to system memory */
	__u64 link_out;
	/** @link_busy_ns: time that these copies needed at the link's bandwidth, both ways together */
	__u64 link_busy_ns;
	/** @engine_busy_ns: of the rings since the device was reset, by &enum drm_kite_queue_class; [3]: page tables */
	__u64 engine_busy_ns[4];
};

/** struct drm_kite_dev_query - DRM_IOCTL_KITE_DEV_QUERY */
struct drm_kite_dev_query {
	/** @type: &enum drm_kite_dev_query_type */
	__u32 type;
	/**
	 * @size: in: bytes at @pointer; out: bytes the kernel knows. The smaller number is
	 * copied. With @pointer 0 only the size is told.
	 */
	__u32 size;
	/** @pointer: where to write the block */
	__u64 pointer;
};

/** struct drm_kite_get_time - DRM_IOCTL_KITE_GET_TIME, all out */
struct drm_kite_get_time {
	/** @flags: in: 0 */
	__u32 flags;
	/** @pad: 0 */
	__u32 pad;
	/** @device_ns: device clock (the one of timestamp queries), ns */
	__u64 device_ns;
	/** @cpu_ns: CLOCK_MONOTONIC at the middle of the read, ns */
	__u64 cpu_ns;
	/** @deviation_ns: most that the two are apart in time */
	__u64 deviation_ns;
};

/** struct drm_kite_vm_create - DRM_IOCTL_KITE_VM_CREATE */
struct drm_kite_vm_create {
	/** @flags: 0 */
	__u32 flags;
	/** @id: out: names the VM in this file, never 0 */
	__u32 id;
};

/** struct drm_kite_vm_destroy - DRM_IOCTL_KITE_VM_DESTROY; queues of the VM keep it until they end */
struct drm_kite_vm_destroy {
	/** @id: VM */
	__u32 id;
	/** @pad: 0 */
	__u32 pad;
};

/** enum drm_kite_vm_bind_op_type - what one operation does */
enum drm_kite_vm_bind_op_type {
	/** @DRM_KITE_VM_BIND_MAP: show a buffer; replaces what was there */
	DRM_KITE_VM_BIND_MAP = 0,
	/** @DRM_KITE_VM_BIND_UNMAP: remove whatever is mapped in the range; may be nothing */
	DRM_KITE_VM_BIND_UNMAP,
	/** @DRM_KITE_VM_BIND_UNMAP_BO: remove all mappings of bo_handle; va, range and offset are 0 */
	DRM_KITE_VM_BIND_UNMAP_BO,
	/** @DRM_KITE_VM_BIND_SPARSE: reads give zero, writes vanish; bo_handle and offset are 0 */
	DRM_KITE_VM_BIND_SPARSE,
};

/** enum drm_kite_vm_bind_op_flags - flags of an operation */
enum drm_kite_vm_bind_op_flags {
	/** @DRM_KITE_VM_BIND_READONLY: MAP: GPU writes fault */
	DRM_KITE_VM_BIND_READONLY = 1 << 0,
};

/** struct drm_kite_vm_bind_op - one operation of VM_BIND */
struct drm_kite_vm_bind_op {
	/** @op: &enum drm_kite_vm_bind_op_type */
	__u32 op;
	/** @flags: &enum drm_kite_vm_bind_op_flags */
	__u32 flags;
	/** @bo_handle: GEM handle, or 0 */
	__u32 bo_handle;
	/** @pad: 0 */
	__u32 pad;
	/** @bo_offset: first byte of the buffer, page-aligned */
	__u64 bo_offset;
	/** @va: first address, page-aligned */
	__u64 va;
	/** @range: bytes, page-aligned, > 0 */
	__u64 range;
};

/** enum drm_kite_vm_bind_flags - flags of VM_BIND */
enum drm_kite_vm_bind_flags {
	/**
	 * @DRM_KITE_VM_BIND_ASYNC: take effect in the order of asynchronous binds of the VM, after
	 * the waits; signal when done. Without it the ioctl returns when the mappings are in effect,
	 * and syncs must be empty.
	 */
	DRM_KITE_VM_BIND_ASYNC = 1 << 0,
};

/**
 * struct drm_kite_vm_bind - DRM_IOCTL_KITE_VM_BIND
 *
 * Operations take effect in order. On error none has happened.
 */
struct drm_kite_vm_bind {
	/** @vm_id: VM */
	__u32 vm_id;
	/** @flags: &enum drm_kite_vm_bind_flags */
	__u32 flags;
	/** @ops: array of &struct drm_kite_vm_bind_op; may be empty (syncs only) */
	struct drm_kite_obj_array ops;
	/** @syncs: array of &struct drm_kite_sync */
	struct drm_kite_obj_array syncs;
};

/** enum drm_kite_vm_state - what became of a VM; also the FaultKind of the hardware + 16 as cause */
enum drm_kite_vm_state {
	/** @DRM_KITE_VM_USABLE: healthy */
	DRM_KITE_VM_USABLE = 0,
	/** @DRM_KITE_VM_BANNED: its own fault; see cause */
	DRM_KITE_VM_BANNED,
	/** @DRM_KITE_VM_LOST: the device was reset or went away */
	DRM_KITE_VM_LOST,
};

/** struct drm_kite_vm_get_state - DRM_IOCTL_KITE_VM_GET_STATE */
struct drm_kite_vm_get_state {
	/** @vm_id: VM */
	__u32 vm_id;
	/** @state: out: &enum drm_kite_vm_state */
	__u32 state;
	/** @cause: out: FaultKind of the hardware description, 0 if there is none */
	__u32 cause;
	/** @access: out: 1 if a page fault was a write */
	__u32 access;
	/** @queue_id: out: queue whose work it was, 0 if unknown */
	__u32 queue_id;
	/** @pad: 0 */
	__u32 pad;
	/** @address: out: faulting va, or va of the packet */
	__u64 address;
	/** @text: out: the device's words, NUL-terminated */
	char text[216];
};

/** enum drm_kite_bo_flags - placement and properties of a buffer */
enum drm_kite_bo_flags {
	/** @DRM_KITE_BO_VRAM: may live in VRAM */
	DRM_KITE_BO_VRAM = 1 << 0,
	/** @DRM_KITE_BO_SYSTEM: may live in system memory; one of both at least */
	DRM_KITE_BO_SYSTEM = 1 << 1,
	/** @DRM_KITE_BO_CPU_VISIBLE: will be mmapped; a VRAM placement is in the CPU-visible part */
	DRM_KITE_BO_CPU_VISIBLE = 1 << 2,
};

/** struct drm_kite_bo_create - DRM_IOCTL_KITE_BO_CREATE; contents start as zeros */
struct drm_kite_bo_create {
	/** @size: bytes, > 0; out: rounded up to pages */
	__u64 size;
	/** @flags: &enum drm_kite_bo_flags */
	__u32 flags;
	/** @exclusive_vm_id: 0, or the only VM that will map it: cheaper, cannot be exported */
	__u32 exclusive_vm_id;
	/** @handle: out: GEM handle */
	__u32 handle;
	/** @pad: 0 */
	__u32 pad;
};

/** struct drm_kite_bo_mmap_offset - DRM_IOCTL_KITE_BO_MMAP_OFFSET */
struct drm_kite_bo_mmap_offset {
	/** @handle: GEM handle */
	__u32 handle;
	/** @flags: 0 */
	__u32 flags;
	/** @offset: out: offset for mmap() on the file; VRAM is write-combined, system memory cached */
	__u64 offset;
};

/** enum drm_kite_bo_info_flags - flags of BO_INFO */
enum drm_kite_bo_info_flags {
	/** @DRM_KITE_BO_SET_LABEL: store label (shown in debugfs and devcoredumps) instead of reading */
	DRM_KITE_BO_SET_LABEL = 1 << 0,
};

/** struct drm_kite_bo_info - DRM_IOCTL_KITE_BO_INFO */
struct drm_kite_bo_info {
	/** @handle: GEM handle */
	__u32 handle;
	/** @flags: &enum drm_kite_bo_info_flags */
	__u32 flags;
	/** @size: out: bytes */
	__u64 size;
	/** @create_flags: out: &enum drm_kite_bo_flags as created */
	__u32 create_flags;
	/** @placement: out: DRM_KITE_BO_VRAM or DRM_KITE_BO_SYSTEM, where it is now; 0 = nowhere yet */
	__u32 placement;
	/** @label: in or out: text, NUL-terminated */
	char label[64];
};

/** enum drm_kite_madvise - what BO_MADVISE says */
enum drm_kite_madvise {
	/** @DRM_KITE_MADVISE_WILLNEED: keep the contents */
	DRM_KITE_MADVISE_WILLNEED = 0,
	/** @DRM_KITE_MADVISE_DONTNEED: contents may be dropped under memory pressure */
	DRM_KITE_MADVISE_DONTNEED,
};

/** struct drm_kite_bo_madvise - DRM_IOCTL_KITE_BO_MADVISE */
struct drm_kite_bo_madvise {
	/** @handle: GEM handle */
	__u32 handle;
	/** @advice: &enum drm_kite_madvise */
	__u32 advice;
	/** @retained: out: 1 if the contents are still there, 0 if they were dropped (now zeros) */
	__u32 retained;
	/** @pad: 0 */
	__u32 pad;
};

/** enum drm_kite_queue_class - the engine behind a queue */
enum drm_kite_queue_class {
	/** @DRM_KITE_QUEUE_GRAPHICS: everything */
	DRM_KITE_QUEUE_GRAPHICS = 0,
	/** @DRM_KITE_QUEUE_COMPUTE: compute and copies */
	DRM_KITE_QUEUE_COMPUTE,
	/** @DRM_KITE_QUEUE_COPY: copies */
	DRM_KITE_QUEUE_COPY,
};

/** enum drm_kite_queue_priority - who goes first on an engine */
enum drm_kite_queue_priority {
	/** @DRM_KITE_PRIORITY_LOW: background */
	DRM_KITE_PRIORITY_LOW = 0,
	/** @DRM_KITE_PRIORITY_NORMAL: usual */
	DRM_KITE_PRIORITY_NORMAL,
	/** @DRM_KITE_PRIORITY_HIGH: needs CAP_SYS_NICE or DRM master, else EACCES */
	DRM_KITE_PRIORITY_HIGH,
};

/** struct drm_kite_queue_create - DRM_IOCTL_KITE_QUEUE_CREATE */
struct drm_kite_queue_create {
	/** @vm_id: VM */
	__u32 vm_id;
	/** @queue_class: &enum drm_kite_queue_class */
	__u32 queue_class;
	/** @priority: &enum drm_kite_queue_priority */
	__u32 priority;
	/** @flags: 0 */
	__u32 flags;
	/** @id: out: names the queue in this file, never 0 */
	__u32 id;
	/** @pad: 0 */
	__u32 pad;
};

/**
 * struct drm_kite_queue_destroy - DRM_IOCTL_KITE_QUEUE_DESTROY
 *
 * Work that has not reached the ring ends with ECANCELED, the rest is done.
 */
struct drm_kite_queue_destroy {
	/** @id: queue */
	__u32 id;
	/** @pad: 0 */
	__u32 pad;
};

/** struct drm_kite_ib - a range of packets */
struct drm_kite_ib {
	/** @va: first packet, 4-aligned */
	__u64 va;
	/** @size: bytes, multiple of 4, > 0 */
	__u32 size;
	/** @flags: 0 */
	__u32 flags;
};

/**
 * struct drm_kite_queue_submit - DRM_IOCTL_KITE_QUEUE_SUBMIT
 *
 * All ranges run as one submission, in order, after all waits; then everything is signalled. With
 * no range the signals depend on the waits and on earlier work of the queue only.
 */
struct drm_kite_queue_submit {
	/** @queue_id: queue */
	__u32 queue_id;
	/** @flags: 0 */
	__u32 flags;
	/** @ibs: array of &struct drm_kite_ib */
	struct drm_kite_obj_array ibs;
	/** @syncs: array of &struct drm_kite_sync */
	struct drm_kite_obj_array syncs;
};

/** enum drm_kite_queue_state - how a queue is */
enum drm_kite_queue_state {
	/** @DRM_KITE_QUEUE_OK: healthy */
	DRM_KITE_QUEUE_OK = 0,
	/** @DRM_KITE_QUEUE_GUILTY: its own work caused the ban of its VM */
	DRM_KITE_QUEUE_GUILTY,
	/** @DRM_KITE_QUEUE_INNOCENT: its VM was banned or reset for something else */
	DRM_KITE_QUEUE_INNOCENT,
	/** @DRM_KITE_QUEUE_LOST: the device is gone */
	DRM_KITE_QUEUE_LOST,
};

/** struct drm_kite_queue_get_state - DRM_IOCTL_KITE_QUEUE_GET_STATE */
struct drm_kite_queue_get_state {
	/** @id: queue */
	__u32 id;
	/** @state: out: &enum drm_kite_queue_state */
	__u32 state;
	/** @reset_count: out: resets of its engine since the driver was bound */
	__u32 reset_count;
	/** @pad: 0 */
	__u32 pad;
};

/**
 * DOC: Accounts
 *
 * Whatever a file makes is charged to its owner, which the kernel knows: the file itself (client), the
 * effective user who opened it, and the cgroup (version 2) it was opened in with all of its parents.
 * A buffer is charged with its size until its last reference is gone, to VRAM if it may be there,
 * else to system memory; page tables are charged to VRAM; imported buffers are their exporter's. A
 * charge that would pass any of the limits fails with EDQUOT and changes nothing. Users and cgroups
 * have one account for all eGPUs, and limits stay when an eGPU is unplugged.
 */

/** enum drm_kite_account_kind - whose account */
enum drm_kite_account_kind {
	/** @DRM_KITE_ACCOUNT_CLIENT: an open file; id is drm-client-id of its fdinfo, or 0: this one */
	DRM_KITE_ACCOUNT_CLIENT = 0,
	/** @DRM_KITE_ACCOUNT_UID: a user; id is the uid in the initial user namespace */
	DRM_KITE_ACCOUNT_UID,
	/** @DRM_KITE_ACCOUNT_CGROUP: a cgroup and what is below; id is its directory's inode number */
	DRM_KITE_ACCOUNT_CGROUP,
};

/** enum drm_kite_resource - what is counted */
enum drm_kite_resource {
	/** @DRM_KITE_RESOURCE_VRAM: bytes */
	DRM_KITE_RESOURCE_VRAM = 0,
	/** @DRM_KITE_RESOURCE_SYSTEM: bytes of system memory */
	DRM_KITE_RESOURCE_SYSTEM,
	/** @DRM_KITE_RESOURCE_VMS: address spaces, each a hardware context */
	DRM_KITE_RESOURCE_VMS,
	/** @DRM_KITE_RESOURCE_QUEUES: queues */
	DRM_KITE_RESOURCE_QUEUES,
};

/** enum drm_kite_account_flags - flags of ACCOUNT */
enum drm_kite_account_flags {
	/**
	 * @DRM_KITE_ACCOUNT_SET_LIMIT: set limit, needs CAP_SYS_ADMIN. What is in use beyond it stays.
	 */
	DRM_KITE_ACCOUNT_SET_LIMIT = 1 << 0,
};

/**
 * struct drm_kite_account - DRM_IOCTL_KITE_ACCOUNT
 *
 * Reading somebody else's account needs CAP_SYS_ADMIN (EACCES). ENOENT: no such client is open; users
 * and cgroups nobody has heard of use nothing.
 */
struct drm_kite_account {
	/** @kind: &enum drm_kite_account_kind */
	__u32 kind;
	/** @resource: &enum drm_kite_resource */
	__u32 resource;
	/** @id: whose, see @kind */
	__u64 id;
	/** @flags: &enum drm_kite_account_flags */
	__u32 flags;
	/** @pad: 0 */
	__u32 pad;
	/** @limit: in with SET_LIMIT, and out: most that may be used; ~0: no limit */
	__u64 limit;
	/** @used: out: in use now */
	__u64 used;
	/** @peak: out: most that was in use at once */
	__u64 peak;
	/** @refused: out: charges that this account refused */
	__u64 refused;
};

/** enum drm_kite_dma_right - what a client may have the device do with memory outside of VRAM */
enum drm_kite_dma_right {
	/** @DRM_KITE_RIGHT_SYSTEM: buffers of its own in system memory */
	DRM_KITE_RIGHT_SYSTEM = 1 << 0,
	/** @DRM_KITE_RIGHT_EXPORT: giving buffers away as dma-bufs */
	DRM_KITE_RIGHT_EXPORT = 1 << 1,
	/** @DRM_KITE_RIGHT_IMPORT_READ: reading other devices' dma-bufs */
	DRM_KITE_RIGHT_IMPORT_READ = 1 << 2,
	/** @DRM_KITE_RIGHT_IMPORT_WRITE: writing them: mappings that are not READONLY */
	DRM_KITE_RIGHT_IMPORT_WRITE = 1 << 3,
};

/** enum drm_kite_dma_rights_op - what DMA_RIGHTS does */
enum drm_kite_dma_rights_op {
	/** @DRM_KITE_RIGHTS_CHECK: tell the rights */
	DRM_KITE_RIGHTS_CHECK = 0,
	/** @DRM_KITE_RIGHTS_GRANT: grant rights; needs CAP_SYS_ADMIN */
	DRM_KITE_RIGHTS_GRANT,
	/**
	 * @DRM_KITE_RIGHTS_REVOKE: deny rights; needs CAP_SYS_ADMIN. When it returns no mapping is left
	 * that needed one of them: work that still uses it faults, and that bans its VM.
	 */
	DRM_KITE_RIGHTS_REVOKE,
	/** @DRM_KITE_RIGHTS_RESET: neither granted nor denied any more; needs CAP_SYS_ADMIN */
	DRM_KITE_RIGHTS_RESET,
};

/**
 * struct drm_kite_dma_rights - DRM_IOCTL_KITE_DMA_RIGHTS
 *
 * A client has the rights of the module parameter dma_rights and those granted to it, its user or
 * one of its cgroups, less those denied to any of them. Without a right BO_CREATE, VM_BIND and the
 * PRIME ioctls give EACCES. Buffers of the same eGPU need no right to be imported.
 */
struct drm_kite_dma_rights {
	/** @kind: &enum drm_kite_account_kind */
	__u32 kind;
	/** @op: &enum drm_kite_dma_rights_op */
	__u32 op;
	/** @id: whose, as in &struct drm_kite_account */
	__u64 id;
	/** @rights: in: &enum drm_kite_dma_right to change, 0 for CHECK */
	__u32 rights;
	/** @granted: out: granted to this account */
	__u32 granted;
	/** @denied: out: denied to this account */
	__u32 denied;
	/** @effective: out: what a client has; for users and cgroups what this account makes of the default */
	__u32 effective;
};

/* clang-format off */
#define DRM_IOCTL_KITE(access, name, type) \
	DRM_IO##access(DRM_COMMAND_BASE + DRM_KITE_##name, struct drm_kite_##type)

#define DRM_IOCTL_KITE_DEV_QUERY       DRM_IOCTL_KITE(WR, DEV_QUERY, dev_query)
#define DRM_IOCTL_KITE_GET_TIME        DRM_IOCTL_KITE(WR, GET_TIME, get_time)
#define DRM_IOCTL_KITE_VM_CREATE       DRM_IOCTL_KITE(WR, VM_CREATE, vm_create)
#define DRM_IOCTL_KITE_VM_DESTROY      DRM_IOCTL_KITE(WR, VM_DESTROY, vm_destroy)
#define DRM_IOCTL_KITE_VM_BIND         DRM_IOCTL_KITE(WR, VM_BIND, vm_bind)
#define DRM_IOCTL_KITE_VM_GET_STATE    DRM_IOCTL_KITE(WR, VM_GET_STATE, vm_get_state)
#define DRM_IOCTL_KITE_BO_CREATE       DRM_IOCTL_KITE(WR, BO_CREATE, bo_create)
#define DRM_IOCTL_KITE_BO_MMAP_OFFSET  DRM_IOCTL_KITE(WR, BO_MMAP_OFFSET, bo_mmap_offset)
#define DRM_IOCTL_KITE_BO_INFO         DRM_IOCTL_KITE(WR, BO_INFO, bo_info)
#define DRM_IOCTL_KITE_BO_MADVISE      DRM_IOCTL_KITE(WR, BO_MADVISE, bo_madvise)
#define DRM_IOCTL_KITE_QUEUE_CREATE    DRM_IOCTL_KITE(WR, QUEUE_CREATE, queue_create)
#define DRM_IOCTL_KITE_QUEUE_DESTROY   DRM_IOCTL_KITE(WR, QUEUE_DESTROY, queue_destroy)
#define DRM_IOCTL_KITE_QUEUE_SUBMIT    DRM_IOCTL_KITE(WR, QUEUE_SUBMIT, queue_submit)
#define DRM_IOCTL_KITE_QUEUE_GET_STATE DRM_IOCTL_KITE(WR, QUEUE_GET_STATE, queue_get_state)
#define DRM_IOCTL_KITE_ACCOUNT         DRM_IOCTL_KITE(WR, ACCOUNT, account)
#define DRM_IOCTL_KITE_DMA_RIGHTS      DRM_IOCTL_KITE(WR, DMA_RIGHTS, dma_rights)
/* clang-format on */

#if defined(__cplusplus)
}
#endif

#endif /* _UAPI_KITE_DRM_H_ */
