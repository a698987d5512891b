/**
 * What expressions.ts has no form of: synonyms, qualifiers in every place, operators in every
 * combination, and the words that only other link types have. With it the table has more than 400.
 */
export const MORE_EXPRESSIONS: readonly string[] = [
  // Protocols by other names and in other places
  ...['ip proto 1', 'ip proto 2', 'ip proto 6', 'ip proto 17', 'ip proto 132', 'ip proto 89'],
  ...['ip6 proto 6', 'ip6 proto 17', 'ip6 proto 60', 'ip6 proto 43', 'proto 6', 'proto 58'],
  ...['ether proto 0x0800', 'ether proto 0x86dd', 'ether proto 0x8100', 'ether proto 0x8847'],
  ...['ether proto \\ip6', 'ether proto \\rarp', 'ether proto \\stp', 'ether proto \\iso'],
  ...['ether proto \\lat', 'ether proto \\ipx', 'ether proto \\netbeui', 'ether proto 0x8863'],
  ...['ether proto 0x42', 'ether proto 0xffff', 'ether proto 0x0600', 'ether proto 1501'],
  ...['ip and icmp', 'ip6 and icmp6', 'ip and tcp', 'ip6 and tcp', 'ip6 and udp', 'ip and sctp'],
  ...['ip6 and sctp', 'not arp', 'not rarp', 'not ip', 'not ip6', 'not tcp', 'not udp', 'not sctp'],
  ...['icmp or icmp6', 'tcp or udp', 'tcp or udp or sctp', 'ip and not (tcp or udp or icmp)'],
  ...['llc s and not llc rr', 'llc and not stp', 'llc rnr', 'llc rej', 'llc sabme'],
  ...['llc disc', 'llc ua', 'llc dm', 'llc xid', 'llc test', 'llc frmr'],
  ...['isis proto 0x10', 'iso proto \\esis', 'iso proto \\clnp', 'iso proto \\isis'],
  // Hosts, nets and their qualifiers
  ...['ip src host 10.9.0.1', 'ip dst host 10.9.0.2', 'ip src or dst host 10.9.0.1'],
  ...['ip src 10.9.0.1 and ip dst 10.9.0.2', 'src host 10.9.0.1 or dst host 10.9.0.1'],
  ...['src 10.9.0.1 or 192.168.7.9', 'not host 10.9.0.2', 'not src host 10.9.0.1'],
  ...[
    'arp src host 10.9.0.1',
    'arp dst host 10.9.0.2',
    'arp net 10.9.0.0/16',
    'rarp net 10.0.0.0/8',
  ],
  ...[
    'ip net 10.9',
    'ip net 10.9.0.0/31',
    'net 10',
    'net 192.168',
    'net 192.168.7',
    'src net 10.9',
  ],
  ...['dst net 10.9.0', 'ip src net 10.9.0.0/24', 'ip dst net 224.0.0.0/4', 'net 128.0.0.0/1'],
  ...['net 10.9.0.1 mask 255.255.255.255', 'net 10.9.0.0 mask 255.255.0.0', 'net 0.0.0.0/1'],
  ...['net 10.9.0.2/32', 'not net 10.0.0.0/8', 'src net 10.9 and not dst net 10.9.0.0/24'],
  ...['ip6 src host 2001:db8::1', 'ip6 dst host 2001:db8::2', 'dst host 2001:db8::2'],
  ...['ip6 src net 2001:db8::/64', 'ip6 dst net 2001:db8::2/127', 'src net fe80::/64', 'net ::/0'],
  ...['ip6 net 2001:db8::/33', 'ip6 net 2001:db8::/63', 'ip6 net 2001:db8::2/128', 'net 8000::/1'],
  ...['host 2001:db8::1 or host 10.9.0.1', 'ip6 host 2001:db8::1 and tcp', 'net 2000::/3'],
  ...['ether src host 02:00:00:00:00:01', 'ether dst host ff:ff:ff:ff:ff:ff'],
  ...['ether host 02:00:00:00:00:02 and arp', 'not ether host 02:00:00:00:00:01'],
  ...['ether src or dst 02:00:00:00:00:01', 'ether src 02:00:00:00:00:01 and ip6', 'not broadcast'],
  ...['not multicast', 'ether multicast and not broadcast', 'gateway 10.9.0.2'].slice(0, 2),
  // Ports
  ...['port 53', 'port 22', 'port 443', 'port 9', 'port 1500', 'port 50000', 'src port 443'],
  ...['dst port 53', 'dst port 443', 'src port 53', 'src or dst port 22', 'tcp src port 50000'],
  ...['tcp dst port 80', 'udp src port 53', 'udp src or dst port 53', 'sctp src port 9'],
  ...['sctp dst port 9', 'sctp port 9 or udp port 9', 'ip and port 53', 'ip6 and port 53'],
  ...[
    'ip6 and dst port 443',
    'ip6 and src port 443',
    'port domain',
    'tcp port https',
    'udp port 1500',
  ],
  ...['portrange 0-65535', 'portrange 22-53', 'src portrange 80-443', 'dst portrange 80-443'],
  ...['src and dst portrange 20-60', 'tcp portrange 400-500', 'udp portrange 53-53'],
  ...['ip6 and portrange 400-500', 'sctp portrange 1-10', 'not portrange 1-1023', 'not port 53'],
  ...['port 80 and port 443', 'port 80 or port 53 or port 443', 'tcp port 80 and not dst port 443'],
  // Length
  ...[
    'len >= 60',
    'len <= 60',
    'len < 60',
    'len != 60',
    'greater 60',
    'less 60',
    'not greater 100',
  ],
  ...[
    'len > 0 and ip',
    'len * 2 > 200',
    'len / 2 = 30',
    'len >> 3 = 7',
    'len ^ 60 = 0',
    'len | 3 = 63',
  ],
  ...['len + 4 > 100', 'len - ip[2:2] = 14', 'len = ip[2:2] + 14', 'ip6[4:2] + 40 = len - 14'],
  // Bytes: each protocol, each size
  ...['ether[0] = 2', 'ether[0:2] = 0x0200', 'ether[0:4] = 0x02000000', 'ether[13] = 0'],
  ...['ether[14] = 0x45', 'ether[14:2] & 0xff00 = 0x4500', 'ether[58:2] > 0', 'ether[59] > 0'],
  ...[
    'ip[9] = 6',
    'ip[9:1] = 17',
    'ip[16:4] = 0x0a090002',
    'ip[19] = 2',
    'ip[20] > 0',
    'ip[0:4] > 1',
  ],
  ...['ip6[0] = 0x60', 'ip6[7] = 64', 'ip6[4:2] = 32', 'ip6[8:4] = 0x20010db8', 'ip6[24:4] > 0'],
  ...['ip6[40:2] = 0x8000', 'ip6[40:4] > 0', 'ip6[43] = 0', 'tcp[0:4] > 0', 'tcp[2:2] = 443'],
  ...['tcp[8:4] = 5', 'tcp[14:2] = 1000', 'tcp[20:4] = 0x47455420', 'tcp[tcpflags] & tcp-ack != 0'],
  ...['tcp[tcpflags] & tcp-push != 0', 'tcp[tcpflags] & tcp-urg = 0', 'tcp[13] & 0x12 = 0x12'],
  ...['tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn', 'tcp[tcpflags] & (tcp-ece|tcp-cwr) = 0'],
  ...['udp[0:2] = 40000', 'udp[2:2] = 53', 'udp[6:2] = 0', 'udp[8] = 1', 'udp[11] = 4'],
  ...['icmp[0:2] = 0x0800', 'icmp[4:4] = 0x00010001', 'icmp[icmptype] = icmp-unreach'],
  ...['icmp[icmptype] = icmp-echoreply', 'icmp[icmptype] = icmp-echo and icmp[icmpcode] = 0'],
  ...['icmp6[icmp6type] = icmp6-echo and icmp6[icmp6code] = 0', 'icmp6[4:2] = 1', 'icmp6[1] = 0'],
  ...['arp[0:2] = 1', 'arp[7] = 2', 'arp[24:4] = 0x0a090002', 'rarp[7] = 3', 'sctp[2:2] = 9'],
  ...['igmp[0] & 0xf0 = 0x10', 'ip[ip[0] & 0xf * 4 - 0] >= 0', 'ip[(ip[0] & 0xf) << 2] = 8'],
  // Operators: every one, constants on either side, nested
  ...['ip[8] = 64', '64 = ip[8]', 'ip[8] != 64', 'ip[8] > 63', '63 < ip[8]', 'ip[8] >= 64'],
  ...['ip[8] <= 1', 'ip[8] & 1 = 1', '1 & ip[8] = 1', 'ip[8] + 1 = 65', '1 + ip[8] = 65'],
  ...['ip[8] - 1 = 63', '65 - ip[8] = 1', 'ip[8] * 3 = 192', 'ip[8] / 3 = 21', '640 / ip[8] = 10'],
  ...[
    'ip[8] % 10 = 4',
    '100 % ip[8] = 36',
    'ip[8] << 2 = 256',
    'ip[8] >> 2 = 16',
    'ip[8] >> 31 = 0',
  ],
  ...['ip[8] << 31 = 0', '(ip[8] + ip[9]) * 2 > 130', '(ip[8] & 0xf0) | (ip[9] & 0xf) = 0x41'],
  ...['ip[2:2] ^ ip[4:2] > 100', 'ip[8] + ip[9] + ip[0] = 134', '-(ip[9]) + 1 = 0', '--ip[9] = 6'],
  ...['ip[2:2] - 20 - ((tcp[12] & 0xf0) >> 2) > 0', '(ip[2:2] - ((ip[0] & 0xf) << 2)) > 40'],
  ...['ip[12:4] & 0xffff0000 = 0x0a090000', 'ip[12:4] ^ ip[16:4] = 3', 'ip[12:4] > ip[16:4]'],
  ...[
    'ip[12:4] = ip[16:4]',
    'tcp[0:2] = tcp[2:2]',
    'udp[0:2] != udp[2:2]',
    'ether[0:4] > ether[6:4]',
  ],
  // Encapsulations
  ...[
    'vlan 6',
    'vlan and arp',
    'vlan and tcp port 80',
    'vlan and icmp',
    'vlan and vlan',
    'vlan 5 and icmp',
  ],
  ...[
    'vlan and not udp',
    'vlan and ip6 and icmp6',
    'vlan or mpls',
    'vlan 5 or mpls 100',
    'not vlan 5',
  ],
  ...['vlan and len > 60', 'vlan and ip[8] = 64', 'vlan and net 10.9.0.0/16', 'vlan and port 53'],
  ...['mpls 200', 'mpls and mpls', 'mpls and tcp', 'mpls and mpls and tcp port 80', 'not mpls'],
  ...['mpls 100 and ip6', 'mpls and host 10.9.0.1', 'mpls and udp'],
  ...['pppoes 8', 'pppoes and host 10.9.0.2', 'pppoes and icmp6', 'pppoes and tcp', 'not pppoes'],
  ...[
    'geneve and ip',
    'geneve and tcp port 80',
    'geneve and host 10.9.0.2',
    'not geneve',
    'geneve 6',
  ].slice(0, 4),
  // Chains of headers: libpcap jumps back for them
  ...['ip6 protochain 6', 'ip6 protochain 17', 'ip protochain 6', 'protochain 17'],
  ...['ip6 protochain 58 and host 2001:db8::1'],
  // Connectives
  ...['icmp and not host 192.168.7.9', 'tcp and (port 80 or port 443) and host 10.9.0.2'],
  ...[
    '(arp or icmp) and ether src 02:00:00:00:00:01',
    'not (arp or icmp or udp)',
    '!(tcp && port 80)',
  ],
  ...[
    '(ip or ip6) and (tcp or udp) and not port 53',
    'ip and (tcp or (udp and (port 53 or port 9)))',
  ],
  ...['not ip or not tcp or port 80', '(host 10.9.0.1 and port 80) or (host 10.9.0.2 and port 22)'],
  ...['tcp[13] & 7 != 0 or icmp', 'greater 60 and less 100', 'ip[8] > 1 and not vlan'],
  ...['udp or icmp and host 10.9.0.1', 'icmp and host 10.9.0.1 or udp', 'tcp and tcp and tcp'],
  Array.from({ length: 40 }, (_, i) => `(host 10.9.0.${i} and port ${i + 79})`).join(' or '),
  Array.from({ length: 30 }, (_, i) => `not port ${50 + i}`).join(' and '),
  Array.from({ length: 25 }, (_, i) => `net 10.${i}.0.0/16`).join(' or '),
  Array.from({ length: 16 }, (_, i) => `ip6 host 2001:db8::${i.toString(16)}`).join(' or '),
];

/** By link type (DLT_): what only it has words for, and the common ones whose places move. */
export const LINK_EXPRESSIONS: ReadonlyMap<number, readonly string[]> = new Map<
  number,
  readonly string[]
>([
  // NULL, LOOP: a protocol family of the host that wrote it, in its order or in network order
  ...[0, 108].map(
    (link) =>
      [
        link,
        [
          'ip',
          'ip6',
          'tcp port 443',
          'udp',
          'icmp',
          'host 10.9.0.2',
          'ip6 and tcp',
          'link[0:4] > 0',
          'len > 40',
        ],
      ] as const,
  ),
  // PPP, PPP_SERIAL, C_HDLC
  ...[9, 50].map(
    (link) =>
      [
        link,
        [
          'ip',
          'ip6',
          'tcp',
          'udp port 53',
          'host 10.9.0.1',
          'ppp proto 0x21',
          'ppp[0] = 0xff',
          'icmp6',
        ],
      ] as const,
  ),
  [104, ['ip', 'ip6', 'tcp', 'udp port 53', 'host 10.9.0.1', 'icmp']],
  // LINUX_SLL, LINUX_SLL2
  [
    113,
    [
      'ip',
      'ip6',
      'arp',
      'tcp port 443',
      'inbound',
      'outbound',
      'link[0:2] = 4',
      'udp',
      'ether proto 0x0800',
    ],
  ],
  [
    276,
    [
      'ip',
      'ip6',
      'arp',
      'tcp port 443',
      'inbound',
      'outbound',
      'ifindex 3',
      'udp',
      'icmp and host 10.9.0.2',
    ],
  ],
  // IPV4, IPV6
  [228, ['tcp', 'udp port 53', 'host 10.9.0.2', 'icmp', 'net 10.9.0.0/24']],
  [229, ['tcp', 'udp port 53', 'host 2001:db8::1', 'icmp6', 'net 2001:db8::/32']],
  // IEEE802_11, with radiotap header
  ...[105, 127].map(
    (link) =>
      [
        link,
        [
          'type mgt',
          'type ctl',
          'type data',
          'type mgt subtype beacon',
          'subtype ack',
          'wlan addr1 ff:ff:ff:ff:ff:ff',
          'wlan addr2 02:00:00:00:00:01',
          'wlan host 02:00:00:00:00:01',
          'dir tods',
          'dir fromds',
          'ip',
          'udp port 53',
          'wlan multicast',
          'ether host 02:00:00:00:00:01',
        ],
      ] as const,
  ),
  // FDDI, token ring
  ...[10, 6].map(
    (link) =>
      [link, ['ip', 'tcp', 'ether host 02:00:00:00:00:01', 'udp port 53', 'multicast']] as const,
  ),
  // PFLOG
  [
    117,
    ['ip', 'ip6', 'tcp', 'action block', 'reason match', 'ifname em0', 'rulenum 3', 'udp port 53'],
  ],
  // SUNATM, MTP2
  [123, ['lane', 'vpi 1', 'vci 5', 'metac', 'vpi 1 and vci 5']],
  [140, ['fisu', 'lssu', 'msu', 'sio 3', 'opc 0', 'dpc 0', 'sls 0', 'msu and sio 3']],
]);
