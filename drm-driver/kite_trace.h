/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints (events/kite in tracefs): what goes into rings and what comes out. For people who look
 * at this driver; fields may change, unlike the scheduler's own events.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kite

#if !defined(_KITE_TRACE_H_) || defined(TRACE_HEADER_MULTI_READ)
#define _KITE_TRACE_H_

#include <linux/tracepoint.h>
#include <linux/types.h>

/* A submission was written to a ring and its doorbell rung. */
TRACE_EVENT(kite_ring_submit,
	TP_PROTO(u32 ring, u32 context, u64 seqno, u32 wptr),
	TP_ARGS(ring, context, seqno, wptr),
	TP_STRUCT__entry(
		__field(u32, ring)
		__field(u32, context)
		__field(u64, seqno)
		__field(u32, wptr)
	),
	TP_fast_assign(
		__entry->ring = ring;
		__entry->context = context;
		__entry->seqno = seqno;
		__entry->wptr = wptr;
	),
	TP_printk("ring=%u context=%u seqno=%llu wptr=%u", __entry->ring, __entry->context,
		  __entry->seqno, __entry->wptr)
);

/* A submission ended; error is 0 or a negative errno. */
TRACE_EVENT(kite_ring_done,
	TP_PROTO(u32 ring, u64 seqno, int error),
	TP_ARGS(ring, seqno, error),
	TP_STRUCT__entry(
		__field(u32, ring)
		__field(u64, seqno)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->ring = ring;
		__entry->seqno = seqno;
		__entry->error = error;
	),
	TP_printk("ring=%u seqno=%llu error=%d", __entry->ring, __entry->seqno, __entry->error)
);

#endif /* _KITE_TRACE_H_ */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE kite_trace
#include <trace/define_trace.h>
