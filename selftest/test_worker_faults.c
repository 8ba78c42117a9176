/* SPDX-License-Identifier: Apache-2.0 */

/*  The worker when something goes wrong: brokers that go, are silent, do not
 *  read or send garbage; and how it ends.                                   */

#include "selftest.h"
#include "brokered.h"
#include "employed.h"
#include "frame.h"

void test_worker_reconnect (void);
void test_worker_reconnect_plain (void);
void test_worker_silence (void);
void test_worker_stop_returns (void);
void test_worker_stop_plain (void);
void test_worker_farewell (void);
void test_worker_stuck (void);
void test_worker_drain (void);
void test_worker_disconnect (void);
void test_worker_frames (void);
void test_worker_flooded (void);
void test_worker_unread (void);
void test_worker_inproc (void);

static void
s_stop (zactor_t **worker_p)
{
    CHECK_INT (dividere_stop (worker_p, SELFTEST_DEADLINE), 0);
}

static void
s_reopen (employer_t *broker)
{
    char *endpoint = strdup (broker->endpoint);
    employer_close (broker);
    employer_open (broker, endpoint);
    free (endpoint);
}

/*  A broker that comes back is told at once who is there, and what it holds; an
 *  answer that was ready meanwhile comes after that.                        */
void
test_worker_reconnect (void)
{
    static const char *const settings[] = { "credit", "2", NULL };
    employer_t broker;
    employer_open (&broker, selftest_ipc ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, settings, broker.endpoint);
    employer_hire (&broker);
    employer_ask (&broker, 1, "wait 1");
    employer_ask (&broker, 2, "wait 2");
    employed_await (&work);
    CHECK_EVENTUALLY (employed_stat (worker, "received") == 2);
    char *endpoint = strdup (broker.endpoint);
    employer_close (&broker);
    CHECK_EVENTUALLY (streq (employed_state (worker, endpoint), "connecting"));
    sem_post (&work.gate);
    employed_await (&work);
    employer_open (&broker, endpoint);
    dividere_heartbeat_t sign = employer_hear (&broker);
    CHECK_STR (broker.worker, EMPLOYED_NAME);
    CHECK (sign.fresh);
    CHECK_INT (sign.holding_count, 2);
    CHECK_INT (dividere_heartbeat_held (&sign, 0).number +
                   dividere_heartbeat_held (&sign, 1).number,
               3);
    CHECK_INT (employer_answer (&broker, 1, "wait 1"), DIVIDERE_STATUS_OK);
    sem_post (&work.gate);
    CHECK_INT (employer_answer (&broker, 2, "wait 2"), DIVIDERE_STATUS_OK);
    CHECK (employed_stat (worker, "reconnects") > 0);
    employer_agree (&broker, 1, EMPLOYED_INTERVAL);

    for (int i = 0; i < 3; i++) {
        s_reopen (&broker);
        employer_hire (&broker);
        employer_ask (&broker, 3, "again");
        CHECK_INT (employer_answer (&broker, 3, "again"), DIVIDERE_STATUS_OK);
    }
    CHECK_INT (work.calls, 3);
    CHECK (employed_stat (worker, "reconnects") > 3);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
    free (endpoint);
}

/*  To one that is not known to be of this library, the registration would say
 *  that the request in hand is done.                                        */
void
test_worker_reconnect_plain (void)
{
    employer_t broker;
    employer_open (&broker, selftest_ipc ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, NULL, broker.endpoint);
    CHECK (employer_hear (&broker).fresh);
    brokered_send (broker.router, broker.worker, "client", "", "wait", NULL);
    employed_await (&work);
    s_reopen (&broker);
    CHECK_EVENTUALLY (employed_stat (worker, "reconnects") > 0);
    CHECK (employer_is_left_alone (&broker, 50));
    CHECK_STR (employed_state (worker, broker.endpoint), "connecting");
    sem_post (&work.gate);
    CHECK_INT (zmsg_size (employer_recv (&broker)), 3);
    CHECK (zframe_streq (zmsg_last (broker.message), "wait"));
    CHECK (employer_hear (&broker).fresh);
    CHECK_STR (employed_state (worker, broker.endpoint), "registered");
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

/*  One that is there and says nothing is connected to anew, under the same
 *  name, and what it was owed is not forgotten.                             */
void
test_worker_silence (void)
{
    static const char *const settings[] = { "heartbeat", "60000", NULL };
    employer_t broker;
    employer_open (&broker, selftest_ipc ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, settings, broker.endpoint);
    CHECK (employer_hear (&broker).fresh);
    employer_agree (&broker, 1, EMPLOYED_INTERVAL);
    employer_ask (&broker, 1, "wait");
    employed_await (&work);
    employer_tell (&broker, 2, 20, false);
    CHECK_INT (employer_hear (&broker).number, 2);
    dividere_heartbeat_t sign;
    int64_t since_ms = selftest_now_ms ();
    do
        sign = employer_hear (&broker);
    while (!sign.fresh);
    CHECK (selftest_now_ms () - since_ms >= 60);
    CHECK_INT (sign.holding_count, 1);
    CHECK_STR (broker.worker, EMPLOYED_NAME);
    employer_agree (&broker, 3, EMPLOYED_INTERVAL);
    sem_post (&work.gate);
    CHECK_INT (employer_answer (&broker, 1, "wait"), DIVIDERE_STATUS_OK);
    CHECK (employed_stat (worker, "reconnects") > 0);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

typedef struct {
    zactor_t *worker;
    int result;
} stopper_t;

static void *
s_run_stop (void *arg)
{
    stopper_t *stopper = (stopper_t *) arg;
    stopper->result = dividere_stop (&stopper->worker, SELFTEST_DEADLINE);
    return NULL;
}

/*  What waits is given back, what runs is finished.                         */
void
test_worker_stop_returns (void)
{
    static const char *const settings[] = { "credit", "9", NULL };
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    stopper_t stopper = {
        employed_start_work (&work, settings, broker.endpoint), -2
    };
    employer_hire (&broker);
    for (uint64_t number = 1; number <= 3; number++)
        employer_ask (&broker, number, "wait");
    employed_await (&work);
    CHECK_EVENTUALLY (employed_stat (stopper.worker, "waiting") == 2);
    pthread_t thread;
    CHECK_INT (pthread_create (&thread, NULL, s_run_stop, &stopper), 0);
    CHECK (employer_hear (&broker).draining);
    CHECK_INT (employer_answer (&broker, 2, NULL), DIVIDERE_STATUS_RETURNED);
    CHECK_INT (employer_answer (&broker, 3, NULL), DIVIDERE_STATUS_RETURNED);
    /* It was on its way when the worker said goodbye.                       */
    employer_ask (&broker, 4, "late");
    CHECK_INT (employer_answer (&broker, 4, NULL), DIVIDERE_STATUS_RETURNED);
    employer_ask (&broker, 1, "wait");
    employer_tell (&broker, 2, EMPLOYED_INTERVAL, true);
    CHECK (employer_hear (&broker).draining);
    sem_post (&work.gate);
    CHECK_INT (employer_answer (&broker, 1, "wait"), DIVIDERE_STATUS_OK);
    pthread_join (thread, NULL);
    CHECK_INT (stopper.result, 0);
    CHECK_INT (work.calls, 1);
    employed_work_term (&work);
    employer_close (&broker);
}

/*  A broker of the Python package cannot give anything to another.          */
void
test_worker_stop_plain (void)
{
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    stopper_t stopper = { employed_start_work (&work, NULL, broker.endpoint),
                          -2 };
    CHECK (employer_hear (&broker).fresh);
    brokered_send (broker.router, broker.worker, "client", "", "wait", NULL);
    employer_ask (&broker, 1, "waits");
    employer_ask (&broker, 2, "waits");
    employed_await (&work);
    CHECK_EVENTUALLY (employed_stat (stopper.worker, "waiting") == 2);
    pthread_t thread;
    CHECK_INT (pthread_create (&thread, NULL, s_run_stop, &stopper), 0);
    CHECK (employer_is_left_alone (&broker, 50));
    sem_post (&work.gate);
    CHECK_INT (zmsg_size (employer_recv (&broker)), 3);
    pthread_join (thread, NULL);
    CHECK_INT (stopper.result, 0);
    CHECK_INT (work.calls, 1);
    CHECK (employer_is_left_alone (&broker, 50));
    employed_work_term (&work);
    employer_close (&broker);
}

/*  What the broker has sent before it agrees is not lost. False if the worker
 *  did not wait any more.                                                   */
static bool
s_is_awaited (void)
{
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    stopper_t stopper = { employed_start_work (&work, NULL, broker.endpoint),
                          -2 };
    employer_hire (&broker);
    pthread_t thread;
    CHECK_INT (pthread_create (&thread, NULL, s_run_stop, &stopper), 0);
    CHECK (employer_hear (&broker).draining);
    /* It has nothing else to do by then.                                    */
    CHECK (employer_is_left_alone (&broker, 20));
    bool awaited =
        employer_try_ask (&broker, 1) && !employer_is_left_alone (&broker, 50);
    if (awaited) {
        CHECK_INT (employer_answer (&broker, 1, NULL),
                   DIVIDERE_STATUS_RETURNED);
        employer_tell (&broker, 2, EMPLOYED_INTERVAL, true);
    }
    pthread_join (thread, NULL);
    CHECK_INT (stopper.result, 0);
    CHECK_INT (work.calls, 0);
    employed_work_term (&work);
    employer_close (&broker);
    return awaited;
}

void
test_worker_farewell (void)
{
    bool awaited = false;
    for (int i = 0; i < 20 && !awaited; i++)
        awaited = s_is_awaited ();
    CHECK (awaited);
}

static char s_line[500];

static void
s_keep_line (dividere_log_level_t level, const char *line, void *arg)
{
    snprintf (s_line, sizeof (s_line), "%s", line);
}

/*  A handler that does not return is named, and is not lost sight of because of
 *  others that do.                                                          */
void
test_worker_stuck (void)
{
    static const char *const settings[] = { "threads", "2", NULL };
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, settings, broker.endpoint);
    employer_hire (&broker);
    employer_ask (&broker, 1, "wait");
    employed_await (&work);
    employer_ask (&broker, 2, "short");
    CHECK_INT (employer_answer (&broker, 2, "short"), DIVIDERE_STATUS_OK);
    char activity[100];
    CHECK_INT (dividere_actor_activity (worker, activity, sizeof (activity)),
               0);
    CHECK_STR (activity, "worker: on_bytes");
    dividere_log_set (DIVIDERE_LOG_ERROR, s_keep_line, NULL);
    CHECK_FAILS (dividere_stop (&worker, 20), ETIMEDOUT);
    CHECK (strstr (s_line, "worker: on_bytes"));
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    CHECK (employer_hear (&broker).draining);
    sem_post (&work.gate);
    CHECK_INT (employer_answer (&broker, 1, "wait"), DIVIDERE_STATUS_OK);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

static void
s_send_command (zactor_t *worker, const char *command, const char *argument)
{
    zstr_sendx (worker, command, argument, NULL);
}

/*  The status of a command that was sent by that.                           */
static int
s_status (zactor_t *worker)
{
    char *status = zstr_recv (worker);
    CHECK (status);
    int error = (int) strtol (status, NULL, 10);
    free (status);
    return error;
}

/*  What is in hand is answered, what comes before the broker agrees is handled;
 *  only then the reply comes.                                               */
void
test_worker_drain (void)
{
    employer_t broker;
    employer_open (&broker, selftest_ipc ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, NULL, broker.endpoint);
    employer_hire (&broker);
    employer_ask (&broker, 1, "wait");
    employed_await (&work);
    s_send_command (worker, "DRAIN", NULL);
    CHECK (employer_hear (&broker).draining);
    s_send_command (worker, "DRAIN", NULL);
    CHECK_INT (s_status (worker), EALREADY);
    employer_ask (&broker, 2, "late");
    sem_post (&work.gate);
    CHECK_INT (employer_answer (&broker, 1, "wait"), DIVIDERE_STATUS_OK);
    CHECK_INT (employer_answer (&broker, 2, "late"), DIVIDERE_STATUS_OK);
    s_send_command (worker, "PING", NULL);
    CHECK_INT (s_status (worker), 0);
    employer_tell (&broker, 2, EMPLOYED_INTERVAL, true);
    CHECK_INT (s_status (worker), 0);
    CHECK (employer_hear (&broker).draining);

    /* A broker that comes back is not asked for work any more.              */
    s_reopen (&broker);
    CHECK_EVENTUALLY (employed_stat (worker, "reconnects") > 0);
    CHECK (employer_is_left_alone (&broker, 50));
    CHECK_INT (employed_stat (worker, "registered"), 0);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

/*  One broker less, the other does not notice. A reply to one that is gone is
 *  dropped then.                                                            */
void
test_worker_disconnect (void)
{
    employer_t brokers[2];
    employer_open (&brokers[0], selftest_ipc ());
    employer_open (&brokers[1], selftest_ipc ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, NULL, brokers[0].endpoint);
    CHECK_INT (dividere_call (worker, NULL, -1, "CONNECT", brokers[1].endpoint,
                              NULL),
               0);
    employer_hire (&brokers[0]);
    employer_hire (&brokers[1]);
    employer_ask (&brokers[0], 1, "wait");
    employed_await (&work);
    s_send_command (worker, "DISCONNECT", brokers[0].endpoint);
    CHECK (employer_hear (&brokers[0]).draining);
    s_send_command (worker, "DISCONNECT", brokers[0].endpoint);
    CHECK_INT (s_status (worker), EALREADY);
    employer_tell (&brokers[0], 2, EMPLOYED_INTERVAL, true);
    CHECK (employer_hear (&brokers[0]).draining);
    employer_close (&brokers[0]);
    CHECK_EVENTUALLY (employed_stat (worker, "registered") == 1);
    sem_post (&work.gate);
    CHECK_INT (s_status (worker), 0);
    CHECK_INT (employed_stat (worker, "brokers"), 1);
    CHECK_INT (employed_stat (worker, "dropped"), 1);
    employer_ask (&brokers[1], 2, "other");
    CHECK_INT (employer_answer (&brokers[1], 2, "other"), DIVIDERE_STATUS_OK);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&brokers[1]);
}

static void
s_send_frames (employer_t *broker, size_t count, const void *data, size_t size)
{
    zmsg_t *message = zmsg_new ();
    zmsg_addstr (message, broker->worker);
    for (size_t i = 0; i < count; i++)
        zmsg_addmem (message, data, size);
    CHECK_INT (zmsg_send (&message, broker->router), 0);
}

/*  Counted and dropped, and the next request is answered.                   */
void
test_worker_frames (void)
{
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, NULL, broker.endpoint);
    employer_hire (&broker);
    size_t large_size = 1000000;
    char *large = (char *) zmalloc (large_size);
    s_send_frames (&broker, 1, "", 0);
    s_send_frames (&broker, 1, "\x02", 1);
    s_send_frames (&broker, 1, "garbage", 7);
    s_send_frames (&broker, 1, large, large_size);
    s_send_frames (&broker, 1000, "x", 1);
    s_send_frames (&broker, 18, "", 0);

    /* A good one, but too large to be read.                                 */
    dividere_correlation_t *holding =
        (dividere_correlation_t *) zmalloc (5000 * sizeof (*holding));
    dividere_heartbeat_t heartbeat = { .id = "x",
                                       .id_size = 1,
                                       .version = 1,
                                       .number = 9,
                                       .holding_count = 5000 };
    zmq_msg_t frame;
    dividere_heartbeat_encode (&heartbeat, holding, &frame);
    s_send_frames (&broker, 1, zmq_msg_data (&frame), zmq_msg_size (&frame));
    zmq_msg_close (&frame);
    free (holding);
    free (large);
    CHECK_EVENTUALLY (employed_stat (worker, "malformed") == 7);

    /* Requests, however odd: an empty one without a client, one that says an
       unknown status, one that looks like a sign of life.                   */
    s_send_frames (&broker, 2, "", 0);
    CHECK_INT (zmsg_size (employer_recv (&broker)), 2);
    dividere_extension_t odd = { .id = { EMPLOYED_CLIENT, 1 },
                                 .status = 200,
                                 .flags = 255,
                                 .left_ms = UINT32_MAX };
    employer_ask_extended (&broker, &odd, "\x02", 1);
    CHECK_INT (employer_answer (&broker, 1, "\x02"), DIVIDERE_STATUS_OK);
    CHECK_STR (employed_state (worker, broker.endpoint), "c");
    CHECK_INT (employed_stat (worker, "dropped"), 0);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

/*  A broker that does not keep to the credit: what is too much is dropped, and
 *  the broker can see by the signs of life that it was.                     */
void
test_worker_flooded (void)
{
    enum { FLOOD = 1000 };
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, NULL, broker.endpoint);
    employer_hire (&broker);
    for (uint64_t number = 1; number <= FLOOD; number++)
        employer_ask (&broker, number, number == 1 ? "wait" : "x");
    CHECK_EVENTUALLY (employed_stat (worker, "received") == FLOOD);
    employer_tell (&broker, 2, EMPLOYED_INTERVAL, false);
    dividere_heartbeat_t sign = employer_hear (&broker);
    CHECK_INT (sign.holding_count + employed_stat (worker, "dropped"), FLOOD);
    CHECK (sign.holding_count < FLOOD / 2);
    size_t answers = sign.holding_count;
    sem_post (&work.gate);
    for (size_t i = 0; i < answers; i++)
        CHECK_INT (zmsg_size (employer_recv (&broker)), 4);
    CHECK_INT (work.calls, answers);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

/*  A broker that does not read: answers wait until it does, in order, and the
 *  worker goes on to serve the other.                                       */
void
test_worker_unread (void)
{
    static const char *const settings[] = { "credit", "1000", "window", "0",
                                            NULL };
    employer_t brokers[2];
    employer_open (&brokers[0], selftest_tcp ());
    employer_open (&brokers[1], selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker =
        employed_start_work (&work, settings, brokers[0].endpoint);
    CHECK_INT (dividere_call (worker, NULL, -1, "CONNECT", brokers[1].endpoint,
                              NULL),
               0);
    employer_hire (&brokers[0]);
    employer_hire (&brokers[1]);
    /* More than all queues on the way back have room for.                   */
    size_t size = 4000;
    char *payload = (char *) zmalloc (size + 1);
    memset (payload, 'x', size);
    uint64_t asked = 0;
    while (employed_stat (worker, "replied") == asked) {
        for (int i = 0; i < 500; i++)
            employer_ask (&brokers[0], ++asked, payload);
        CHECK_EVENTUALLY (employed_stat (worker, "handled") == asked);
        CHECK (asked < 100000);
    }
    selftest_note ("%llu requests", (unsigned long long) asked);
    employer_ask (&brokers[1], 1, "other");
    CHECK_INT (employer_answer (&brokers[1], 1, "other"), DIVIDERE_STATUS_OK);
    for (uint64_t number = 1; number <= asked; number++)
        CHECK_INT (employer_answer (&brokers[0], number, payload),
                   DIVIDERE_STATUS_OK);
    CHECK_INT (employed_stat (worker, "dropped"), 0);
    CHECK_INT (employed_stat (worker, "replied"), asked + 1);
    free (payload);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&brokers[0]);
    employer_close (&brokers[1]);
}

/*  The frame that is sent shares its bytes with the one that is kept.       */
static void
s_ask_shared (employer_t *broker, zmq_msg_t *kept)
{
    zmq_msg_t frame;
    void *handle = zsock_resolve (broker->router);
    zmq_msg_init (&frame);
    zmq_msg_copy (&frame, kept);
    zstr_sendm (broker->router, broker->worker);
    zstr_sendm (broker->router, "client");
    CHECK_INT (dividere_frame_send (&frame, handle, ZMQ_SNDMORE), 0);
    zstr_sendm (broker->router, "");
    zstr_send (broker->router, "fail");
}

/*  Within a process a frame can belong to the broker, too: what the worker says
 *  in its answer must not show there.                                       */
static void
s_check_shared (employer_t *broker)
{
    dividere_extension_t extension = { .id = { EMPLOYED_CLIENT, 9 },
                                       .left_ms = UINT32_MAX,
                                       .service = "of a long name",
                                       .service_size = 14 };
    zmq_msg_t kept;
    CHECK_INT (zmq_msg_init_size (&kept, dividere_extension_size (&extension)),
               0);
    dividere_extension_write (&extension, zmq_msg_data (&kept));
    s_ask_shared (broker, &kept);
    CHECK_INT (employer_answer (broker, 9, NULL), DIVIDERE_STATUS_FAILED);
    CHECK (dividere_extension_parse (zmq_msg_data (&kept), zmq_msg_size (&kept),
                                     &extension));
    CHECK_INT (extension.status, DIVIDERE_STATUS_OK);
    zmq_msg_close (&kept);
}

/*  Where there is no handshake: the worker may come first; a broker that is
 *  gone is silent, and found again.                                         */
void
test_worker_inproc (void)
{
    const char *endpoint = selftest_inproc ();
    employed_work_t work;
    employed_work_init (&work);
    static const char *const settings[] = { "heartbeat", "20", NULL };
    zactor_t *worker = employed_start_work (&work, settings, endpoint);
    /* Nobody is there: that is no silence.                                  */
    CHECK_EVENTUALLY (employed_stat (worker, "heartbeats_sent") > 4);
    CHECK_INT (employed_stat (worker, "reconnects"), 0);
    employer_t broker;
    employer_open (&broker, endpoint);
    for (int i = 0; i < 3; i++) {
        employer_hire (&broker);
        employer_ask (&broker, 1, "hello");
        CHECK_INT (employer_answer (&broker, 1, "hello"), DIVIDERE_STATUS_OK);
        employer_tell (&broker, 2, 20, false);
        CHECK_INT (employer_hear (&broker).number, 2);
        s_reopen (&broker);
    }
    employer_hire (&broker);
    s_check_shared (&broker);
    CHECK_INT (work.calls, 2);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}
