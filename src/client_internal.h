/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_CLIENT_INTERNAL_H
#define DIVIDERE_CLIENT_INTERNAL_H

#include <dividere/client.h>
#include "client_asks.h"
#include "endpoint.h"
#include "poller.h"

/*  What the files of the client share: client.c has what the caller sees,
 *  client_links.c the sockets, client_asks.c what becomes of a request.     */

/*  One broker.                                                              */
typedef struct {
    void *handle;             /* a DEALER, ours                             */
    dividere_polled_t polled; /* its owner is this                          */
    void *sink;               /* what libzmq tells of its connection, ours  */
    bool tracked;             /* it tells all there is to tell              */
    bool connected;           /* as far as it has told                      */
    dividere_polled_t told;   /* its owner is NULL, its handle the sink     */
} dividere_client_link_t;

struct dividere_client_t {
    dividere_client_options_t options;
    char *service; /* ours, or NULL                                         */
    uint64_t id;   /* random; in each request                               */
    dividere_asks_t asks;
    dividere_client_link_t *links; /* ours, as many as those of asks        */
    size_t links_count;
    dividere_poller_t *poller;   /* over the sockets of all links         */
    dividere_message_t *scratch; /* answers are received into it          */
    int poll;         /* over the poller and the timer                     */
    int timer;        /* a timerfd                                         */
    int64_t timer_ms; /* when it fires; -1: never; 0: at once              */
    uint64_t malformed;
    bool ended; /* the context is closed                                     */
};

/*  Makes a link for each endpoint of a list. 0, or -1 with EINVAL,
 *  EPROTONOSUPPORT, EMFILE, or an errno of dividere_attach.                 */
int dividere_client_open (dividere_client_t *self, const char *brokers);
void dividere_client_close (dividere_client_t *self);

/*  Receives what there is, up to a limit, and sends what can be sent.       */
void dividere_client_receive (dividere_client_t *self);
void dividere_client_flush (dividere_client_t *self);

#endif
