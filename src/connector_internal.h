/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_CONNECTOR_INTERNAL_H
#define DIVIDERE_CONNECTOR_INTERNAL_H

#include <dividere/connector.h>
#include "batch.h"
#include "message_internal.h"
#include "poller.h"
#include "security.h"
#include "sequence.h"
#include "socket.h"
#include "subscriptions.h"
#include "watch.h"

struct dividere_connector_t {
    uint32_t tag; /* tells a connector from a zsock_t         */
    dividere_kind_t kind;
    void *handle; /* libzmq socket, ours                      */
    dividere_connector_options_t options;
    char *endpoints; /* as really bound or connected             */
    char *endpoint;  /* the first address                        */
    dividere_connector_stats_t stats;

    /*  Publisher.                                                          */
    dividere_subscriptions_t *subscriptions; /* NULL otherwise              */
    unsigned unread;              /* sends since they were last read          */
    unsigned behind;              /* sends that look for room before          */
    unsigned heard;               /* changes of them                         */
    dividere_batch_t batch;       /* waits until it is full              */
    const dividere_type_t *asked; /* whether this type may be batched    */
    unsigned asked_heard;         /* ... was decided after so many       */
    bool batched;                 /* ... and this way                    */
    uint64_t epoch;
    uint64_t *sequences; /* by id of the type: the last number given */
    size_t sequences_size;

    /*  Subscriber.                                                         */
    dividere_sequence_t *sequence; /* NULL unless sequenced                 */
    dividere_subscriptions_t *topics; /* what it has asked for             */
    dividere_batch_rest_t rest; /* of a batch that was received             */
    dividere_message_t *newer;  /* of keep_last; NULL otherwise              */
    bool crowded; /* receiving stopped at frames that break the rules       */

    /*  Request: in turn are send, recv, send ...                           */
    bool awaiting;        /* sent, and not answered                   */
    bool overdue;         /* ... and a wait for the answer timed out  */
    bool correlated;      /* from here on requests are numbered             */
    bool numbered;        /* the one that awaits its answer is              */
    uint32_t correlation; /* the number of the last one                     */

    /*  Response: in turn are recv, send, recv ...                          */
    bool asynchronous;       /* a reactor answers in any order           */
    bool owing;              /* received, and not answered               */
    dividere_route_t debtor; /* whom the answer goes to                  */

    /*  The one monitor that a libzmq socket can have.                      */
    dividere_security_t *security; /* of all its addresses                   */
    void *await_sink;        /* of await_connection; ours                */
    bool connected;          /* it has told so                           */
    int refusal;             /* ... why not; 0: it has not               */
    unsigned doubts;         /* handshakes that failed, in a row         */
    dividere_watch_t *watch; /* shared with a monitor actor              */

    dividere_polled_t polled; /* for the reactor that has it as a source  */
};

#define DIVIDERE_CONNECTOR_TAG 0xD171DE7Eu

bool dividere_connector_is (void *self);

/*  The calls of the public header with a frame: on success the frame is taken
 *  and left empty, on failure it is still the caller's.                     */
int dividere_connector_send_frame (dividere_connector_t *self,
                                   const dividere_route_t *route,
                                   zmq_msg_t *frame, int timeout_ms);

/*  Receives and decodes. Counts whatever is refused.                        */
int dividere_connector_recv_typed (dividere_connector_t *self,
                                   dividere_message_t *message, int timeout_ms);

/*  A message of this type is about to be published: its number, 0 where the
 *  publisher does not number. Undone if it was not sent after all.          */
uint64_t dividere_connector_number (dividere_connector_t *self,
                                    const ProtobufCMessageDescriptor *type);
void dividere_connector_unnumber (dividere_connector_t *self,
                                  const ProtobufCMessageDescriptor *type);

/*  Publisher (src/publisher.c): reads what subscribers have asked for; sends
 *  by the overflow policy.                                                  */
int dividere_publisher_read (dividere_connector_t *self);
int dividere_publisher_send (dividere_connector_t *self, zmq_msg_t *frame);

/*  Puts a message into the batch, where all who want its type have agreed and
 *  it is small enough: 1. Else 0, and what was batched is sent. Or -1, with an
 *  errno of encoding or sending.                                            */
int dividere_publisher_batch (dividere_connector_t *self,
                              const ProtobufCMessage *message,
                              uint64_t sequence);

/*  Sends what was batched. 0, or -1 as dividere_publisher_send.             */
int dividere_publisher_flush (dividere_connector_t *self);

/*  Request (src/request.c): sends in turn; tells the answer from what is not,
 *  and takes the frames of the envelope off it.                             */
int dividere_request_send (dividere_connector_t *self, zmq_msg_t *frame,
                           int timeout_ms);
bool dividere_request_accepts (dividere_connector_t *self,
                               dividere_message_t *message);

/*  Closes what libzmq tells events to, once nobody needs it.                */
void dividere_connector_check_sinks (dividere_connector_t *self);

/*  A PAIR, with a queue without limit, that libzmq tells the events of mask at
 *  a socket of this thread. It must outlive the telling: turn that off with
 *  zmq_socket_monitor (handle, NULL, 0) before closing it. NULL with EMFILE. */
void *dividere_sink_new (void *handle, int mask);

/*  Await (src/await.c): starts before the first connect.                    */
int dividere_await_start (dividere_connector_t *self);
void dividere_await_stop (dividere_connector_t *self);
void dividere_await_check (dividere_connector_t *self);

/*  Watch (src/watch.c): libzmq's events of this socket go to a sink that this
 *  thread makes, under mask, until unwatched. The other holder of the watch is
 *  for the caller to hand on. NULL with EBUSY, EMFILE.                      */
dividere_watch_t *dividere_connector_watch (dividere_connector_t *self,
                                            const char *name, int mask);
void dividere_connector_unwatch (dividere_connector_t *self);

#endif
