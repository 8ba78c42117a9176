/* SPDX-License-Identifier: Apache-2.0 */

/*  Recordings as files: what was written is read, whatever becomes of them.  */

#include "selftest.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <czmq.h>
#include <dividere/recording.h>
#include "record_writer.h"

void test_recording_same (void);
void test_recording_flipped (void);
void test_recording_cut (void);
void test_recording_rotated (void);
void test_recording_sought (void);
void test_recording_continued (void);
void test_recording_grows (void);
void test_recording_disk_full (void);
void test_recording_refused (void);

#define SEGMENT (64 << 10)
#define STEP_NS 1000

static const dividere_record_options_t s_large = { .segment_max = 64 << 20 };
static const dividere_record_options_t s_small = { .segment_max = SEGMENT };

/*  What message number i is: its size and its bytes follow from i.          */
static size_t
s_make (uint64_t i, uint8_t *bytes, size_t size_max)
{
    uint64_t random = (i + 1) * UINT64_C (0x9E3779B97F4A7C15);
    size_t size = (size_t) (selftest_random (&random) % (size_max + 1));
    for (size_t at = 0; at < size; at++)
        bytes[at] = (uint8_t) selftest_random (&random);
    return size;
}

static int64_t
s_time (uint64_t i)
{
    return 1000000 + (int64_t) i * STEP_NS;
}

static void
s_write (dividere_record_writer_t *writer, uint64_t from, uint64_t to,
         size_t size_max)
{
    uint8_t *bytes = (uint8_t *) malloc (size_max + 1);
    for (uint64_t i = from; i < to; i++) {
        size_t size = s_make (i, bytes, size_max);
        dividere_record_writer_put (writer, s_time (i), bytes, size);
    }
    free (bytes);
}

static void
s_record (const char *folder, const dividere_record_options_t *options,
          uint64_t count, size_t size_max)
{
    dividere_record_writer_t *writer =
        dividere_record_writer_new (folder, options);
    CHECK (writer);
    s_write (writer, 0, count, size_max);
    dividere_record_writer_destroy (&writer);
}

/*  It is message number record->number, whole.                              */
static void
s_check_record (const dividere_record_t *record, size_t size_max)
{
    uint8_t *bytes = (uint8_t *) malloc (size_max + 1);
    size_t size = s_make (record->number, bytes, size_max);
    CHECK_INT (record->size, size);
    CHECK (size == 0 || memcmp (record->data, bytes, size) == 0);
    CHECK_INT (record->time_ns, s_time (record->number));
    free (bytes);
}

/*  How many there are, each whole, and in order.                            */
static uint64_t
s_count (dividere_recording_t *recording, size_t size_max)
{
    dividere_record_t record;
    uint64_t count = 0, next = 0;
    while (dividere_recording_next (recording, &record) == 0) {
        CHECK (record.number >= next);
        s_check_record (&record, size_max);
        next = record.number + 1;
        count++;
    }
    CHECK_INT (errno, ENOENT);
    return count;
}

static uint64_t
s_skipped (const dividere_recording_t *recording)
{
    dividere_recording_stats_t stats;
    dividere_recording_stats (recording, &stats);
    return stats.skipped;
}

static uint64_t
s_read (const char *folder, size_t size_max, uint64_t *ret_skipped)
{
    dividere_recording_t *recording = dividere_recording_new (folder);
    CHECK (recording);
    uint64_t count = s_count (recording, size_max);
    *ret_skipped = s_skipped (recording);
    dividere_recording_destroy (&recording);
    CHECK (!recording);
    return count;
}

static char *
s_path (const char *folder, const char *name)
{
    return zsys_sprintf ("%s/%s", folder, name);
}

static void
s_remove (char *folder)
{
    zdir_t *dir = zdir_new (folder, NULL);
    zdir_remove (dir, true);
    zdir_destroy (&dir);
    free (folder);
}

void
test_recording_same (void)
{
    char *folder = selftest_folder ();
    uint64_t skipped;
    s_record (folder, &s_large, 2000, 3000);
    CHECK_INT (s_read (folder, 3000, &skipped), 2000);
    CHECK_INT (skipped, 0);
    s_remove (folder);

    /* Nothing at all, and messages larger than what is written at a time.   */
    folder = selftest_folder ();
    s_record (folder, &s_large, 0, 0);
    CHECK_INT (s_read (folder, 0, &skipped), 0);
    CHECK_INT (skipped, 0);
    s_remove (folder);
    folder = selftest_folder ();
    s_record (folder, &s_large, 5, 1 << 20);
    CHECK_INT (s_read (folder, 1 << 20, &skipped), 5);
    CHECK_INT (skipped, 0);
    s_remove (folder);
}

/*  Each byte of a file changed: one message is lost at most, and no change is
 *  unseen.                                                                  */
void
test_recording_flipped (void)
{
    char *folder = selftest_folder ();
    char *path = s_path (folder, "00000001.rec");
    s_record (folder, &s_large, 20, 60);
    int fd = open (path, O_RDWR);
    off_t size = lseek (fd, 0, SEEK_END);
    CHECK (size > 20 * 40);
    uint64_t random = 1;
    for (off_t at = 0; at < size; at++) {
        uint8_t byte, changed;
        uint64_t skipped;
        CHECK_INT (pread (fd, &byte, 1, at), 1);
        changed = (uint8_t) (byte ^ (1 + selftest_random (&random) % 255));
        CHECK_INT (pwrite (fd, &changed, 1, at), 1);
        CHECK (s_read (folder, 60, &skipped) >= 19);
        CHECK (skipped > 0);
        CHECK_INT (pwrite (fd, &byte, 1, at), 1);
    }
    close (fd);
    free (path);
    s_remove (folder);
}

/*  A file that ends anywhere: what is whole is read. What follows it in the
 *  place of what was cut off is found, too.                                 */
void
test_recording_cut (void)
{
    char *folder = selftest_folder ();
    char *path = s_path (folder, "00000001.rec");
    uint64_t skipped, before = 20;
    s_record (folder, &s_large, 20, 60);
    struct stat found;
    CHECK_INT (stat (path, &found), 0);
    for (off_t size = found.st_size - 1; size >= 0; size--) {
        CHECK_INT (truncate (path, size), 0);
        uint64_t count = s_read (folder, 60, &skipped);
        CHECK (count <= before && count + 1 >= before);
        before = count;
    }
    CHECK_INT (before, 0);
    free (path);
    s_remove (folder);
}

void
test_recording_rotated (void)
{
    char *folder = selftest_folder ();
    uint64_t skipped;
    dividere_record_counts_t counts;
    s_record (folder, &s_small, 1000, 2000);
    CHECK_INT (s_read (folder, 2000, &skipped), 1000);
    CHECK_INT (skipped, 0);
    s_remove (folder);

    /* The newest stay, and never more than the quota.                       */
    folder = selftest_folder ();
    const dividere_record_options_t options = { .segment_max = SEGMENT,
                                                .quota = 4 * SEGMENT };
    dividere_record_writer_t *writer =
        dividere_record_writer_new (folder, &options);
    for (uint64_t i = 0; i < 1000; i += 10) {
        s_write (writer, i, i + 10, 2000);
        dividere_record_writer_flush (writer);
        dividere_record_writer_counts (writer, &counts);
        CHECK (counts.bytes <= options.quota);
    }
    /* One that is larger than all there may be is dropped, and no other.    */
    uint8_t *large = (uint8_t *) zmalloc (5 * SEGMENT);
    dividere_record_writer_put (writer, s_time (1000), large, 5 * SEGMENT);
    free (large);
    s_write (writer, 1000, 1001, 2000);
    dividere_record_writer_counts (writer, &counts);
    CHECK (counts.deleted > 5);
    CHECK_INT (counts.dropped, 1);
    CHECK_INT (counts.messages, 1001);
    dividere_record_writer_destroy (&writer);
    CHECK (s_read (folder, 2000, &skipped) > 100);
    CHECK_INT (skipped, 0);
    s_remove (folder);
}

static void
s_check_sought (const char *folder, uint64_t count)
{
    dividere_recording_t *recording = dividere_recording_new (folder);
    dividere_record_t record;
    for (uint64_t i = 0; i < count; i += 7) {
        CHECK_INT (dividere_recording_seek (recording, s_time (i) - 1), 0);
        CHECK_INT (dividere_recording_next (recording, &record), 0);
        CHECK_INT (record.number, i);
        s_check_record (&record, 2000);
    }
    CHECK_INT (dividere_recording_seek (recording, s_time (count)), 0);
    CHECK_FAILS (dividere_recording_next (recording, &record), ENOENT);
    CHECK_INT (dividere_recording_seek (recording, 0), 0);
    CHECK_INT (s_count (recording, 2000), count);
    dividere_recording_destroy (&recording);
}

/*  By the index, without one, and over many files.                          */
void
test_recording_sought (void)
{
    char *folder = selftest_folder ();
    char *path = s_path (folder, "00000001.rec");
    struct stat found;
    s_record (folder, &s_large, 500, 2000);
    s_check_sought (folder, 500);
    CHECK_INT (stat (path, &found), 0);
    CHECK_INT (truncate (path, found.st_size - 8), 0);
    s_check_sought (folder, 500);
    free (path);
    s_remove (folder);
    folder = selftest_folder ();
    s_record (folder, &s_small, 500, 2000);
    s_check_sought (folder, 500);
    s_remove (folder);
}

void
test_recording_continued (void)
{
    char *folder = selftest_folder ();
    uint64_t skipped;
    dividere_record_options_t options = s_large;
    s_record (folder, &options, 100, 500);
    CHECK_FAILS (dividere_record_writer_new (folder, &options), EEXIST);
    options.append = true;
    dividere_record_writer_t *writer =
        dividere_record_writer_new (folder, &options);
    s_write (writer, 100, 200, 500);
    dividere_record_writer_destroy (&writer);
    CHECK_INT (s_read (folder, 500, &skipped), 200);
    CHECK_INT (skipped, 0);
    s_remove (folder);
}

/*  Read while it is written, over the ends of files.                        */
void
test_recording_grows (void)
{
    char *folder = selftest_folder ();
    dividere_record_writer_t *writer =
        dividere_record_writer_new (folder, &s_small);
    dividere_recording_t *recording = dividere_recording_new (folder);
    dividere_record_t record;
    CHECK_FAILS (dividere_recording_next (recording, &record), ENOENT);
    for (uint64_t i = 0; i < 500; i++) {
        s_write (writer, i, i + 1, 2000);
        dividere_record_writer_flush (writer);
        CHECK_INT (dividere_recording_next (recording, &record), 0);
        CHECK_INT (record.number, i);
        s_check_record (&record, 2000);
        CHECK_FAILS (dividere_recording_next (recording, &record), ENOENT);
    }
    CHECK_INT (s_skipped (recording), 0);
    dividere_recording_destroy (&recording);
    dividere_record_writer_destroy (&writer);
    s_remove (folder);
}

/*  Files of more than this cannot be written.                               */
static void
s_limit_files (rlim_t size)
{
    struct rlimit limit;
    CHECK_INT (getrlimit (RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    CHECK_INT (setrlimit (RLIMIT_FSIZE, &limit), 0);
}

/*  What finds no room is counted, where it would have been; then it goes on. */
void
test_recording_disk_full (void)
{
    char *folder = selftest_folder ();
    dividere_record_counts_t counts;
    signal (SIGXFSZ, SIG_IGN);
    dividere_record_writer_t *writer =
        dividere_record_writer_new (folder, &s_large);
    s_write (writer, 0, 10, 1000);
    dividere_record_writer_flush (writer);
    s_limit_files (20000);
    for (uint64_t i = 10; i < 300; i += 10) {
        s_write (writer, 10, 20, 1000);
        dividere_record_writer_flush (writer);
    }
    dividere_record_writer_counts (writer, &counts);
    CHECK_INT (counts.error, EFBIG);
    CHECK (counts.dropped > 200 && counts.dropped < 290);
    CHECK_INT (counts.messages + counts.dropped, 300);
    s_limit_files (RLIM_INFINITY);
    s_write (writer, 20, 21, 1000);
    dividere_record_writer_flush (writer);
    dividere_record_writer_counts (writer, &counts);
    CHECK_INT (counts.error, 0);
    dividere_record_writer_destroy (&writer);

    dividere_recording_t *recording = dividere_recording_new (folder);
    dividere_record_t record;
    uint64_t dropped = 0, read = 0;
    while (dividere_recording_next (recording, &record) == 0) {
        CHECK_INT (record.number, read++);
        dropped += record.dropped;
    }
    CHECK_INT (read, counts.messages);
    CHECK_INT (dropped, counts.dropped);
    CHECK_INT (s_skipped (recording), 0);
    dividere_recording_destroy (&recording);
    s_remove (folder);
}

void
test_recording_refused (void)
{
    char *folder = selftest_folder ();
    char *path = s_path (folder, "00000001.rec");
    dividere_record_options_t options = s_small;
    CHECK_FAILS (dividere_recording_new (folder), ENOENT);
    CHECK_FAILS (dividere_recording_new ("/nowhere/at/all"), ENOENT);
    CHECK_FAILS (dividere_record_writer_new ("/nowhere/at/all", &options),
                 ENOENT);
    options.quota = SEGMENT;
    CHECK_FAILS (dividere_record_writer_new (folder, &options), EINVAL);
    options.segment_max = 1000;
    CHECK_FAILS (dividere_record_writer_new (folder, &options), EINVAL);

    /* A folder in the place of a file; a file of a later version.           */
    CHECK_INT (mkdir (path, 0755), 0);
    CHECK_FAILS (dividere_recording_new (folder), EISDIR);
    CHECK_INT (rmdir (path), 0);
    const dividere_record_head_t head = { .version = 2, .segment = 1 };
    uint8_t bytes[DIVIDERE_RECORD_HEAD];
    dividere_record_write_head (&head, bytes);
    int fd = open (path, O_WRONLY | O_CREAT, 0644);
    CHECK_INT (write (fd, bytes, sizeof (bytes)), sizeof (bytes));
    close (fd);
    CHECK_FAILS (dividere_recording_new (folder), EPROTONOSUPPORT);
    CHECK_FAILS (dividere_recording_new (path), ENOTDIR);
    free (path);
    s_remove (folder);
}
