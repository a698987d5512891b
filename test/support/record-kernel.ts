/**
 * Reduces what a kernel shows of itself to a fixture: see scripts/record-kernel.
 *   record-kernel INPUT OUTPUT RELEASE
 * INPUT holds vmlinux (BTF), MODULE.btf for modules, and kallsyms.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Btf } from '../../src/btf/btf.ts';
import { memberPlace } from '../../src/btf/members.ts';
import type { BtfComposite } from '../../src/btf/types.ts';
import { KERNEL_STRUCTS } from '../../src/codegen/kernel-structs.ts';
import { type Keep, reduceBtf } from './reduce-btf.ts';

const TRACEPOINTS = ['kfree_skb', 'consume_skb', 'netif_receive_skb', 'net_dev_start_xmit'];

const KEEP: Keep = {
  structs: {
    ...Object.fromEntries(Object.keys(KERNEL_STRUCTS).map((name) => [name, 'all'])),
    sk_buff: 'all',
    dst_entry: 'all',
    rtable: 'all',
    neighbour: 'all',
    netdev_queue: 'all',
    socket_alloc: 'all',
    inode: ['i_ino'],
    bpf_prog: 'all',
    bpf_prog_aux: ['id', 'name'],
    bpf_redirect_info: 'all',
    bpf_net_context: 'all',
    xdp_sock: ['sk', 'dev', 'queue_id', 'pool'],
    xdp_desc: 'all',
    xsk_buff_pool: ['addrs', 'headroom', 'netdev', 'queue_id', 'umem'],
    skb_shared_info: 'all',
    skb_frag: 'all',
    net_device: 'all',
    net: ['ns', 'loopback_dev', 'ifindex', 'net_cookie'],
    ns_common: 'all',
    sock: 'all',
    sock_common: 'all',
    socket: 'all',
    sock_cgroup_data: 'all',
    cgroup: ['kn', 'self', 'level'],
    kernfs_node: 'all',
    task_struct: [
      ...['thread_info', 'stack', 'flags', 'pid', 'tgid', 'comm', 'cred', 'real_cred'],
      ...['nsproxy', 'group_leader', 'real_parent', 'mm', 'signal', 'on_cpu', 'cpu'],
    ],
    thread_info: 'all',
    cred: 'all',
    nsproxy: 'all',
    nf_hook_state: 'all',
    xdp_buff: 'all',
    xdp_rxq_info: 'all',
    pcpu_hot: 'all',
  },
  enums: (name) =>
    name.endsWith('_drop_reason') ||
    name === 'skb_drop_reason_subsys' ||
    name === 'bpf_func_id' ||
    name === 'bpf_prog_type',
  functions: [
    ...TRACEPOINTS.map((name) => `__traceiter_${name}`),
    ...[
      'kfree_skb',
      'kfree_skb_reason',
      'sk_skb_reason_drop',
      'consume_skb',
      'ip_rcv',
      'tcp_v4_rcv',
    ],
  ],
  typedefs: TRACEPOINTS.map((name) => `btf_trace_${name}`),
  variables: ['__preempt_count', 'pcpu_hot', 'current_task', 'cpu_number', 'this_cpu_off'],
};

function main([input, output, release]: readonly string[]): void {
  if (input === undefined || output === undefined || release === undefined) {
    throw new Error('usage: record-kernel INPUT OUTPUT RELEASE');
  }
  mkdirSync(output, { recursive: true });
  const save = (name: string, bytes: Uint8Array): void => {
    const packed = gzipSync(bytes, { level: 9 });
    writeFileSync(join(output, `${name}.gz`), packed);
    console.log(`${join(output, name)}.gz: ${bytes.length} bytes, ${packed.length} packed`);
  };
  const full = Btf.parse(readFileSync(join(input, 'vmlinux')));
  const reduced = reduceBtf(full, KEEP);
  const small = Btf.parse(reduced.bytes);
  compareMembers(full, small);
  save('vmlinux.btf', reduced.bytes);

  const modules = readdirSync(input).filter((name) => name.endsWith('.btf'));
  for (const name of modules.sort()) {
    const module = Btf.parse(readFileSync(join(input, name)), full);
    const only = reduceBtf(
      module,
      { ...KEEP, structs: {}, functions: [], typedefs: [], variables: [] },
      { base: { btf: small, stringBytes: reduced.stringBytes } },
    );
    if (Btf.parse(only.bytes, small).endId > small.endId) save(name, only.bytes);
  }
  save(
    'kallsyms',
    new TextEncoder().encode(pickSymbols(readFileSync(join(input, 'kallsyms'), 'latin1'))),
  );
  writeFileSync(join(output, 'osrelease'), `${release}\n`);
}

/** The reduction must not move anything. */
function compareMembers(full: Btf, small: Btf): void {
  for (const name of Object.keys(KEEP.structs)) {
    const whole = full.struct(name);
    const part = small.struct(name);
    if (whole === undefined || part === undefined) continue;
    for (const member of part.members) {
      if (member.name === '') continue;
      const place = (btf: Btf, struct: BtfComposite): string =>
        JSON.stringify({ ...memberPlace(btf, struct, member.name), typeId: undefined });
      const [there, here] = [place(full, whole), place(small, part)];
      if (there !== here) {
        throw new Error(`${name}.${member.name} moved: ${there} ${here}`);
      }
    }
  }
}

/** Some hundred lines: those that the tests name with their neighbours, and some of each sort. */
function pickSymbols(text: string): string {
  const lines = text.trimEnd().split('\n');
  const picked = new Set<number>();
  const named =
    / (nf_hook_slow|kfree_skb|kfree_skb_reason|sk_skb_reason_drop|consume_skb|icmp_rcv|ip_rcv|_stext|_etext|_sinittext|_einittext|__preempt_count|pcpu_hot|current_task|nft_do_chain|veth_xmit|ovs_dp_process_packet|page_offset_base|vmemmap_base)(\t|$)/;
  const perModule = new Map<string, number>();
  lines.forEach((line, i) => {
    const module = /\t\[(.*)\]$/.exec(line)?.[1];
    const count = perModule.get(module ?? '') ?? 0;
    perModule.set(module ?? '', count + 1);
    if (!named.test(line) && count >= (module === undefined ? 40 : 12)) return;
    for (let k = Math.max(0, i - 6); k <= i + 6 && k < lines.length; k++) picked.add(k);
  });
  return [...picked]
    .sort((a, b) => a - b)
    .map((i) => `${lines[i] ?? ''}\n`)
    .join('');
}

main(process.argv.slice(2));
