/* SPDX-License-Identifier: Apache-2.0 */

/*  The broker's process: nothing else is in its memory.                      */

#include <malloc.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <dividere.h>
#include "relay.h"
#include "selftest.h"
#include "soak.h"

static uint64_t
s_resident (void)
{
    FILE *file = fopen ("/proc/self/statm", "r");
    size_t pages = 0;
    CHECK (file);
    CHECK_INT (fscanf (file, "%*u %zu", &pages), 1);
    fclose (file);
    return pages * (size_t) sysconf (_SC_PAGESIZE);
}

static uint64_t
s_allocated (void)
{
    struct mallinfo2 info = mallinfo2 ();
    return info.uordblks + info.hblkhd;
}

static void
s_note (soak_report_t *report, const char *name, uint64_t value)
{
    const struct {
        const char *name;
        uint64_t *to;
    } notes[] = {
        { "workers", &report->workers },    { "pending", &report->requests },
        { "in_flight", &report->requests }, { "received", &report->received },
        { "requeued", &report->requeued },
    };
    for (size_t i = 0; i < sizeof (notes) / sizeof (notes[0]); i++)
        if (streq (notes[i].name, name))
            *notes[i].to += value;
}

static void
s_look (zactor_t *broker, uint64_t own, soak_report_t *ret_report)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (broker, &reply, SELFTEST_DEADLINE, "STATS", NULL),
               0);
    *ret_report = (soak_report_t){ .cpu_us = (uint64_t) clock (),
                                   .resident = s_resident (),
                                   .allocated = s_allocated () };
    char *name;
    while ((name = zmsg_popstr (reply))) {
        char *value = zmsg_popstr (reply);
        s_note (ret_report, name, strtoull (value, NULL, 10));
        free (name);
        free (value);
    }
    zmsg_destroy (&reply);
    dividere_room_t room;
    dividere_room_get (&room);
    ret_report->connections =
        room.descriptors_open > own ? room.descriptors_open - own : 0;
}

/*  The first process reads where it is: two ports.                           */
static void
s_tell_ports (zactor_t *broker)
{
    char line[40];
    char *frontend = relay_bind (broker, "frontend", "tcp://127.0.0.1:*");
    char *backend = relay_bind (broker, "backend", "tcp://127.0.0.1:*");
    int size =
        snprintf (line, sizeof (line), "%s %s\n", strrchr (frontend, ':') + 1,
                  strrchr (backend, ':') + 1);
    CHECK_INT (write (STDIN_FILENO, line, (size_t) size), size);
    free (frontend);
    free (backend);
}

void
soak_broker (const soak_part_t *part)
{
    soak_report_t report;
    dividere_log_set (DIVIDERE_LOG_WARNING, NULL, NULL);
    zactor_t *broker = zactor_new (dividere_broker, NULL);
    relay_set (broker, "workers_max", (int) part->plan.workers * 2 + 10);
    s_tell_ports (broker);
    dividere_room_t room;
    dividere_room_get (&room);
    int order;
    while ((order = soak_wait (NULL, -1)) >= 0) {
        if (order != SOAK_TELL)
            continue;
        s_look (broker, room.descriptors_open, &report);
        if (soak_tell (&report) < 0)
            break;
    }
    dividere_stop (&broker, SELFTEST_DEADLINE);
}
