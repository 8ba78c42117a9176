/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_PROXIED_H
#define DIVIDERE_SELFTEST_PROXIED_H

#include <stdint.h>
#include <czmq.h>

/*  A proxy of requests and replies, at free ports of tcp.                   */

#define PROXIED_ENDPOINT_SIZE 64

typedef struct {
    zactor_t *actor;
    char frontend[PROXIED_ENDPOINT_SIZE]; /* with a ">" in front            */
    char backend[PROXIED_ENDPOINT_SIZE];
} proxied_t;

void proxied_open (proxied_t *self);
void proxied_close (proxied_t *self);

/*  One of its statistics.                                                   */
uint64_t proxied_stat (proxied_t *self, const char *name);

#endif
