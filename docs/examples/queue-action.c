// kernel: sk_buff.mark sk_buff.priority sk_buff.dev net_device.mtu
struct xcap_user_extend {
	u8 ttl;
	u32 mark; // format: 0x%04x
	int priority;
	char note[8];
	u64 start; // format: %#x
};

static inline int xcap_ext_action(void *ext, void *pkt, u32 pkt_len, struct xcap_user_extend *user,
				  u16 trace_index)
{
	struct sk_buff *skb = ext;
	u32 ttl;

	if (xcap_u8(pkt, 22, &ttl))
		return 0;
	user->ttl = ttl;
	user->mark = _(skb->mark);
	user->priority = -_(skb->priority);
	user->start = (u64)xcap_start(pkt) & 0xff;
	user->note[0] = _(_(skb->dev)->mtu) > 1500 ? 'J' : 'n';
	return pkt_len > 60;
}
