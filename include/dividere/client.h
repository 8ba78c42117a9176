/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_CLIENT_H
#define DIVIDERE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <dividere/library.h>
#include <dividere/message.h>
#include <dividere/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  A reliable client of brokers: every request ends in exactly one reply or one
 *  error, within its deadline. It is tried again, at the next broker, where one
 *  does not answer; a late answer is never taken for another's.
 *
 *      dividere_client_t *client =
 *          dividere_client_new ("tcp://127.0.0.1:5555", NULL);
 *      dividere_message_t *reply = dividere_message_new ();
 *      if (dividere_client_request (client, &hello.base, NULL, reply) == 0)
 *          ...
 *
 *  or many at a time: dividere_client_send as often as wanted, then
 *  dividere_client_recv for each result, in whatever order they come.
 *
 *  A client starts no thread: retries and deadlines happen within the calls
 *  that wait, and in dividere_client_process. It belongs to one thread at a
 *  time.
 *
 *  Towards a peer that has not shown to be a broker of this library (one in
 *  Python, or no broker at all) one request is under way at a time, and it is
 *  asked again after 5 s at the earliest: a Python broker dies of more.
 *  Source: LoadBalancingPattern.Client of the Python package, both of them. */

typedef struct dividere_client_t dividere_client_t;

/*  Start from DIVIDERE_CLIENT_OPTIONS_INIT. Times in milliseconds.          */
typedef struct {
    int deadline_ms; /* of a request that says none; 0: attempt_ms for   */
                     /* each try                                         */
    int attempt_ms;  /* then it is tried again, elsewhere if possible; 5000 */
    int retries;     /* beside the first try; 5                          */
    int backoff_ms;  /* first pause after busy or no worker; 50          */
    int backoff_max_ms;  /* pauses double up to this, with jitter; 2000      */
    int budget_percent;  /* retries per 100 requests, in the long run; 0: as */
                         /* many as it takes                                 */
    size_t requests_max; /* under way or waiting, or ended and not received; */
                         /* 10000                                            */
    size_t bytes_max;    /* ... and their bytes; 64 MiB                      */
    const char *service; /* asked for; NULL: the default one                 */
} dividere_client_options_t;

#define DIVIDERE_CLIENT_OPTIONS_INIT                    \
    {                                                   \
        0, 5000, 5, 50, 2000, 0, 10000, 64u << 20, NULL \
    }

/*  Of one request. Start from DIVIDERE_REQUEST_OPTIONS_INIT.                */
typedef struct {
    int deadline_ms; /* -1: the client's                                */
    bool strict;     /* once it may have reached a worker it is never tried */
                     /* elsewhere: ENOTRECOVERABLE instead               */
    int requeues;    /* how often a broker may hand it to another worker */
                     /* when one dies, up to 200; -1: the broker's choice */
    const char *service; /* NULL: the client's                              */
    bool trace; /* dividere_client_trace tells its way                      */
} dividere_request_options_t;

#define DIVIDERE_REQUEST_OPTIONS_INIT \
    {                                 \
        -1, false, -1, NULL, false    \
    }

/*  What became of a request.                                                */
typedef struct {
    uint64_t number;  /* as dividere_client_send gave it                      */
    int error;        /* 0: the reply is there; else:
                      *   ETIMEDOUT        no answer within the deadline
                      *   ENOTCONN         ... and no broker could be reached
                      *   EBUSY            ... and brokers were at their limit
                      *   EHOSTUNREACH     ... and nobody serves the service
                      *   EACCES           no right to it, or all brokers refuse
                      *                    this key
                      *   EPROTONOSUPPORT  all brokers want security and this
                      *                    client does not, or the other way
                      *   EKEYREJECTED     all brokers have other keys than they
                      *                    are known by
                      *   ECONNRESET       the worker was lost with it, and it
                      *                    may not be handed to another
                      *   ENOTRECOVERABLE  strict, and whether it was executed
                      *                    is not known
                      *   EREMOTEIO        its handler failed: remote_error
                      *   EOPNOTSUPP       no handler for its type
                      *   EINVAL           the worker could not read it
                      *   EPROTO           the answer makes no sense
                      *   ECANCELED        dividere_client_cancel
                      * or, of the answer, an errno of dividere_recv         */
    int remote_error; /* EREMOTEIO: the errno that the handler returned; 0: it
                         gave no reply                                       */
    unsigned attempts; /* tries, also if none could be sent (0)              */
    int64_t elapsed_us;
} dividere_result_t;

/*  From the client's creation on, in requests but for the last three.       */
typedef struct {
    uint64_t sent;        /* taken from the caller                            */
    uint64_t answered;    /* ended with a reply                               */
    uint64_t failed;      /* ended with an error                              */
    uint64_t retried;     /* tries beside the first                           */
    uint64_t outstanding; /* neither answered nor failed now                */
    uint64_t stale;       /* answers that nobody waited for                   */
    uint64_t malformed;   /* messages that were no answers                    */
    uint64_t retries_denied; /* that the budget did not allow                */
} dividere_client_stats_t;

/*  brokers: one endpoint or several, separated by commas; ">" is implied, "@"
 *  binds (for a broker that connects its frontend). The first is asked as long
 *  as it answers. NULL with EINVAL, EPROTONOSUPPORT, EMFILE, ETERM.         */
DIVIDERE_EXPORT dividere_client_t *dividere_client_new (
    const char *brokers, const dividere_client_options_t *options);

/*  A client of a service by its name: it asks the name servers (a list as of
 *  dividere_registry_new) where the service is, is told when instances come and
 *  go, and spreads requests over those that are there: the next one gets the
 *  next request. What an instance had that broke is asked elsewhere, within the
 *  deadline. The options' service is not used. A request that finds no instance
 *  ends at its deadline, with EHOSTUNREACH where nobody has the name, ENOTCONN
 *  where no instance or no name server can be reached. NULL with EINVAL,
 *  EPROTONOSUPPORT, EMFILE, ETERM.
 *
 *  It has a connection to each instance, of more than 100 to some of them. An
 *  instance that leaves keeps what it was asked as long as it stays connected.
 *  Types of the package dividere (dividere/builtin.pb-c.h) go to instances of
 *  this library only; EOPNOTSUPP: all others are in Python.                 */
DIVIDERE_EXPORT dividere_client_t *dividere_client_new_named (
    const char *name, const char *nameservers,
    const dividere_client_options_t *options);

/*  What is outstanding is given up. Does not block; idempotent.             */
DIVIDERE_EXPORT void dividere_client_destroy (dividere_client_t **self_p);

/*  Asks and waits. options may be NULL. Returns 0 and the reply; or -1 with the
 *  error of the result, or an errno of dividere_client_send, and then reply is
 *  empty. Results of other requests are kept for dividere_client_recv.      */
DIVIDERE_EXPORT int dividere_client_request (
    dividere_client_t *self, const ProtobufCMessage *request,
    const dividere_request_options_t *options, dividere_message_t *reply);
DIVIDERE_EXPORT int dividere_client_request_bytes (
    dividere_client_t *self, const void *data, size_t size,
    const dividere_request_options_t *options, dividere_message_t *reply);

/*  Asks and does not wait. Returns 0 and the number of the request (from 1), or
 *  -1 with EAGAIN (requests_max or bytes_max reached), EINVAL (options), an
 *  errno of dividere_envelope_encode, or EMSGSIZE (bytes over the limit).   */
DIVIDERE_EXPORT int dividere_client_send (
    dividere_client_t *self, const ProtobufCMessage *request,
    const dividere_request_options_t *options, uint64_t *ret_number);
DIVIDERE_EXPORT int dividere_client_send_bytes (
    dividere_client_t *self, const void *data, size_t size,
    const dividere_request_options_t *options, uint64_t *ret_number);

/*  The next result, waiting up to timeout_ms (-1: no limit). Where its error is
 *  0 the reply is in message: as an object if it was asked by an object, else
 *  as bytes. Returns 0, or -1 with EAGAIN (none in time), ENOENT (nothing is
 *  outstanding), EINTR, ETERM.                                              */
DIVIDERE_EXPORT int dividere_client_recv (dividere_client_t *self,
                                          dividere_message_t *message,
                                          dividere_result_t *ret_result,
                                          int timeout_ms);

/*  The way of the request whose result was received last (or asked and waited
 *  for), where that had the option trace; of one that failed, as far as it is
 *  known. Returns 0, or -1 with ENOENT.                                     */
DIVIDERE_EXPORT int dividere_client_trace (const dividere_client_t *self,
                                           dividere_trace_t *ret_trace);

/*  Its result is then ECANCELED. Returns 0, or -1 with ENOENT.              */
DIVIDERE_EXPORT int dividere_client_cancel (dividere_client_t *self,
                                            uint64_t number);

/*  For a poll loop: a descriptor that is readable when dividere_client_process
 *  has something to do, which then receives, retries and ends what is due,
 *  without blocking, and returns how many results wait for
 *  dividere_client_recv. The descriptor stays the client's; -1 with EMFILE,
 *  ENFILE.                                                                  */
DIVIDERE_EXPORT int dividere_client_fd (dividere_client_t *self);
DIVIDERE_EXPORT size_t dividere_client_process (dividere_client_t *self);

/*  Waits until a broker, or an instance of the service, is connected. Returns
 *  0, or -1 with EAGAIN, EINTR, ETERM; EACCES, EPROTONOSUPPORT, EKEYREJECTED,
 *  where all refuse to be connected (dividere/connector.h).                 */
DIVIDERE_EXPORT int dividere_client_wait_connected (dividere_client_t *self,
                                                    int timeout_ms);

DIVIDERE_EXPORT void dividere_client_stats (const dividere_client_t *self,
                                            dividere_client_stats_t *ret_stats);

#ifdef __cplusplus
}
#endif

#endif
