/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_H
#define DIVIDERE_H

/*  Everything: typed protobuf messages over ZeroMQ, with CZMQ actors. Each
 *  header below also stands alone; dividere/packer.h is for generated code.  */

#include "dividere/actor.h"
#include "dividere/broker.h"
#include "dividere/client.h"
#include "dividere/connector.h"
#include "dividere/envelope.h"
#include "dividere/handler.h"
#include "dividere/json.h"
#include "dividere/library.h"
#include "dividere/log.h"
#include "dividere/message.h"
#include "dividere/monitor.h"
#include "dividere/nameserver.h"
#include "dividere/port.h"
#include "dividere/process.h"
#include "dividere/proxy.h"
#include "dividere/reactor.h"
#include "dividere/recorder.h"
#include "dividere/recording.h"
#include "dividere/registry.h"
#include "dividere/route.h"
#include "dividere/schema.h"
#include "dividere/security.h"
#include "dividere/service.h"
#include "dividere/supervisor.h"
#include "dividere/text.h"
#include "dividere/trace.h"
#include "dividere/types.h"
#include "dividere/worker.h"

#endif
