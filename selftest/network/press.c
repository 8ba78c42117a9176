/* SPDX-License-Identifier: Apache-2.0                                       */

/*  Who publishes, and who hears and counts what it missed. The publisher lives
 *  once and its messages carry a number of its own, so that what a subscriber
 *  is told of gaps can be compared with them.                               */

#include <dividere.h>
#include "selftest.h"
#include "network.h"

#define POLL_MS 5 /* between two looks                                       */

void
network_publisher (char **args)
{
    unsigned rate = (unsigned) strtoul (args[1], NULL, 10);
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.sequenced = true;
    dividere_connector_t *press = dividere_publisher_new (args[2], &options);
    CHECK (press);
    int64_t start_ms = selftest_now_ms ();
    uint64_t paced = 0, sent = 0;
    bool ceased = false;
    network_order_t order = NETWORK_NOTHING;
    network_tell ("ready");
    while (order != NETWORK_END) {
        uint64_t due = network_due (start_ms, rate, &paced);
        while (!ceased && due--) {
            TestMsg01 message;
            char text[NETWORK_TEXT_MAX];
            network_ask (&message, text, args[0], ++sent);
            CHECK_INT (dividere_send (press, &message.base), 0);
        }
        order = network_wait (NULL, -1, 1000 / rate + 1);
        if (order == NETWORK_CEASE && !ceased) {
            ceased = true;
            network_tell ("account published=%llu", (unsigned long long) sent);
        }
    }
    dividere_connector_destroy (&press);
}

typedef struct {
    const char *name;
    dividere_connector_t *press;
    uint64_t first;
    uint64_t last;
    uint64_t received;
    bool marked; /* the next one is to be told                               */
} reader_t;

static void
s_read (reader_t *self, const dividere_message_t *message)
{
    const TestMsg01 *news =
        DIVIDERE_MESSAGE_AS (message, TestMsg01, test_msg01);
    CHECK (news);
    uint64_t number = (uint64_t) news->field2;
    /* In order, and none twice.                                             */
    CHECK (number > self->last);
    CHECK_INT (number, dividere_message_sequence (message));
    self->last = number;
    if (!self->received++)
        self->first = number;
    if (self->marked) {
        self->marked = false;
        network_tell ("answered");
    }
}

/*  What was under way when the publisher ceased may still come, and is counted
 *  no more.                                                                 */
static void
s_close (const reader_t *self)
{
    dividere_connector_stats_t stats;
    dividere_connector_stats (self->press, &stats);
    network_tell ("account first=%llu last=%llu received=%llu missed=%llu",
                  (unsigned long long) self->first,
                  (unsigned long long) self->last,
                  (unsigned long long) self->received,
                  (unsigned long long) stats.missed);
}

void
network_subscriber (char **args)
{
    reader_t self = { .name = args[0] };
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.sequenced = true;
    self.press = dividere_subscriber_new (args[1], &options);
    CHECK (self.press);
    CHECK_INT (dividere_subscribe (self.press, &test_msg01__descriptor), 0);
    dividere_message_t *message = dividere_message_new ();
    network_tell ("ready");
    network_order_t order = NETWORK_NOTHING;
    while (order != NETWORK_END) {
        while (dividere_recv_into (self.press, message, 0) == 0)
            s_read (&self, message);
        CHECK (errno == EAGAIN || errno == EINTR);
        order = network_wait (NULL, -1, POLL_MS);
        if (order == NETWORK_MARK)
            self.marked = true;
        else if (order == NETWORK_CEASE)
            s_close (&self);
    }
    dividere_message_destroy (&message);
    dividere_connector_destroy (&self.press);
}
