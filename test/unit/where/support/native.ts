import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Btf } from '../../../../src/btf/btf.ts';
import { mergeWants } from '../../../../src/codegen/merge-wants.ts';
import { emitStructs, type StructWants } from '../../../../src/codegen/structs.ts';
import { KERNEL_STRUCTS } from '../../../../src/codegen/kernel-structs.ts';
import { compileWhere } from '../../../../src/where/compile-where.ts';
import { NAMES } from './scope.ts';

const WHERE_H = new URL('../../../../templates/include/filter/where.h', import.meta.url);

const TYPES = `typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;
typedef unsigned long long u64; typedef signed char s8; typedef short s16; typedef int s32;
typedef long long s64;
`;

/** What the templates give to where.h, for a program in user space: a world of plain variables. */
const WORLD = `
#include <string.h>
#include <stdio.h>
#ifndef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#endif
#define XCAP_HIDE(value) asm volatile("" : "+r"(value))
#define READ(p, member) ((p)->member)
#define PROBE(p, member) ((p)->member)
#define XCAP_BE16(v) __builtin_bswap16(v)
#define XCAP_BE32(v) __builtin_bswap32(v)
#define XCAP_WHERE_KERNEL(p) ((u64)(p) > 4096)
#define XCAP_COUNT_REJECTED_WHERE 1
#define XCAP_CONTEXT_UNKNOWN 0
#define XCAP_CONTEXT_PROCESS 1
#define XCAP_CONTEXT_SOFTIRQ 2
#define XCAP_LINK_ETHERNET 1
struct xcap_hit { const u64 *ctx; struct sk_buff *skb; struct sock *rx_sk; u64 location; u32 reason; u32 hook; struct net_device *route; };
struct xcap_net { const struct xcap_hit *hit; struct net_device *dev; u32 netns; };
struct xcap_view { struct { u32 wire_len; } pkt; u32 link; };
static u32 the_context, the_tagged;
static u64 the_task, the_user;
static char the_comm[16];
static u32 xcap_context(const u64 *ctx) { (void)ctx; return the_context; }
static u32 xcap_hook(const struct xcap_hit *hit) { return hit->hook; }
static u32 xcap_hit_reason(const struct xcap_hit *hit) { return hit->reason; }
static u64 xcap_hit_location(const struct xcap_hit *hit) { return hit->location; }
static u32 xcap_vlan_present(const struct xcap_hit *hit) { (void)hit; return the_tagged; }
static u64 xcap_get_current_pid_tgid(void) { return the_task; }
static u64 xcap_get_current_uid_gid(void) { return the_user; }
static u32 xcap_get_smp_processor_id(void) { return 1; }
static void xcap_get_current_comm(void *to, u32 size) { memcpy(to, the_comm, size); }
static struct sock *xcap_packet_sk(const struct xcap_hit *hit) { return hit->skb->sk ? hit->skb->sk : hit->rx_sk; }
static struct net_device *xcap_dev(const struct xcap_net *n) { return n->dev; }
static struct net_device *xcap_route_dev(const struct xcap_hit *hit) { return hit->route; }
static u32 xcap_ifindex(const struct xcap_net *n) { return n->dev ? n->dev->ifindex : 0; }
static u32 xcap_netns(const struct xcap_net *n) { return n->netns; }
static void xcap_ifname(const struct xcap_net *n, void *to) { if (n->dev) memcpy(to, n->dev->name, 16); }
static long xcap_probe_read_kernel(void *to, u32 size, const void *from) { memcpy(to, from, size); return 0; }
static long xcap_probe_read_kernel_str(void *to, u32 size, const void *from)
{
	u32 length = 0;
	while (length + 1 < size && ((const char *)from)[length]) length++;
	memcpy(to, from, length);
	((char *)to)[length] = 0;
	return length + 1;
}
`;

export const hasGcc = spawnSync('gcc', ['--version']).status === 0;

export interface NativeInput {
  readonly btf: Btf;
  readonly expressions: readonly string[];
  /** Members that the worlds set, beside those that the templates name. */
  readonly wants: StructWants;
  /** C statements that set up a world; \`hit\`, \`net\`, \`view\` and the variables of WORLD are theirs. */
  readonly worlds: readonly string[];
}

/** Whether each expression matches in each world, by the emitted C in a program of user space. */
export function runNatively(input: NativeInput): boolean[][] {
  const compiled = input.expressions.map((each) => compileWhere([each], input.btf, NAMES));
  const wants = compiled.reduce((all, { structs }) => mergeWants(all, structs), input.wants);
  const strip = (text: string): string => text.replaceAll(/^#include .*$/gm, '');
  const functions = compiled.map(({ header, values }, i) =>
    strip(named(header, values))
      .replaceAll(/\bxcap_where_(\d+)\(/g, `e${i}_where_$1(`)
      .replaceAll('xcap_reject_where(', `e${i}_reject_where(`),
  );
  const worlds = input.worlds.map((setup, i) => {
    const asks = compiled.map((_, k) => `putchar('0' + !e${k}_reject_where(&hit, &net, &view));`);
    return `static void world${i}(void) {
      static const char memory[4096];
      struct xcap_hit hit; struct xcap_net net; struct xcap_view view;
      (void)memory; memset(&hit, 0, sizeof hit); memset(&net, 0, sizeof net); memset(&view, 0, sizeof view);
      net.hit = &hit;
      the_context = the_tagged = 0; the_task = the_user = 0; memset(the_comm, 0, 16);
      ${setup}
      ${asks.join('\n')}
      putchar('\\n');
    }`;
  });
  const main = `int main(void) { ${worlds.map((_, i) => `world${i}();`).join(' ')} return 0; }`;
  const text = [
    TYPES,
    emitStructs(input.btf, mergeWants(KERNEL_STRUCTS, wants)),
    WORLD,
    strip(readFileSync(WHERE_H, 'utf8')),
    ...functions,
    ...worlds,
    main,
  ].join('\n');
  return execute(text).map((line) => Array.from(line, (digit) => digit === '1'));
}

/** As a run that they are numbers of has it. */
const named = (header: string, values: readonly bigint[]): string =>
  header.replaceAll(/XCAP_WHERE_VALUE_(\d+)/g, (_, i) => `${values[Number(i)] ?? 'missing'}ull`);

function execute(text: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'xcap-where-'));
  try {
    const source = join(folder, 'where.c');
    const program = join(folder, 'where');
    writeFileSync(source, text);
    const flags = ['-std=gnu11', '-O1', '-Wall', '-Werror', '-Wno-unused-function'];
    const gcc = spawnSync('gcc', [...flags, '-o', program, source], { encoding: 'utf8' });
    if (gcc.status !== 0) throw new Error(gcc.stderr);
    return execFileSync(program, { encoding: 'utf8' }).trimEnd().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The whole of where.gen.h and what it relies on, for a check of its syntax. */
export function wholeText(btf: Btf, expressions: readonly string[]): string {
  const { header, values, structs } = compileWhere(expressions, btf, NAMES);
  const strip = (text: string): string => text.replaceAll(/^#include .*$/gm, '');
  return [
    TYPES,
    emitStructs(btf, mergeWants(KERNEL_STRUCTS, structs)),
    strip(WORLD).replaceAll('memcpy(', '__builtin_memcpy('),
    strip(readFileSync(WHERE_H, 'utf8')),
    strip(named(header, values)),
  ].join('\n');
}
