// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The programs of a run, one for each way that its hooks are given a packet: src/codegen/hooks.ts
 * writes them.
 */
#include "arguments.h"
#include "capture.h"
#include "socket.h"
#include "xdp/run.h"
#include "programs.gen.h"
