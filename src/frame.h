/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_FRAME_H
#define DIVIDERE_FRAME_H

#include <zmq.h>

/*  Sending and receiving one frame. Over inproc the bytes themselves are handed
 *  from thread to thread by libzmq, which ThreadSanitizer cannot see into: it
 *  is told here.                                                             */

#if defined(__SANITIZE_THREAD__)
#define DIVIDERE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DIVIDERE_TSAN 1
#endif
#endif

#ifdef DIVIDERE_TSAN
void __tsan_acquire (void *address);
void __tsan_release (void *address);
#define DIVIDERE_HAND_OVER(address) __tsan_release (address)
#define DIVIDERE_TAKE_OVER(address) __tsan_acquire (address)
#else
#define DIVIDERE_HAND_OVER(address) ((void) (address))
#define DIVIDERE_TAKE_OVER(address) ((void) (address))
#endif

/*  As zmq_msg_send and zmq_msg_recv, but 0 for success.                     */
static inline int
dividere_frame_send (zmq_msg_t *frame, void *handle, int flags)
{
    DIVIDERE_HAND_OVER (zmq_msg_data (frame));
    return zmq_msg_send (frame, handle, flags) < 0 ? -1 : 0;
}

static inline int
dividere_frame_recv (zmq_msg_t *frame, void *handle, int flags)
{
    if (zmq_msg_recv (frame, handle, flags) < 0)
        return -1;
    DIVIDERE_TAKE_OVER (zmq_msg_data (frame));
    return 0;
}

#endif
