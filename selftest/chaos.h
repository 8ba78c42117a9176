/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SELFTEST_CHAOS_H
#define SELFTEST_CHAOS_H

#include <stdint.h>

/*  What test_chaos.c and the processes that it starts and kills have in common.
 */

/*  In their environment: the file, and the broker's backend.                */
#define CHAOS_LOG     "DIVIDERE_SELFTEST_CHAOS_LOG"
#define CHAOS_BACKEND "DIVIDERE_SELFTEST_CHAOS_BACKEND"

/*  What a request is about: its payload begins with this.                   */
typedef struct {
    uint32_t client; /* its index                                           */
    uint32_t filler; /* bytes that follow                                   */
    uint64_t number;
} chaos_job_t;

/*  One execution, in the file.                                              */
typedef struct {
    uint32_t client;
    uint32_t pid;
    uint64_t number;
} chaos_execution_t;

#endif
