/* SPDX-License-Identifier: Apache-2.0 */

/*  The file of a name server. What it has is learned again from the services
 *  within a few seconds: so it is written by and by, and who stops the name
 *  server does not wait for the disk unless it is being written just then.   */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log_internal.h"
#include "nameserver_internal.h"

#define PIECE     1000  /* instances in one turn of the loop                 */
#define PIECE_MS  1     /* between two pieces                                */
#define LAST_MAX  10000 /* instances that are written at the end             */
#define SHARE     9     /* idle so many times as long as it was busy         */
#define BYTES_MAX ((off_t) 1 << 30)

/*  0 or an errno.                                                           */
static int
s_write_all (int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write (fd, data, size);
        if (done < 0 && errno != EINTR)
            return errno;
        if (done > 0) {
            data += done;
            size -= (size_t) done;
        }
    }
    return 0;
}

/*  Not through a link, and not waiting for who reads a pipe.                */
static int
s_create (const char *path)
{
    return open (path,
                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW |
                     O_NONBLOCK,
                 0644);
}

/*  So that the new name outlives a loss of power.                           */
static int
s_sync_folder (const char *path)
{
    char *copy = strdup (path);
    assert (copy);
    int fd = open (dirname (copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 || fsync (fd) < 0 ? errno : 0;
    if (fd >= 0)
        close (fd);
    free (copy);
    return error;
}

/*  Whoever looks at path finds the old file or the new one. 0 or an errno.   */
static int
s_replace (const dividere_store_t *store, bool synced)
{
    size_t size;
    const char *data =
        (const char *) dividere_snapshot_data (store->writer, &size);
    int fd = s_create (store->fresh);
    if (fd < 0)
        return errno;
    int error = s_write_all (fd, data, size);
    if (!error && synced && fsync (fd) < 0)
        error = errno;
    if (close (fd) < 0 && !error)
        error = errno;
    if (!error && rename (store->fresh, store->path) < 0)
        error = errno;
    if (error)
        unlink (store->fresh);
    else if (synced)
        error = s_sync_folder (store->path);
    return error;
}

/*  In the thread of the pool, which has the writer meanwhile.               */
static void
s_run (void *arg, size_t thread, dividere_job_t *job)
{
    dividere_store_t *store = (dividere_store_t *) arg;
    store->error = s_replace (store, true);
}

static void
s_begin (dividere_nameserver_t *self, int64_t now_ms)
{
    dividere_store_t *store = &self->store;
    dividere_names_t *names = dividere_registrar_names (self->registrar);
    store->writer = dividere_snapshot_new (names);
    store->revision = dividere_names_revision (names);
    store->state = DIVIDERE_STORE_GATHERS;
    store->begun_ms = store->due_ms = now_ms;
    store->again = false;
}

static void
s_finish (dividere_nameserver_t *self, int error)
{
    dividere_store_t *store = &self->store;
    int64_t now_ms = zclock_mono ();
    int64_t pause_ms = SHARE * (now_ms - store->begun_ms);
    if (pause_ms < self->settings.snapshot_interval_ms)
        pause_ms = self->settings.snapshot_interval_ms;
    store->due_ms = now_ms + pause_ms;
    dividere_snapshot_destroy (&store->writer);
    store->state = DIVIDERE_STORE_IDLE;
    if (error) {
        store->failed++;
        dividere_log (DIVIDERE_LOG_WARNING, "%s cannot write %s: %s",
                      dividere_actor_name (self->actor), store->path,
                      strerror (error));
    }
    else {
        store->count++;
        store->written = store->revision;
    }
    if (store->again)
        s_begin (self, now_ms);
    else
        dividere_actor_answer (self->actor, &store->waiting, error, NULL);
}

static int
s_handle_pool (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    dividere_pool_collect (self->store.pool);
    if (dividere_pool_done (self->store.pool))
        s_finish (self, self->store.error);
    dividere_nameserver_turn (self);
    return 0;
}

static void
s_watch_pool (dividere_nameserver_t *self, bool watched)
{
    zloop_t *loop = dividere_actor_loop (self->actor);
    zmq_pollitem_t item = { NULL, dividere_pool_fd (self->store.pool),
                            ZMQ_POLLIN, 0 };
    if (!watched) {
        zloop_poller_end (loop, &item);
        return;
    }
    zloop_poller (loop, &item, s_handle_pool, self);
    zloop_poller_set_tolerant (loop, &item);
}

void
dividere_store_force (dividere_nameserver_t *self)
{
    if (self->store.state == DIVIDERE_STORE_IDLE)
        s_begin (self, zclock_mono ());
    else
        self->store.again = true;
}

int64_t
dividere_store_due (const dividere_nameserver_t *self)
{
    const dividere_store_t *store = &self->store;
    if (!store->path || store->state == DIVIDERE_STORE_WRITES)
        return -1;
    if (store->state == DIVIDERE_STORE_GATHERS)
        return store->due_ms;
    const dividere_names_t *names = dividere_registrar_names (self->registrar);
    return dividere_names_revision (names) == store->written ? -1
                                                             : store->due_ms;
}

void
dividere_store_tick (dividere_nameserver_t *self, int64_t now_ms)
{
    dividere_store_t *store = &self->store;
    int64_t due_ms = dividere_store_due (self);
    if (due_ms < 0 || now_ms < due_ms)
        return;
    if (store->state == DIVIDERE_STORE_IDLE)
        s_begin (self, now_ms);
    store->due_ms = now_ms + PIECE_MS;
    if (!dividere_snapshot_write (store->writer, PIECE))
        return;
    store->state = DIVIDERE_STORE_WRITES;
    dividere_pool_submit (store->pool, &store->job);
    dividere_pool_flush (store->pool);
}

/*  The bytes of a file, the caller's. 0 or an errno.                        */
static int
s_read_all (int fd, char **ret_data, size_t *ret_size)
{
    struct stat found;
    if (fstat (fd, &found) < 0)
        return errno;
    if (!S_ISREG (found.st_mode))
        return EBADMSG;
    if (found.st_size > BYTES_MAX)
        return EFBIG;
    size_t size = (size_t) found.st_size;
    size_t done = 0;
    char *data = (char *) malloc (size + 1);
    if (!data)
        return ENOMEM;
    while (done < size) {
        ssize_t more = read (fd, data + done, size - done);
        if (more > 0)
            done += (size_t) more;
        else if (more == 0 || errno != EINTR) {
            int error = more == 0 ? EBADMSG : errno;
            free (data);
            return error;
        }
    }
    *ret_data = data;
    *ret_size = size;
    return 0;
}

/*  0 or an errno; a file that is not there yet is fine.                     */
static int
s_load (dividere_nameserver_t *self, const char *path)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    char *data = NULL;
    size_t size = 0, count = 0, refused = 0;
    int error = s_read_all (fd, &data, &size);
    close (fd);
    /* Empty is what the loss of power leaves of one that was not synced.    */
    if (!error && size > 0 &&
        dividere_snapshot_load (data, size,
                                dividere_registrar_names (self->registrar),
                                zclock_mono (), &count, &refused) < 0)
        error = errno;
    else if (!error)
        dividere_log (refused ? DIVIDERE_LOG_WARNING : DIVIDERE_LOG_INFO,
                      "%s: %s: %zu registered, %zu over a limit",
                      dividere_actor_name (self->actor), path, count, refused);
    free (data);
    return error;
}

/*  That it cannot be written is to be known now, not when it was needed.     */
static int
s_try (const char *path, const char *fresh)
{
    struct stat found;
    if (stat (path, &found) == 0 && !S_ISREG (found.st_mode))
        return EBADMSG;
    int fd = s_create (fresh);
    if (fd < 0)
        return errno;
    close (fd);
    unlink (fresh);
    return 0;
}

static void
s_forget (dividere_store_t *store)
{
    freen (store->path);
    freen (store->fresh);
}

int
dividere_store_open (dividere_nameserver_t *self, const char *path)
{
    static const dividere_pool_class_t s_class = { .run = s_run };
    dividere_store_t *store = &self->store;
    if (store->state != DIVIDERE_STORE_IDLE)
        return EBUSY;
    if (!*path) {
        s_forget (store);
        return 0;
    }
    char *fresh = zsys_sprintf ("%s.new", path);
    int error = s_try (path, fresh);
    if (!error && !store->pool) {
        store->pool = dividere_pool_new (&s_class, store, 1);
        if (store->pool)
            s_watch_pool (self, true);
        else
            error = errno;
    }
    if (!error)
        error = s_load (self, path);
    if (error) {
        free (fresh);
        return error;
    }
    s_forget (store);
    store->path = strdup (path);
    store->fresh = fresh;
    assert (store->path);
    store->written =
        dividere_names_revision (dividere_registrar_names (self->registrar));
    return 0;
}

/*  Without waiting for the disk: it is about this process only that ends.    */
static void
s_write_last (dividere_nameserver_t *self)
{
    dividere_store_t *store = &self->store;
    dividere_names_t *names = dividere_registrar_names (self->registrar);
    dividere_names_size_t size;
    dividere_names_size (names, &size);
    if (!store->path || dividere_names_revision (names) == store->written ||
        size.instances > LAST_MAX)
        return;
    dividere_actor_busy (self->actor, "writing the snapshot");
    s_begin (self, zclock_mono ());
    while (!dividere_snapshot_write (store->writer, PIECE))
        continue;
    s_finish (self, s_replace (store, false));
    dividere_actor_busy (self->actor, NULL);
}

void
dividere_store_close (dividere_nameserver_t *self)
{
    dividere_store_t *store = &self->store;
    store->again = false;
    if (store->pool) {
        s_watch_pool (self, false);
        dividere_actor_busy (self->actor, "waiting for the snapshot");
        dividere_pool_destroy (&store->pool);
        dividere_actor_busy (self->actor, NULL);
    }
    bool written = store->state == DIVIDERE_STORE_WRITES;
    dividere_actor_answer (self->actor, &store->waiting, ECANCELED, NULL);
    if (written)
        s_finish (self, store->error);
    dividere_snapshot_destroy (&store->writer);
    store->state = DIVIDERE_STORE_IDLE;
    s_write_last (self);
    s_forget (store);
}
