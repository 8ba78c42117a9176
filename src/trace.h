/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TRACE_INTERNAL_H
#define DIVIDERE_TRACE_INTERNAL_H

#include <stdbool.h>
#include <dividere/trace.h>

/*  A trace within an extension frame, behind the name of the service. The
 *  client makes room for all hops, so that who adds one changes bytes in place
 *  and the frame keeps its size.
 *
 *  at  bytes
 *   0  1  hops there is room for
 *   1  1  hops there are
 *   2  6  0
 *   8 16  id of the trace
 *  24 16  of each hop: 7 bytes who, 1 byte what, 8 bytes time
 *  All numbers are little-endian.                                           */

#define DIVIDERE_TRACE_SIZE (24 + DIVIDERE_HOPS_MAX * 16)

/*  Is what is there a trace as a whole?                                     */
bool dividere_trace_is_whole (const uint8_t *bytes, size_t size);

/*  Writes an empty one, of DIVIDERE_TRACE_SIZE bytes.                       */
void dividere_trace_write (const uint8_t *id, uint8_t *bytes);

/*  The following do nothing where an extension frame has no trace.          */

/*  Adds a hop, where there is room for it.                                  */
void dividere_trace_add (void *extension, size_t size, dividere_hop_kind_t kind,
                         uint64_t who, int64_t time_ns);

/*  Takes over the hops that the same trace has elsewhere.                   */
void dividere_trace_adopt (void *extension, size_t size, const void *from,
                           size_t from_size);

/*  False: there is none.                                                    */
bool dividere_trace_read (const void *extension, size_t size,
                          dividere_trace_t *ret_trace);

/*  Of the clock of this host.                                               */
int64_t dividere_trace_now_ns (void);

#endif
