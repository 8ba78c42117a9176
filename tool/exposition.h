/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TOOL_EXPOSITION_H
#define DIVIDERE_TOOL_EXPOSITION_H

#include "sampler.h"

/*  All of it in the text format of Prometheus, version 0.0.4. Of what is in
 *  trouble there is only dividere_up, which is 0.
 *  Source: https://prometheus.io/docs/instrumenting/exposition_formats/     */
void exposition_print (sampler_t *sampler, FILE *out);

#endif
