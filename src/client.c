/* SPDX-License-Identifier: Apache-2.0 */

/*  What the caller sees of a client. Whatever is due is done in the calls that
 *  wait, and in dividere_client_process.                                    */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <czmq.h>
#include <sodium.h>
#include <dividere/envelope.h>
#include "client_internal.h"
#include "message_internal.h"
#include "socket.h"

static bool
s_options_good (const dividere_client_options_t *options)
{
    return options->deadline_ms >= 0 && options->attempt_ms > 0 &&
           options->retries >= 0 && options->backoff_ms >= 0 &&
           options->backoff_max_ms >= options->backoff_ms &&
           options->budget_percent >= 0 && options->requests_max > 0 &&
           (!options->service ||
            strlen (options->service) <= DIVIDERE_EXTENSION_SERVICE);
}

static char *
s_copy (const char *text)
{
    char *copy = text && *text ? strdup (text) : NULL;
    assert (copy || !text || !*text);
    return copy;
}

/*  Without a poller, and without links.                                     */
static dividere_client_t *
s_new (const dividere_client_options_t *options, bool spread)
{
    static const dividere_client_options_t s_defaults =
        DIVIDERE_CLIENT_OPTIONS_INIT;
    if (!options)
        options = &s_defaults;
    if (!s_options_good (options)) {
        errno = EINVAL;
        return NULL;
    }
    dividere_client_t *self = (dividere_client_t *) zmalloc (sizeof (*self));
    self->options = *options;
    self->security = dividere_security_keep ();
    self->service = s_copy (options->service);
    self->options.service = self->service;
    self->poll = self->timer = -1;
    self->timer_ms = -1;
    self->scratch = dividere_message_new ();
    uint64_t seed;
    randombytes_buf (&self->id, sizeof (self->id));
    randombytes_buf (&seed, sizeof (seed));
    dividere_retry_limits_t limits = {
        .retries = (unsigned) options->retries,
        .backoff_ms = options->backoff_ms,
        .backoff_max_ms = options->backoff_max_ms,
        .budget_percent = (unsigned) options->budget_percent,
    };
    dividere_asks_init (&self->asks, spread, &limits, options->attempt_ms,
                        seed);
    return self;
}

static void
s_fail (dividere_client_t **self_p)
{
    int error = errno;
    dividere_client_destroy (self_p);
    errno = error;
}

dividere_client_t *
dividere_client_new (const char *brokers,
                     const dividere_client_options_t *options)
{
    assert (brokers);
    dividere_client_t *self = s_new (options, false);
    if (!self)
        return NULL;
    self->poller = dividere_poller_new ();
    if (!self->poller || dividere_client_open (self, brokers) < 0)
        s_fail (&self);
    return self;
}

dividere_client_t *
dividere_client_new_named (const char *name, const char *nameservers,
                           const dividere_client_options_t *options)
{
    assert (name);
    assert (nameservers);
    dividere_client_t *self = s_new (options, true);
    if (!self)
        return NULL;
    freen (self->service);
    self->options.service = NULL;
    self->poller = dividere_poller_new ();
    if (self->poller)
        self->named = dividere_client_named_new (self, name, nameservers);
    if (!self->named)
        s_fail (&self);
    return self;
}

void
dividere_client_destroy (dividere_client_t **self_p)
{
    assert (self_p);
    dividere_client_t *self = *self_p;
    if (!self)
        return;
    if (self->poll >= 0) {
        close (self->poll);
        close (self->timer);
    }
    dividere_client_named_destroy (&self->named);
    dividere_client_close (self);
    dividere_asks_term (&self->asks);
    dividere_poller_destroy (&self->poller);
    dividere_message_destroy (&self->scratch);
    freen (self->service);
    freen (self);
    *self_p = NULL;
}

/*  When dividere_client_process has something to do next: 0: at once.       */
static int64_t
s_due (const dividere_client_t *self)
{
    if (dividere_poller_pending (self->poller))
        return 0;
    int64_t due_ms = dividere_asks_due (&self->asks);
    int64_t named_ms =
        self->named ? dividere_client_named_due (self->named) : -1;
    int64_t again_ms = dividere_client_again_due (self);
    if (again_ms >= 0 && (named_ms < 0 || again_ms < named_ms))
        named_ms = again_ms;
    return due_ms < 0 || (named_ms >= 0 && named_ms < due_ms) ? named_ms
                                                              : due_ms;
}

/*  Only where somebody polls the descriptor. One that fires too early does no
 *  harm.                                                                    */
static void
s_arm (dividere_client_t *self)
{
    int64_t due_ms = s_due (self);
    if (self->timer < 0 || due_ms < 0 ||
        (self->timer_ms >= 0 && self->timer_ms <= due_ms))
        return;
    self->timer_ms = due_ms;
    struct itimerspec at = { .it_value = { .tv_sec = due_ms / 1000,
                                           .tv_nsec = due_ms % 1000 * 1000000 +
                                                      (due_ms == 0) } };
    timerfd_settime (self->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void
s_disarm (dividere_client_t *self)
{
    uint64_t times;
    if (self->timer_ms >= 0 && self->timer_ms <= zclock_mono () &&
        read (self->timer, &times, sizeof (times)) == sizeof (times))
        self->timer_ms = -1;
}

size_t
dividere_client_process (dividere_client_t *self)
{
    assert (self);
    s_disarm (self);
    dividere_client_receive (self);
    dividere_asks_tick (&self->asks, zclock_usecs ());
    dividere_client_flush (self);
    s_arm (self);
    return self->asks.done.count;
}

static int
s_watch (int poll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN };
    return epoll_ctl (poll, EPOLL_CTL_ADD, fd, &event);
}

int
dividere_client_fd (dividere_client_t *self)
{
    assert (self);
    if (self->poll >= 0)
        return self->poll;
    int poll = epoll_create1 (EPOLL_CLOEXEC);
    int timer = timerfd_create (CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (poll < 0 || timer < 0 || s_watch (poll, timer) < 0 ||
        s_watch (poll, dividere_poller_fd (self->poller)) < 0) {
        int error = errno;
        if (poll >= 0)
            close (poll);
        if (timer >= 0)
            close (timer);
        errno = error;
        return -1;
    }
    self->poll = poll;
    self->timer = timer;
    s_arm (self);
    return poll;
}

/*  Until something is to be done, or the deadline. 0, or -1 with EAGAIN (the
 *  deadline), EINTR, ETERM.                                                 */
static int
s_wait (dividere_client_t *self, int64_t deadline_ms)
{
    if (self->ended) {
        errno = ETERM;
        return -1;
    }
    int64_t now_ms = zclock_mono ();
    if (deadline_ms >= 0 && deadline_ms <= now_ms) {
        errno = EAGAIN;
        return -1;
    }
    int64_t due_ms = s_due (self);
    if (due_ms < 0 || (deadline_ms >= 0 && deadline_ms < due_ms))
        due_ms = deadline_ms;
    int64_t left_ms = due_ms < 0 ? -1 : due_ms > now_ms ? due_ms - now_ms : 0;
    struct pollfd item = { dividere_poller_fd (self->poller), POLLIN, 0 };
    int rc = poll (&item, 1, left_ms > INT_MAX ? INT_MAX : (int) left_ms);
    return rc < 0 ? -1 : 0;
}

/*  Takes the payload if it succeeds.                                        */
static dividere_ask_t *
s_ask (dividere_client_t *self, zmq_msg_t *payload,
       const dividere_request_options_t *options)
{
    static const dividere_request_options_t s_defaults =
        DIVIDERE_REQUEST_OPTIONS_INIT;
    if (!options)
        options = &s_defaults;
    if (options->deadline_ms < -1 || options->requeues < -1 ||
        options->requeues > 200 ||
        (options->service &&
         strlen (options->service) > DIVIDERE_EXTENSION_SERVICE)) {
        errno = EINVAL;
        return NULL;
    }
    const dividere_client_options_t *own = &self->options;
    size_t count =
        dividere_asks_outstanding (&self->asks) + self->asks.done.count;
    if (count >= own->requests_max ||
        self->asks.bytes + zmq_msg_size (payload) > own->bytes_max) {
        errno = EAGAIN;
        return NULL;
    }
    int64_t left_ms = options->deadline_ms >= 0 ? options->deadline_ms
                      : own->deadline_ms > 0
                          ? own->deadline_ms
                          : (int64_t) own->attempt_ms * (own->retries + 1);
    dividere_ask_t *ask =
        dividere_asks_add (&self->asks, payload, zclock_mono () + left_ms,
                           zclock_usecs ());
    ask->strict = options->strict;
    if (options->trace) {
        ask->trace = (dividere_trace_t *) zmalloc (sizeof (*ask->trace));
        randombytes_buf (ask->trace->id, sizeof (ask->trace->id));
    }
    if (options->requeues >= 0)
        ask->requeues = (uint8_t) options->requeues;
    ask->service = self->named ? NULL : s_copy (options->service);
    return ask;
}

static dividere_ask_t *
s_ask_typed (dividere_client_t *self, const ProtobufCMessage *request,
             const dividere_request_options_t *options)
{
    assert (self);
    assert (request);
    zmq_msg_t payload;
    if (dividere_envelope_encode (request, &payload) < 0)
        return NULL;
    dividere_ask_t *ask = s_ask (self, &payload, options);
    int error = errno;
    zmq_msg_close (&payload);
    errno = error;
    if (!ask)
        return NULL;
    ask->typed = true;
    if (self->named && strncmp (request->descriptor->name, "dividere.", 9) == 0)
        dividere_asks_choosy (&self->asks, ask);
    return ask;
}

static dividere_ask_t *
s_ask_bytes (dividere_client_t *self, const void *data, size_t size,
             const dividere_request_options_t *options)
{
    assert (self);
    assert (data || !size);
    dividere_limits_t limits;
    dividere_limits_get (&limits);
    if (size > limits.size_max) {
        errno = EMSGSIZE;
        return NULL;
    }
    zmq_msg_t payload;
    int rc = zmq_msg_init_size (&payload, size);
    assert (rc == 0);
    if (size)
        memcpy (zmq_msg_data (&payload), data, size);
    dividere_ask_t *ask = s_ask (self, &payload, options);
    int error = errno;
    zmq_msg_close (&payload);
    errno = error;
    return ask;
}

/*  Hands the result over; the request is forgotten.                         */
static void
s_give (dividere_client_t *self, dividere_ask_t *ask,
        dividere_message_t *message, dividere_result_t *ret_result)
{
    dividere_message_clear (message);
    int error = ask->error;
    if (error == 0) {
        zmq_msg_move (&message->payload, &ask->payload);
        if (ask->typed && dividere_message_decode (message) < 0)
            error = errno;
    }
    *ret_result = (dividere_result_t){
        .number = ask->number,
        .error = error,
        .remote_error = ask->remote_error,
        .attempts = ask->attempts,
        .elapsed_us = ask->elapsed_us,
    };
    self->traced = ask->trace != NULL;
    if (ask->trace)
        self->trace = *ask->trace;
    dividere_asks_release (&self->asks, &ask);
}

int
dividere_client_recv (dividere_client_t *self, dividere_message_t *message,
                      dividere_result_t *ret_result, int timeout_ms)
{
    assert (self);
    assert (message);
    assert (ret_result);
    int64_t deadline_ms = dividere_deadline (timeout_ms);
    while (!self->asks.done.first && !dividere_client_process (self)) {
        if (dividere_asks_outstanding (&self->asks) == 0) {
            errno = ENOENT;
            return -1;
        }
        if (s_wait (self, deadline_ms) < 0)
            return -1;
    }
    s_give (self, dividere_asks_done (&self->asks), message, ret_result);
    return 0;
}

/*  A signal does not end it: the request is under way.                      */
static int
s_await (dividere_client_t *self, dividere_ask_t *ask,
         dividere_message_t *message)
{
    uint64_t number = ask->number;
    while (!ask->ended) {
        dividere_client_process (self);
        if (!ask->ended && s_wait (self, -1) < 0 && errno != EINTR)
            dividere_asks_cancel (&self->asks, number, zclock_usecs ());
    }
    dividere_result_t result;
    dividere_asks_take (&self->asks, ask);
    s_give (self, ask, message, &result);
    errno = result.error;
    return result.error ? -1 : 0;
}

int
dividere_client_request (dividere_client_t *self,
                         const ProtobufCMessage *request,
                         const dividere_request_options_t *options,
                         dividere_message_t *reply)
{
    assert (reply);
    dividere_ask_t *ask = s_ask_typed (self, request, options);
    return ask ? s_await (self, ask, reply) : -1;
}

int
dividere_client_request_bytes (dividere_client_t *self, const void *data,
                               size_t size,
                               const dividere_request_options_t *options,
                               dividere_message_t *reply)
{
    assert (reply);
    dividere_ask_t *ask = s_ask_bytes (self, data, size, options);
    return ask ? s_await (self, ask, reply) : -1;
}

static int
s_start (dividere_client_t *self, const dividere_ask_t *ask,
         uint64_t *ret_number)
{
    if (!ask)
        return -1;
    if (ret_number)
        *ret_number = ask->number;
    dividere_client_flush (self);
    s_arm (self);
    return 0;
}

int
dividere_client_send (dividere_client_t *self, const ProtobufCMessage *request,
                      const dividere_request_options_t *options,
                      uint64_t *ret_number)
{
    return s_start (self, s_ask_typed (self, request, options), ret_number);
}

int
dividere_client_send_bytes (dividere_client_t *self, const void *data,
                            size_t size,
                            const dividere_request_options_t *options,
                            uint64_t *ret_number)
{
    return s_start (self, s_ask_bytes (self, data, size, options), ret_number);
}

int
dividere_client_cancel (dividere_client_t *self, uint64_t number)
{
    assert (self);
    return dividere_asks_cancel (&self->asks, number, zclock_usecs ());
}

static bool
s_connected (const dividere_client_t *self)
{
    const dividere_ask_links_t *links = &self->asks.links;
    for (size_t i = 0; i < links->slots_count; i++)
        if (links->slots[i] && !links->slots[i]->full)
            return true;
    return false;
}

int
dividere_client_wait_connected (dividere_client_t *self, int timeout_ms)
{
    assert (self);
    int64_t deadline_ms = dividere_deadline (timeout_ms);
    while (dividere_client_process (self), !s_connected (self)) {
        if (self->asks.refusal) {
            errno = self->asks.refusal;
            return -1;
        }
        if (s_wait (self, deadline_ms) < 0)
            return -1;
    }
    return 0;
}
