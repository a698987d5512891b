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
    'skb_iif',
    'hash',
    'vlan_all',
    'vlan_present',
    'vlan_proto',
    'vlan_tci',
    'data_len',
    'end',
    'next',
    'inner_protocol_type',
    'inner_protocol',
    'inner_network_header',
    'inner_mac_header',
    'destructor',
  ],
  xdp_buff: ['data', 'data_end', 'data_hard_start', 'rxq', 'frame_sz', 'flags'],
  xdp_rxq_info: ['dev', 'queue_index'],
  skb_shared_info: ['nr_frags', 'frag_list', 'frags', 'xdp_frags_size'],
  task_struct: ['tgid', 'pid', 'comm', 'cred', 'stack'],
  cred: ['uid.val'],
  net_device: ['name', 'ifindex', 'type', 'nd_net.net'],
  dst_entry: ['dev'],
  net: ['ns.inum'],
  sock: [
    '__sk_common.skc_net.net',
    '__sk_common.skc_family',
    '__sk_common.skc_state',
    '__sk_common.skc_num',
    '__sk_common.skc_dport',
    '__sk_common.skc_rcv_saddr',
    '__sk_common.skc_daddr',
    '__sk_common.skc_v6_rcv_saddr',
    '__sk_common.skc_v6_daddr',
    'sk_protocol',
    'sk_mark',
    'sk_socket',
  ],
  socket_alloc: ['vfs_inode.i_ino'],
  icmphdr: ['type'],
  rtnl_link_stats64: ['rx_packets'],
  udphdr: ['source'],
  in_addr: ['s_addr'],
  linux_binprm: ['buf'],
};

/** Those of synth.h. */
export const SYNTH_STRUCTS: StructWants = {
  sk_buff: ['transport_header', 'cb'],
  sock: ['sk_dst_cache'],
  inet_sock: ['inet_saddr', 'tos', 'pinet6'],
  ipv6_pinfo: ['tclass'],
  tcp_sock: ['rcv_nxt', 'rcv_wup', 'rcv_wnd', 'write_seq', 'tcp_header_len', 'rx_opt.rcv_wscale'],
  tcp_skb_cb: ['seq', 'end_seq', 'tcp_flags'],
  msghdr: ['msg_name', 'msg_iter.count', 'msg_iter.data_source', 'msg_iter.type'],
};

/** Those of what zero-copy sockets send, in xdp.h. */
export const XSK_STRUCTS: StructWants = {
  xsk_buff_pool: ['addrs', 'netdev', 'queue_id', 'tx_descs'],
  xdp_desc: ['addr', 'len'],
};

/** Those of xdp/run.h and xdp/redirect.h. */
export const XDP_RUN_STRUCTS: StructWants = {
  bpf_prog: ['aux', 'expected_attach_type'],
  bpf_prog_aux: ['id'],
  bpf_redirect_info: ['tgt_index', 'tgt_value', 'map', 'map_id', 'map_type', 'kern_flags'],
  bpf_map: ['id', 'map_type'],
  bpf_dtab_netdev: ['dev'],
};

/** Those of track.h. */
export const TRACK_STRUCTS: StructWants = {
  sk_buff: ['cloned'],
  skb_shared_info: ['dataref.counter'],
  kmem_cache: ['object_size'],
};
