/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_PEER_H
#define DIVIDERE_SELFTEST_PEER_H

#include "vector.h"

/*  A process that runs a script of the folder "peers". It gives up when nothing
 *  happened for a while, so that reading its lines needs no time limit; and it
 *  ends at the end of its stdin, which comes even when this process is killed.
 *  Every failure is a failed check.                                         */
typedef struct peer_t peer_t;

/*  Starts a script with a NULL-terminated list of words, after the folder of
 *  its messages, and waits for its line "ready". Without Python, or what it
 *  needs there, the test is skipped.                                        */
peer_t *peer_new (const char *script, const char *const *words);

/*  Where it is: what it said behind "ready".                                */
const char *peer_endpoint (const peer_t *self);

/*  The next line, until the next call; NULL when it has closed its stdout.   */
const char *peer_line (peer_t *self);

/*  It is to send a vector, in an envelope that it makes itself, behind routing
 *  frames: words in hex as peer_expect gives them, or "".                   */
void peer_send (peer_t *self, const vector_t *vector, const char *route);

/*  Gives it a line as it is.                                                */
void peer_tell (peer_t *self, const char *line);

/*  It has received a vector, could decode it, and encodes the same. Returns the
 *  routing frames, until the next line is read.                             */
const char *peer_expect (peer_t *self, const vector_t *vector);

/*  Ends its stdin.                                                          */
void peer_close (peer_t *self);

/*  Kills it, wherever it is, and waits for its end.                         */
void peer_kill (peer_t **self_p);

/*  It says nothing more and ends without an error.                          */
void peer_destroy (peer_t **self_p);

#endif
