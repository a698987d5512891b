/** Hooks that together answer a question, by names for --hook; what a kernel does not have is left out. */
export interface Profile {
  /** `profile:NAME` for --hook. */
  readonly name: string;
  readonly summary: string;
  readonly hooks: readonly string[];
}

const RECEIVE = [
  ...['rx', 'arp_rcv', 'ip_rcv', 'ipv6_rcv', 'ip_local_deliver', 'ip6_input', 'icmp_rcv'],
  ...[
    'icmpv6_rcv',
    'tcp_v4_rcv',
    'tcp_v6_rcv',
    'udp_rcv',
    'udpv6_rcv',
    'sock_queue_rcv_skb_reason',
  ],
];
const TRANSMIT = [
  ...['ip_local_out', 'ip6_local_out', 'ip_output', 'ip6_output', '__dev_queue_xmit'],
  ...['tracepoint:net:net_dev_queue', 'tx'],
];

export const PROFILES: readonly Profile[] = [
  {
    name: 'receive',
    summary: 'the way of a packet from a device to its socket, or to its drop',
    hooks: [...RECEIVE, 'drop'],
  },
  {
    name: 'transmit',
    summary: 'the way of a packet from a socket to its device, or to its drop',
    hooks: [...TRANSMIT, 'drop'],
  },
  {
    name: 'forward',
    summary: 'the way of a packet from one device to another, or to its drop',
    hooks: [
      ...['rx', 'ip_rcv', 'ipv6_rcv', 'ip_forward', 'ip6_forward', 'ip_output', 'ip6_output'],
      ...['__dev_queue_xmit', 'tx', 'drop'],
    ],
  },
  {
    name: 'netfilter',
    summary: 'what packet filters, connection tracking and NAT are given, and what they drop',
    hooks: [
      ...['nf_hook_slow', 'ipt_do_table', 'ip6t_do_table', 'nft_do_chain', 'nf_conntrack_in'],
      ...['nf_nat_inet_fn', 'nf_nat_packet', 'drop'],
    ],
  },
  {
    name: 'life',
    summary: 'receive and transmit, and where a packet ends: dropped or consumed',
    hooks: [...RECEIVE, ...TRANSMIT, 'drop', 'consume'],
  },
];
