/* SPDX-License-Identifier: Apache-2.0 */

/*  The backlog, without sockets: order, turns, limits, age.                 */

#include "selftest.h"
#include "backlog.h"

void test_backlog_order (void);
void test_backlog_limits (void);
void test_backlog_age (void);
void test_backlog_model (void);

static void
s_add (dividere_parcel_t *parcel, const void *data, size_t size)
{
    zmq_msg_t frame;
    zmq_msg_init_size (&frame, size);
    memcpy (zmq_msg_data (&frame), data, size);
    dividere_parcel_add (parcel, &frame);
    CHECK_INT (zmq_msg_size (&frame), 0);
    zmq_msg_close (&frame);
}

static int
s_put (dividere_backlog_t *backlog, const char *address, uint32_t number,
       size_t size, int64_t now_ms)
{
    dividere_parcel_t *parcel = dividere_parcel_new ();
    s_add (parcel, address, strlen (address));
    uint8_t *body = (uint8_t *) calloc (1, size + sizeof (number));
    memcpy (body, &number, sizeof (number));
    s_add (parcel, body, size + sizeof (number));
    free (body);
    int rc = dividere_backlog_put (backlog, &parcel, now_ms);
    CHECK (!parcel);
    return rc;
}

static uint32_t
s_number (const dividere_parcel_t *parcel)
{
    uint32_t number;
    CHECK_INT (parcel->count, 2);
    memcpy (&number, zmq_msg_data (&parcel->frames[1]), sizeof (number));
    return number;
}

static bool
s_is_to (const dividere_parcel_t *parcel, const char *address)
{
    return zmq_msg_size (&parcel->frames[0]) == strlen (address) &&
           memcmp (zmq_msg_data (&parcel->frames[0]), address,
                   strlen (address)) == 0;
}

static dividere_backlog_t *
s_backlog (size_t bytes, size_t total, int64_t age)
{
    dividere_backlog_limits_t limits = { bytes, total, age };
    dividere_backlog_t *backlog = dividere_backlog_new ();
    dividere_backlog_limit (backlog, &limits);
    return backlog;
}

/*  Each peer's in order; the turn stays until it is passed.                 */
void
test_backlog_order (void)
{
    dividere_backlog_t *backlog = s_backlog (100000, 100000, 1000);
    CHECK (!dividere_backlog_next (backlog));
    CHECK (!dividere_backlog_holds (backlog, "a", 1));
    for (uint32_t i = 0; i < 6; i++)
        CHECK_INT (s_put (backlog, i % 2 ? "b" : "a", i, 10, 0), 0);
    CHECK_INT (s_put (backlog, "", 7, 0, 0), 0);
    CHECK (dividere_backlog_holds (backlog, "a", 1));
    CHECK (dividere_backlog_holds (backlog, "", 0));
    CHECK (!dividere_backlog_holds (backlog, "c", 1));
    CHECK_INT (dividere_backlog_peers (backlog), 3);
    CHECK_INT (dividere_backlog_parcels (backlog), 7);
    CHECK_INT (s_number (dividere_backlog_next (backlog)), 0);
    dividere_backlog_sent (backlog);
    CHECK_INT (s_number (dividere_backlog_next (backlog)), 2);
    dividere_backlog_pass (backlog);
    CHECK_INT (s_number (dividere_backlog_next (backlog)), 1);
    CHECK_INT (dividere_backlog_forget (backlog), 3);
    CHECK (!dividere_backlog_holds (backlog, "b", 1));
    CHECK (s_is_to (dividere_backlog_next (backlog), ""));
    dividere_backlog_sent (backlog);
    CHECK_INT (s_number (dividere_backlog_next (backlog)), 2);
    dividere_backlog_sent (backlog);
    CHECK_INT (s_number (dividere_backlog_next (backlog)), 4);
    dividere_backlog_sent (backlog);
    CHECK (!dividere_backlog_next (backlog));
    CHECK_INT (dividere_backlog_bytes (backlog), 0);
    CHECK_INT (s_put (backlog, "a", 9, 10, 0), 0);
    dividere_backlog_destroy (&backlog);
    CHECK (!backlog);
    dividere_backlog_destroy (&backlog);
}

/*  Of one peer, of all; and many small frames cost what they take.          */
void
test_backlog_limits (void)
{
    dividere_backlog_t *backlog = s_backlog (10000, 25000, 1000);
    CHECK_FAILS (s_put (backlog, "a", 0, 10000, 0), ENOBUFS);
    CHECK (!dividere_backlog_holds (backlog, "a", 1));
    for (uint32_t i = 0; i < 3; i++)
        CHECK_INT (s_put (backlog, "a", i, 3000, 0), 0);
    CHECK_FAILS (s_put (backlog, "a", 3, 3000, 0), ENOBUFS);
    for (uint32_t i = 0; i < 3; i++)
        CHECK_INT (s_put (backlog, "b", i, 3000, 0), 0);
    CHECK_INT (s_put (backlog, "c", 0, 3000, 0), 0);
    CHECK_FAILS (s_put (backlog, "c", 1, 6000, 0), ENOBUFS);
    CHECK_INT (dividere_backlog_parcels (backlog), 7);
    while (dividere_backlog_next (backlog))
        dividere_backlog_sent (backlog);
    uint32_t count = 0;
    while (s_put (backlog, "a", count, 0, 0) == 0)
        count++;
    CHECK (count > 10 && count < 50);
    dividere_backlog_destroy (&backlog);
}

void
test_backlog_age (void)
{
    dividere_backlog_t *backlog = s_backlog (100000, 100000, 100);
    for (uint32_t i = 0; i < 10; i++)
        CHECK_INT (s_put (backlog, i < 5 ? "a" : "b", i, 0, i * 10), 0);
    CHECK_INT (dividere_backlog_expire (backlog, 100), 0);
    CHECK_INT (dividere_backlog_expire (backlog, 101), 1);
    CHECK_INT (s_number (dividere_backlog_next (backlog)), 1);
    CHECK_INT (dividere_backlog_expire (backlog, 171), 7);
    CHECK (!dividere_backlog_holds (backlog, "a", 1));
    CHECK_INT (s_number (dividere_backlog_next (backlog)), 8);
    CHECK_INT (dividere_backlog_expire (backlog, 1000), 2);
    CHECK_INT (dividere_backlog_expire (backlog, 1000), 0);
    CHECK_INT (dividere_backlog_bytes (backlog), 0);
    dividere_backlog_destroy (&backlog);
}

#define MODEL_PEERS 40

/*  Anything in any order, against counters.                                 */
void
test_backlog_model (void)
{
    dividere_backlog_t *backlog = s_backlog (3000, 50000, 1000000);
    uint64_t random = 7;
    uint32_t put[MODEL_PEERS] = { 0 }, taken[MODEL_PEERS] = { 0 };
    size_t waiting = 0;
    for (size_t i = 0; i < selftest_scaled (100000); i++) {
        uint64_t choice = selftest_random (&random) % 10;
        uint32_t peer = (uint32_t) (selftest_random (&random) % MODEL_PEERS);
        char address[16];
        snprintf (address, sizeof (address), "peer-%u", peer);
        dividere_parcel_t *next = dividere_backlog_next (backlog);
        CHECK_INT (dividere_backlog_holds (backlog, address, strlen (address)),
                   put[peer] > taken[peer]);
        CHECK_INT (next != NULL, waiting > 0);
        if (choice < 5 || !next) {
            if (s_put (backlog, address, put[peer], 20, (int64_t) i) == 0) {
                put[peer]++;
                waiting++;
            }
            continue;
        }
        for (peer = 0; peer < MODEL_PEERS; peer++) {
            snprintf (address, sizeof (address), "peer-%u", peer);
            if (s_is_to (next, address))
                break;
        }
        CHECK (peer < MODEL_PEERS);
        CHECK_INT (s_number (next), taken[peer]);
        if (choice < 7) {
            dividere_backlog_sent (backlog);
            taken[peer]++;
            waiting--;
        }
        else if (choice < 9)
            dividere_backlog_pass (backlog);
        else {
            size_t gone = dividere_backlog_forget (backlog);
            CHECK_INT (gone, put[peer] - taken[peer]);
            taken[peer] = put[peer];
            waiting -= gone;
        }
        CHECK_INT (dividere_backlog_parcels (backlog), waiting);
    }
    dividere_backlog_destroy (&backlog);
}
