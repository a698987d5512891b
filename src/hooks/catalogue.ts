import type { LogicalHook } from './spec.ts';

/** The logical hooks: one row each, the only list of them. */
export const LOGICAL_HOOKS: readonly LogicalHook[] = [
  {
    id: 'drop',
    aliases: ['kfree_skb_reason'],
    summary: 'packets the kernel drops, with reason and location',
    subject: 'packet drops',
    category: 'skb',
    tracepoint: 'kfree_skb',
    direction: undefined,
    hasLocation: true,
    extras: [
      { role: 'location', name: 'location', optional: false },
      { role: 'reason', name: 'reason', optional: true },
      { role: 'rxSk', name: 'rx_sk', optional: true },
    ],
  },
  {
    id: 'consume',
    aliases: [],
    summary: 'packets that are done with, and not dropped',
    subject: 'consumed packets',
    category: 'skb',
    tracepoint: 'consume_skb',
    direction: undefined,
    hasLocation: false,
    extras: [],
  },
  {
    id: 'rx',
    aliases: [],
    summary: 'packets that enter the stack from a device',
    subject: 'received packets',
    category: 'net',
    tracepoint: 'netif_receive_skb',
    direction: 'inbound',
    hasLocation: false,
    extras: [],
  },
  {
    id: 'tx',
    aliases: [],
    summary: 'packets handed to a device',
    subject: 'transmitted packets',
    category: 'net',
    tracepoint: 'net_dev_start_xmit',
    direction: 'outbound',
    hasLocation: false,
    extras: [],
  },
];
