/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_HANDLER_H
#define DIVIDERE_HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <dividere/connector.h>
#include <dividere/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Tables of handlers, one for each type of message, and what a handler is
 *  given: for a reactor and a worker alike.
 *
 *      static const dividere_handler_t handlers [] = {
 *          DIVIDERE_HANDLER (Msg01, msg01, on_msg01),
 *          DIVIDERE_HANDLER_END
 *      };                                                                   */

/*  What a handler is given besides the message. Valid during the call only. */
typedef struct dividere_context_t dividere_context_t;

/*  Handles one message; the object is the library's, gone after the call.
 *  Returns 0, or an errno: the failure is counted and reported.             */
typedef int (dividere_handler_fn) (dividere_context_t *context,
                                   const void *message);

typedef struct {
    const ProtobufCMessageDescriptor *type;
    dividere_handler_fn *handler;
    const char *name; /* of the function, for the log                      */
} dividere_handler_t;

/*  The function, if it is
 *      int function (dividere_context_t *context, const Type *message)
 *  and an error of the compiler if it is anything else.                     */
#ifdef __cplusplus
#define DIVIDERE_TYPED(Type, function) \
    (1 ? (function) : (int (*) (dividere_context_t *, const Type *)) 0)
#else
#define DIVIDERE_TYPED(Type, function)                                \
    _Generic((function), int (*) (dividere_context_t *, const Type *) \
             : (function))
#endif

/*  An entry of a handler table. What protoc-gen-dividere makes has entries that
 *  need no cast: TYPE__HANDLE (function) once, then TYPE__HANDLER (function) in
 *  the table.                                                               */
#define DIVIDERE_HANDLER(Type, prefix, function)                               \
    {                                                                          \
        &prefix##__descriptor,                                                 \
            (dividere_handler_fn *) DIVIDERE_TYPED (Type, function), #function \
    }
#define DIVIDERE_HANDLER_END \
    {                        \
        NULL, NULL, NULL     \
    }

/*  The message with its route and properties (NULL in a hook that has none),
 *  and the user's pointer.                                                  */
DIVIDERE_EXPORT const dividere_message_t *dividere_context_message (
    dividere_context_t *self);
DIVIDERE_EXPORT void *dividere_context_user (dividere_context_t *self);

/*  In a reactor: the connector the message came from, and any other source by
 *  its name. NULL with ENOENT; in a worker always.                          */
DIVIDERE_EXPORT dividere_connector_t *dividere_context_source (
    dividere_context_t *self);
DIVIDERE_EXPORT dividere_connector_t *dividere_context_find (
    dividere_context_t *self, const char *name);

/*  Answers the message along its route. Never blocks. Returns 0, or -1 with an
 *  errno of dividere_envelope_encode, or in a reactor ENOTSUP (its source
 *  carries no replies), EAGAIN (the peer's queue is full), EHOSTUNREACH (the
 *  peer is gone); in a worker EALREADY (it was answered) or ENOTSUP (a hook).
 *  In a reactor, to answer later, keep a copy of the route and use
 *  dividere_send_to; in a worker the answer is given before returning.      */
DIVIDERE_EXPORT int dividere_context_reply (dividere_context_t *self,
                                            const ProtobufCMessage *reply);

/*  The same with bytes. EMSGSIZE: larger than the limit.                    */
DIVIDERE_EXPORT int dividere_context_reply_bytes (dividere_context_t *self,
                                                  const void *data,
                                                  size_t size);

/*  What a dividere_client_t, or a broker on behalf of another client, says of a
 *  request. The client and the number together are its correlation id: the same
 *  for all attempts, and for no other request.                              */
typedef struct {
    uint64_t client;      /* drawn at random when the client was made       */
    uint64_t number;      /* of its requests, from 1                        */
    unsigned attempt;     /* from 1                                         */
    int64_t remaining_ms; /* until nobody waits for the answer, from now on; */
                          /* 0: it is over; -1: no limit is known           */
    bool strict;          /* must not be executed twice                     */
} dividere_request_info_t;

/*  Returns 0, or -1 with ENOENT: nothing was said.                          */
DIVIDERE_EXPORT int dividere_context_request (
    dividere_context_t *self, dividere_request_info_t *ret_info);

#ifdef __cplusplus
}
#endif

#endif
