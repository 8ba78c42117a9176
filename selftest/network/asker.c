/* SPDX-License-Identifier: Apache-2.0                                       */

/*  Who asks, and keeps books: what became of each request, in one letter. A
 *  request that ends twice, an answer to another's question, an error that is
 *  none of a client's, and an end long after the deadline end the process.  */

#include <dividere.h>
#include "selftest.h"
#include "network.h"

#define DEADLINE_MS 4000 /* of a request of a client: time for many tries    */
#define ATTEMPT_MS  500
#define OVERDUE_MS \
    4000             /* it may end so much later, on a machine that is busy  */
#define CALL_MS 1000 /* until a caller gives a request up                    */

/*  The letters.                                                             */
enum { OPEN, ANSWERED = 'a', FAILED = 'f', UNKNOWN = 'u' };

static const int s_errors[] = { ETIMEDOUT,    ENOTCONN,   EBUSY,
                                EHOSTUNREACH, ECONNRESET, ENOTRECOVERABLE };
static const char *const s_names[] = { "timedout",    "notconn",   "busy",
                                       "unreachable", "connreset", "unknown" };
#define ERRORS (sizeof (s_errors) / sizeof (*s_errors))

typedef struct {
    const char *name;
    const char *file; /* for the letters                                     */
    unsigned rate;    /* per second                                          */
    bool strict;
    uint64_t sent;
    uint64_t ended;
    uint64_t answered;
    uint64_t mark; /* a later one that is answered is to be told; or all ones */
    bool ceased;
    int64_t slowest_ms;
    uint64_t failed[ERRORS];
    char *letters; /* by number                                              */
    size_t letters_max;
} books_t;

static void
s_books_init (books_t *self, char **args)
{
    *self = (books_t){ .name = args[0], .file = args[1], .mark = UINT64_MAX };
    self->rate = (unsigned) strtoul (args[2], NULL, 10);
}

static void
s_note_sent (books_t *self)
{
    if (++self->sent >= self->letters_max) {
        self->letters_max = self->letters_max ? 2 * self->letters_max : 4096;
        self->letters = (char *) realloc (self->letters, self->letters_max);
        CHECK (self->letters);
    }
    self->letters[self->sent] = OPEN;
}

static void
s_note_ended (books_t *self, uint64_t number, char letter, int64_t elapsed_ms)
{
    CHECK (number >= 1 && number <= self->sent);
    CHECK_INT (self->letters[number], OPEN);
    self->letters[number] = letter;
    self->ended++;
    if (elapsed_ms > self->slowest_ms)
        self->slowest_ms = elapsed_ms;
    if (letter != ANSWERED)
        return;
    self->answered++;
    if (number > self->mark) {
        self->mark = UINT64_MAX;
        network_tell ("answered");
    }
}

static void
s_note_failed (books_t *self, uint64_t number, int error, int64_t elapsed_ms)
{
    size_t i = 0;
    while (i < ERRORS && s_errors[i] != error)
        i++;
    if (i == ERRORS || (error == ENOTRECOVERABLE && !self->strict))
        selftest_fail (__FILE__, __LINE__, "request %llu ends with %s",
                       (unsigned long long) number, strerror (error));
    self->failed[i]++;
    s_note_ended (self, number, error == ENOTRECOVERABLE ? UNKNOWN : FAILED,
                  elapsed_ms);
}

static void
s_obey (books_t *self, network_order_t order)
{
    if (order == NETWORK_MARK)
        self->mark = self->sent;
    else if (order == NETWORK_CEASE)
        self->ceased = true;
}

/*  The letters into the file, and the sums as a line.                       */
static void
s_close_books (books_t *self)
{
    FILE *file = fopen (self->file, "w");
    CHECK (file);
    if (self->sent)
        CHECK_INT (fwrite (self->letters + 1, 1, self->sent, file), self->sent);
    CHECK_INT (fclose (file), 0);
    char line[500];
    int size = snprintf (line, sizeof (line),
                         "account sent=%llu answered=%llu slowest=%lld",
                         (unsigned long long) self->sent,
                         (unsigned long long) self->answered,
                         (long long) self->slowest_ms);
    for (size_t i = 0; i < ERRORS; i++)
        size +=
            snprintf (line + size, sizeof (line) - (size_t) size, " %s=%llu",
                      s_names[i], (unsigned long long) self->failed[i]);
    network_tell ("%s", line);
}

/*  ---- A reliable client ----                                              */

static void
s_send (books_t *self, dividere_client_t *client)
{
    TestMsg01 request;
    char text[NETWORK_TEXT_MAX];
    dividere_request_options_t options = DIVIDERE_REQUEST_OPTIONS_INIT;
    options.strict = self->strict;
    uint64_t number;
    s_note_sent (self);
    network_ask (&request, text, self->name, self->sent);
    CHECK_INT (dividere_client_send (client, &request.base, &options, &number),
               0);
    CHECK_INT (number, self->sent);
}

static void
s_recv (books_t *self, dividere_client_t *client, dividere_message_t *answer)
{
    dividere_result_t result;
    while (dividere_client_recv (client, answer, &result, 0) == 0) {
        int64_t elapsed_ms = result.elapsed_us / 1000;
        CHECK (elapsed_ms <= DEADLINE_MS + OVERDUE_MS);
        if (result.error) {
            s_note_failed (self, result.number, result.error, elapsed_ms);
            continue;
        }
        network_check (DIVIDERE_MESSAGE_AS (answer, TestMsg01, test_msg01),
                       self->name, result.number);
        s_note_ended (self, result.number, ANSWERED, elapsed_ms);
    }
    CHECK (errno == EAGAIN || errno == ENOENT);
}

/*  What the client says itself must be the same.                            */
static void
s_check_stats (const books_t *self, dividere_client_t *client)
{
    dividere_client_stats_t stats;
    dividere_client_stats (client, &stats);
    CHECK_INT (stats.sent, self->sent);
    CHECK_INT (stats.answered, self->answered);
    CHECK_INT (stats.failed, self->ended - self->answered);
    CHECK_INT (stats.outstanding, 0);
    CHECK_INT (stats.malformed, 0);
}

static void
s_ask (books_t *self, dividere_client_t *client, uint64_t outstanding)
{
    dividere_message_t *answer = dividere_message_new ();
    int64_t start_ms = selftest_now_ms ();
    uint64_t paced = 0;
    bool told = false;
    network_order_t order;
    network_tell ("ready");
    do {
        uint64_t due = network_due (start_ms, self->rate, &paced);
        while (!self->ceased && due-- && self->sent - self->ended < outstanding)
            s_send (self, client);
        order = network_wait (NULL, dividere_client_fd (client),
                              1000 / self->rate + 1);
        s_obey (self, order);
        s_recv (self, client, answer);
        if (self->ceased && !told && self->ended == self->sent) {
            told = true;
            s_check_stats (self, client);
            s_close_books (self);
        }
    }
    while (order != NETWORK_END);
    dividere_message_destroy (&answer);
}

void
network_asker (char **args)
{
    books_t self;
    s_books_init (&self, args);
    self.strict = strcmp (args[4], "strict") == 0;
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = DEADLINE_MS;
    options.attempt_ms = ATTEMPT_MS;
    options.retries = 1000;
    dividere_client_t *client =
        args[6] ? dividere_client_new_named (args[6], args[5], &options)
                : dividere_client_new (args[5], &options);
    CHECK (client);
    CHECK_INT (dividere_types_register (&test_msg01__descriptor), 0);
    s_ask (&self, client, strtoul (args[3], NULL, 10));
    dividere_client_destroy (&client);
    free (self.letters);
}

/*  ---- A request connector ----                                            */

/*  Asks, and waits for the answer or until it is given up: what comes then must
 *  not be taken for the next one's. Returns an order, if there is one.      */
static network_order_t
s_call (books_t *self, dividere_connector_t *request,
        dividere_message_t *answer)
{
    TestMsg01 message;
    char text[NETWORK_TEXT_MAX];
    s_note_sent (self);
    network_ask (&message, text, self->name, self->sent);
    int64_t start_ms = selftest_now_ms ();
    if (dividere_send_to (request, NULL, &message.base, CALL_MS) == 0 &&
        dividere_recv_into (request, answer, CALL_MS) == 0) {
        network_check (DIVIDERE_MESSAGE_AS (answer, TestMsg01, test_msg01),
                       self->name, self->sent);
        s_note_ended (self, self->sent, ANSWERED,
                      selftest_now_ms () - start_ms);
    }
    else {
        CHECK (errno == EAGAIN);
        s_note_failed (self, self->sent, ETIMEDOUT,
                       selftest_now_ms () - start_ms);
    }
    return network_wait (NULL, -1, 1000 / self->rate);
}

void
network_caller (char **args)
{
    books_t self;
    s_books_init (&self, args);
    dividere_connector_t *request = dividere_request_new (args[3], NULL);
    CHECK (request);
    CHECK_INT (dividere_types_register (&test_msg01__descriptor), 0);
    dividere_message_t *answer = dividere_message_new ();
    network_tell ("ready");
    network_order_t order = NETWORK_NOTHING;
    while (order != NETWORK_END && !self.ceased) {
        order = s_call (&self, request, answer);
        s_obey (&self, order);
    }
    s_close_books (&self);
    while (order != NETWORK_END)
        order = network_wait (NULL, -1, -1);
    dividere_message_destroy (&answer);
    dividere_connector_destroy (&request);
    free (self.letters);
}
