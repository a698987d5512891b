import type { StructWants } from './structs.ts';

/** The structures and members that the templates name; nothing else of the kernel is declared. */
export const KERNEL_STRUCTS: StructWants = {
  sk_buff: [
    'len',
    'head',
    'data',
    'tail',
    'mac_header',
    'network_header',
    'mac_len',
    'mark',
    'protocol',
    'queue_mapping',
    'pkt_type',
    'dev',
    'sk',
    '_skb_refdst',
  ],
  net_device: ['name', 'ifindex', 'type', 'nd_net.net'],
  dst_entry: ['dev'],
  net: ['ns.inum'],
  sock: ['__sk_common.skc_net.net'],
};
