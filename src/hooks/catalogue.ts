import type { LogicalHook } from './spec.ts';

/** The logical hooks: one row each, the only list of them. */
export const LOGICAL_HOOKS: readonly LogicalHook[] = [
  {
    id: 'drop',
    aliases: ['kfree_skb_reason'],
    summary: 'packets the kernel drops, with reason and location',
    subject: 'packet drops',
    direction: undefined,
    at: {
      kind: 'tracepoint',
      category: 'skb',
      tracepoint: 'kfree_skb',
      hasLocation: true,
      extras: [
        { role: 'location', name: 'location', optional: false },
        { role: 'reason', name: 'reason', optional: true },
        { role: 'rxSk', name: 'rx_sk', optional: true },
      ],
    },
  },
  {
    id: 'consume',
    aliases: [],
    summary: 'packets that are done with, and not dropped',
    subject: 'consumed packets',
    direction: undefined,
    at: {
      kind: 'tracepoint',
      category: 'skb',
      tracepoint: 'consume_skb',
      hasLocation: false,
      extras: [],
    },
  },
  {
    id: 'rx',
    aliases: [],
    summary: 'packets that enter the stack from a device',
    subject: 'received packets',
    direction: 'inbound',
    at: {
      kind: 'tracepoint',
      category: 'net',
      tracepoint: 'netif_receive_skb',
      hasLocation: false,
      extras: [],
    },
  },
  {
    id: 'tx',
    aliases: [],
    summary: 'packets handed to a device',
    subject: 'transmitted packets',
    direction: 'outbound',
    at: {
      kind: 'tracepoint',
      category: 'net',
      tracepoint: 'net_dev_start_xmit',
      hasLocation: false,
      extras: [],
    },
  },
  {
    id: 'afxdp:tx',
    aliases: [],
    summary: 'frames that AF_XDP sockets send, which tcpdump does not see',
    subject: 'AF_XDP transmission',
    direction: 'outbound',
    at: {
      kind: 'function',
      functions: ['__dev_direct_xmit'],
      atData: true,
      // Packet sockets with PACKET_QDISC_BYPASS send by the same function.
      destructor: 'xsk_destruct_skb',
      descriptors: { one: 'xsk_tx_peek_desc', batch: 'xsk_tx_peek_release_desc_batch' },
    },
  },
  {
    id: 'afxdp:rx',
    aliases: [],
    summary: 'frames that XDP hands to AF_XDP sockets, which tcpdump does not see',
    subject: 'AF_XDP reception',
    direction: 'inbound',
    at: {
      kind: 'function',
      // Generic mode, and native.
      functions: ['xsk_generic_rcv', '__xsk_map_redirect'],
      atData: true,
      destructor: undefined,
    },
  },
];

/** Names that stand for several hooks. */
export const HOOK_SETS: Readonly<Record<string, readonly string[]>> = {
  afxdp: ['afxdp:tx', 'afxdp:rx'],
};
