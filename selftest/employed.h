/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_EMPLOYED_H
#define DIVIDERE_SELFTEST_EMPLOYED_H

#include <semaphore.h>
#include <czmq.h>
#include <dividere.h>
#include "extension.h"
#include "heartbeat.h"

/*  A worker, and brokers for it made of bare sockets.                       */

#define EMPLOYED_NAME     "worker-1"
#define EMPLOYED_CLIENT   77    /* in the extension frames of requests        */
#define EMPLOYED_INTERVAL 60000 /* ms: no sign of life by time                */

typedef struct {
    zsock_t *router;
    char *endpoint;
    zmsg_t *message;  /* the last that was received, without its first frame  */
    char worker[256]; /* what that was                                       */
} employer_t;

/*  Binds a ROUTER, which has a time limit.                                  */
void employer_open (employer_t *self, const char *endpoint);
void employer_close (employer_t *self);

/*  The next message of a worker, which is still the employer's.             */
zmsg_t *employer_recv (employer_t *self);

/*  True if there is none for ms.                                            */
bool employer_is_left_alone (employer_t *self, int ms);

/*  The last message, or the next one, is a sign of life of the worker.      */
dividere_heartbeat_t employer_heard (employer_t *self);
dividere_heartbeat_t employer_hear (employer_t *self);

/*  Says one, as a broker of this library; or as one of the Python package.  */
void employer_tell (employer_t *self, uint64_t number, uint32_t interval_ms,
                    bool draining);
void employer_tell_plain (employer_t *self);

/*  The same until the worker answers, which may have found the broker silent
 *  and connected anew. Returns the answer.                                  */
dividere_heartbeat_t employer_agree (employer_t *self, uint64_t number,
                                     uint32_t interval_ms);

/*  Waits for the registration, and agrees upon EMPLOYED_INTERVAL, number 1. */
void employer_hire (employer_t *self);

/*  A request of bytes with an extension frame.                              */
void employer_ask (employer_t *self, uint64_t number, const char *payload);
void employer_ask_extended (employer_t *self,
                            const dividere_extension_t *extension,
                            const void *data, size_t size);

/*  A request that is not executed; false if the worker is gone.             */
bool employer_try_ask (employer_t *self, uint64_t number);

/*  The next message is an answer to this one: returns its status. Checks the
 *  payload unless it is NULL. Registrations may come before: one that was under
 *  way when a connection broke comes again with the next.                   */
int employer_answer (employer_t *self, uint64_t number, const char *payload);

/*  What on_bytes of the worker does with payloads:
 *      wait ...      posts entered, waits for gate, replies with the payload
 *      fail          returns EIO
 *      silent        returns 0 without a reply
 *      anything else replies with it
 *  and counts every call.                                                   */
typedef struct {
    sem_t entered;
    sem_t gate;
    _Atomic int calls;
} employed_work_t;

void employed_work_init (employed_work_t *self);
void employed_work_term (employed_work_t *self);

/*  Waits for a handler to be in "wait".                                     */
void employed_await (employed_work_t *self);

int employed_on_bytes (dividere_context_t *context, const void *data,
                       size_t size);

/*  A worker of EMPLOYED_NAME, connected to each endpoint, after SETs of a
 *  NULL-terminated list of names and values, and started.                   */
zactor_t *employed_start (const dividere_worker_config_t *config,
                          const char *const *settings, const char *endpoint);

/*  One that does such work.                                                 */
zactor_t *employed_start_work (employed_work_t *work,
                               const char *const *settings,
                               const char *endpoint);

uint64_t employed_stat (zactor_t *worker, const char *name);

/*  The state of a broker, as BROKERS tells; "" if there is none.            */
const char *employed_state (zactor_t *worker, const char *endpoint);

/*  Waits until the worker knows it for a broker of this library.            */
void employed_await_c (zactor_t *worker, const char *endpoint);

#endif
