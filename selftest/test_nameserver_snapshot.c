/* SPDX-License-Identifier: Apache-2.0 */

/*  The file of a name server.                                               */

#include "selftest.h"
#include <sys/stat.h>
#include <unistd.h>
#include "named.h"

void test_nameserver_snapshot (void);
void test_nameserver_snapshot_refused (void);

static char *
s_path (const char *folder, const char *name)
{
    return zsys_sprintf ("%s/%s", folder, name);
}

/*  A REQ never learns that what it sent along the old connection is lost.    */
static void
s_restart (named_t *names, named_peer_t *peer, const char *const *settings)
{
    named_disconnect (peer);
    named_restart (names, settings);
    named_connect (peer, ZMQ_REQ, names->requests);
}

/*  Written on request, by and by and at the end; a lease begins anew.       */
void
test_nameserver_snapshot (void)
{
    char *folder = selftest_folder ();
    char *path = s_path (folder, "names");
    const char *settings[] = { "snapshot", path, "snapshot_interval", "10",
                               NULL };
    named_t names;
    named_peer_t peer;
    named_start (&names, NAMED_TCP, settings);
    named_connect (&peer, ZMQ_REQ, names.requests);
    CHECK (access (path, F_OK) < 0);
    CHECK (named_register (&peer, "a", 1));
    CHECK_EVENTUALLY (named_stat (&names, "snapshots") == 1);
    CHECK_INT (named_native (&peer, "b", 2, 7, 20000, false), 0);
    CHECK_INT (named_command (&names, "SNAPSHOT", NULL, NULL), 0);
    uint64_t count = named_stat (&names, "snapshots");
    CHECK (count >= 2);
    s_restart (&names, &peer, settings);
    CHECK_INT (named_lookup (&peer, "a"), 1);
    const named_found_t *found = named_list (&peer, "b", 1);
    CHECK_INT (found->n_instances, 1);
    CHECK (found->instances[0]->instance == 7 &&
           found->instances[0]->lease_ms == 20000);
    /* Nothing has changed: nothing is written.                              */
    CHECK_INT (named_stat (&names, "snapshots"), 0);
    named_set (&names, "snapshot_interval", "86400000");
    CHECK (named_register (&peer, "c", 3));
    CHECK_EVENTUALLY (named_stat (&names, "snapshots") == 1);
    CHECK (named_register (&peer, "d", 4));
    s_restart (&names, &peer, settings);
    CHECK_INT (named_lookup (&peer, "d"), 4);
    CHECK_INT (named_stat (&names, "instances"), 4);
    named_disconnect (&peer);
    named_stop (&names);
    CHECK_INT (unlink (path), 0);
    CHECK_INT (rmdir (folder), 0);
    freen (path);
    freen (folder);
}

static void
s_write (const char *path, const char *text)
{
    FILE *file = fopen (path, "w");
    CHECK (file);
    CHECK (fputs (text, file) >= 0);
    CHECK_INT (fclose (file), 0);
}

/*  A file that is none is left alone, and so is what is no file.            */
void
test_nameserver_snapshot_refused (void)
{
    char *folder = selftest_folder ();
    char *path = s_path (folder, "names"),
         *fresh = s_path (folder, "names.new");
    char *nowhere = s_path (folder, "nowhere/names");
    named_t names = { zactor_new (dividere_nameserver, NULL), 0 };
    s_write (path, "nonsense");
    CHECK_FAILS (named_command (&names, "SET", "snapshot", path), EBADMSG);
    CHECK_INT (access (path, F_OK), 0);
    CHECK (access (fresh, F_OK) < 0);
    CHECK_FAILS (named_command (&names, "SET", "snapshot", nowhere), ENOENT);
    CHECK_FAILS (named_command (&names, "SET", "snapshot", folder), EBADMSG);
    CHECK_INT (unlink (path), 0);
    CHECK_INT (mkfifo (path, 0600), 0);
    CHECK_FAILS (named_command (&names, "SET", "snapshot", path), EBADMSG);
    CHECK_INT (unlink (path), 0);
    CHECK_FAILS (named_command (&names, "SNAPSHOT", NULL, NULL), EINVAL);
    CHECK_INT (named_command (&names, "SET", "snapshot", path), 0);
    CHECK_INT (named_command (&names, "SNAPSHOT", NULL, NULL), 0);
    /* It was replaced by what cannot be: each failure is told and counted.  */
    CHECK_INT (unlink (path), 0);
    CHECK_INT (mkdir (path, 0700), 0);
    CHECK_FAILS (named_command (&names, "SNAPSHOT", NULL, NULL), EISDIR);
    CHECK_INT (named_stat (&names, "snapshots_failed"), 1);
    CHECK (access (fresh, F_OK) < 0);
    named_stop (&names);
    CHECK_INT (rmdir (path), 0);
    CHECK_INT (rmdir (folder), 0);
    freen (path);
    freen (fresh);
    freen (nowhere);
    freen (folder);
}
