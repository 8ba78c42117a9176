/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_POOL_H
#define DIVIDERE_POOL_H

#include <stdbool.h>
#include <stddef.h>

/*  The handler threads of an actor: they take jobs in order, and give them back
 *  when they are done. The actor's thread submits and collects and is never
 *  made to wait; a descriptor tells it that there is something to collect.  */

typedef struct dividere_pool_t dividere_pool_t;

/*  A job, a part of the object that it belongs to.                          */
typedef struct dividere_job_t {
    struct dividere_job_t *next;
} dividere_job_t;

/*  All in a handler thread, where thread counts from 0. init: other than 0
 *  refuses the start with that errno; run: does a job; exit: last of all. init
 *  and exit may be NULL.                                                    */
typedef struct {
    int (*init) (void *self, size_t thread);
    void (*run) (void *self, size_t thread, dividere_job_t *job);
    void (*exit) (void *self, size_t thread);
} dividere_pool_class_t;

/*  NULL with EMFILE, EAGAIN (no thread could be made).                      */
dividere_pool_t *dividere_pool_new (const dividere_pool_class_t *class,
                                    void *self, size_t threads);

/*  Readable when there is something for dividere_pool_collect: a job that is
 *  done, the outcome of the start, or the last thread's end.                */
int dividere_pool_fd (const dividere_pool_t *self);

/*  Makes the descriptor unreadable; to be followed by the calls below, each
 *  until it has nothing more.                                               */
void dividere_pool_collect (dividere_pool_t *self);

/*  True once all threads have come out of init: then the errno of the first
 *  that was refused, or 0.                                                  */
bool dividere_pool_started (const dividere_pool_t *self, int *ret_error);

/*  Takes the job until it is done. What is submitted within one turn of the
 *  caller wakes threads at dividere_pool_flush.                             */
void dividere_pool_submit (dividere_pool_t *self, dividere_job_t *job);
void dividere_pool_flush (dividere_pool_t *self);

/*  A job that is done, in the order they were done; NULL: none.             */
dividere_job_t *dividere_pool_done (dividere_pool_t *self);

/*  Takes back a job that no thread has begun; NULL: none.                   */
dividere_job_t *dividere_pool_withdraw (dividere_pool_t *self);

size_t dividere_pool_waiting (const dividere_pool_t *self);
size_t dividere_pool_running (const dividere_pool_t *self);

/*  Tells the threads to end when nothing is waiting. True once all have.    */
void dividere_pool_end (dividere_pool_t *self);
bool dividere_pool_ended (const dividere_pool_t *self);

/*  Waits for the threads to end.                                            */
void dividere_pool_destroy (dividere_pool_t **self_p);

#endif
