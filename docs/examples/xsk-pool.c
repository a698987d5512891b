// kernel: sk_buff.sk sk_buff.dev xdp_sock.pool xsk_buff_pool.addrs xsk_buff_pool.netdev
// xsk_buff_pool.queue_id The memory of the AF_XDP socket that sends the packet: its first word, and
// whose it is.
struct xcap_user_extend {
	u64 first_word; // format: 0x%x
	u32 same_device;
	u32 queue;
};

static inline int xcap_ext_action(void *ext, void *pkt, u32 pkt_len, struct xcap_user_extend *user,
				  u16 trace_index)
{
	struct sk_buff *skb = ext;
	struct xdp_sock *xs = (void *)_(skb->sk);
	struct xsk_buff_pool *pool = (void *)_(xs->pool);
	u64 *memory = (void *)_(pool->addrs);

	user->first_word = _(*memory);
	user->same_device = _(pool->netdev) == _(skb->dev);
	user->queue = _(pool->queue_id);
	return 1;
}
