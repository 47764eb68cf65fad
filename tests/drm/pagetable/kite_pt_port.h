/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What drm-driver/kite_pt.c needs of the kernel, for userspace. Included by kite_pt.h when __KERNEL__
 * is not defined; nothing else includes it. No state, no threads, no failure.
 */
#ifndef KITE_PT_PORT_H
#define KITE_PT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t u64;
typedef uint32_t u32;

#ifndef __cplusplus
#define min(a, b) ((a) < (b) ? (a) : (b))
#endif

#endif /* KITE_PT_PORT_H */
