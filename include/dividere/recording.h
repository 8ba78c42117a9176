/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_RECORDING_H
#define DIVIDERE_RECORDING_H

#include <stddef.h>
#include <stdint.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Reads what dividere_recorder (or "dividere record") has written: a folder of
 *  files whose format is documented (doc/recording.md). What is damaged, or was
 *  not finished when the recorder died, is passed over and counted. A recording
 *  can be read while it grows.
 *
 *  Nothing here blocks but the disk. A recording belongs to one thread at a
 *  time.                                                                    */

typedef struct dividere_recording_t dividere_recording_t;

/*  One message, as it was received.                                         */
typedef struct {
    int64_t time_ns;  /* when: ns since 1970 (UTC)                            */
    uint64_t number;  /* from 0, in the order of the recording                */
    uint64_t dropped; /* messages that the recorder could not keep, between  */
                      /* the one before and this                             */
    const void *data; /* the frame: an envelope, where it is of dividere;    */
                      /* dividere_envelope_decode makes an object of it      */
    size_t size;
} dividere_record_t;

typedef struct {
    uint64_t segments; /* files                                              */
    uint64_t bytes;    /* of them                                            */
    uint64_t skipped;  /* bytes that could not be read, so far               */
    uint64_t dropped;  /* messages that the recorder could not keep, so far  */
} dividere_recording_stats_t;

/*  NULL with ENOENT (there is no such folder, or no recording in it), ENOTDIR,
 *  or another errno of opendir or open.                                     */
DIVIDERE_EXPORT dividere_recording_t *dividere_recording_new (
    const char *folder);
DIVIDERE_EXPORT void dividere_recording_destroy (dividere_recording_t **self_p);

/*  The next message; data is valid until the next call. Returns 0, or -1 with
 *  ENOENT (there are no more; there may be later, where it grows),
 *  EPROTONOSUPPORT (a file of a later version), ENOMEM, an errno of pread.  */
DIVIDERE_EXPORT int dividere_recording_next (dividere_recording_t *self,
                                             dividere_record_t *ret_record);

/*  The next message will be the first of this time or later. Returns 0, or -1
 *  with an errno as above.                                                  */
DIVIDERE_EXPORT int dividere_recording_seek (dividere_recording_t *self,
                                             int64_t time_ns);

/*  The name of its type, of ret_size bytes without a NUL: within data, as the
 *  envelope has it, full or short. NULL: it is no envelope.                 */
DIVIDERE_EXPORT const char *dividere_record_type (
    const dividere_record_t *record, size_t *ret_size);

DIVIDERE_EXPORT void dividere_recording_stats (
    const dividere_recording_t *self, dividere_recording_stats_t *ret_stats);

#ifdef __cplusplus
}
#endif

#endif
